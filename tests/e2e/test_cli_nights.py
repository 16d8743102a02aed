"""`netfhir screen --keep`, then `--previous`: a night gives what a whole screening would give."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hospital_records import TRIAL, overlay
from netfhir.cli import group
from netfhir.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Row = dict[str, Any]

DAYS = ("2026-05-04", "2026-05-06", "2026-05-19")


def screen(data: Path, out: Path, day: str, *more: object) -> int:
    """Screen an export and return the exit status."""
    given = ["screen", TRIAL, "--data", data, "--out", out, "--as-of", day, *more]
    found = group.main([str(one) for one in given], standalone_mode=False)
    return int(found or 0)


def rows(folder: Path) -> dict[tuple[str, str], Row]:
    """Return the verdicts of a folder."""
    lines = (folder / "verdicts.ndjson").read_bytes().splitlines()
    return {(row["patient"], row["criterion"]): row for row in map(json.loads, lines)}


def ranked(folder: Path) -> list[Row]:
    """Return the ranked candidates of a folder."""
    lines = (folder / "candidates.ndjson").read_bytes().splitlines()
    return [row for row in map(json.loads, lines) if row["rank"]]


def funnel(folder: Path) -> Row:
    """Return the sums of a folder, without what belongs to one run."""
    body: Row = json.loads((folder / "funnel.json").read_bytes())
    return {name: part for name, part in body.items() if name not in {"judged", "problems"}}


def corrected(number: int, resource: Row) -> Row:
    """Return a later version: retracted, under a code that nobody asks for, or of another value."""
    later = {**resource, "meta": {"versionId": "2", "lastUpdated": "2026-05-05T01:00:00Z"}}
    if number % 3 == 0:
        return later | {"status": "entered-in-error"}
    if number % 3 == 1:
        return later | {"code": {"coding": [{"system": "http://loinc.org", "code": "1-1"}]}}
    return later | {"valueQuantity": {"value": 1.25, "unit": "g/dL"}}


def write(folder: Path, kind: str, resources: list[Row]) -> None:
    """Write resources of one type."""
    folder.mkdir(exist_ok=True)
    lines = "".join(json.dumps(one) + "\n" for one in resources)
    (folder / f"{kind}.ndjson").write_text(lines, encoding="utf-8")


@pytest.fixture(scope="module")
def hospital() -> dict[str, list[Row]]:
    """Return the resources of 150 patients, by type."""
    by_type: dict[str, list[Row]] = {}
    for made in overlay.patients(150):
        for resource in made.resources:
            by_type.setdefault(resource["resourceType"], []).append(resource)
    return by_type


def nights(hospital: dict[str, list[Row]]) -> Iterator[dict[str, list[Row]]]:
    """Yield what two nights change: results corrected, a consent withdrawn, a new patient."""
    results = hospital["Observation"]
    refused = [one for one in hospital["Consent"] if one["provision"]["type"] == "permit"][:2]
    over = [{**one, "meta": {"versionId": "2"}, "status": "inactive"} for one in refused]
    yield {
        "Observation": [corrected(number, one) for number, one in enumerate(results[:60])],
        "Consent": over,
    }
    new = {**hospital["Patient"][0], "id": "new"}
    own = {**results[3], "id": "new-1", "subject": {"reference": "Patient/new"}}
    yield {"Patient": [new], "Observation": [own]}


def test_a_night_gives_what_a_whole_screening_gives(
    hospital: dict[str, list[Row]], tmp_path: Path
) -> None:
    """After two nights: verdicts, sums and ranking of everybody are those of one whole run."""
    held = {kind: {one["id"]: one for one in all_} for kind, all_ in hospital.items()}
    whole = tmp_path / "whole"
    for kind, resources in hospital.items():
        write(whole, kind, resources)
    screen(whole, tmp_path / "out0", DAYS[0], "--keep")
    known = rows(tmp_path / "out0")
    for number, changed in enumerate(nights(hospital), 1):
        night, out = tmp_path / f"night{number}", tmp_path / f"out{number}"
        for kind, resources in changed.items():
            write(night, kind, resources)
            held[kind] |= {one["id"]: one for one in resources}
            write(whole, kind, list(held[kind].values()))
        screen(night, out, DAYS[number], "--previous", tmp_path / f"out{number - 1}")
        screen(whole, tmp_path / f"full{number}", DAYS[number])
        judged = rows(out)
        known |= judged
        assert known == rows(tmp_path / f"full{number}")
        assert 0 < len(judged) < len(known)
        assert funnel(out) == funnel(tmp_path / f"full{number}")
        assert ranked(out) == ranked(tmp_path / f"full{number}")
    kept = (tmp_path / "out2" / "record").rglob("*.*")
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def test_a_night_under_other_criteria_is_refused(
    hospital: dict[str, list[Row]], tmp_path: Path
) -> None:
    """Kept verdicts are of the criteria that gave them: whoever changes these screens all again."""
    for kind, resources in hospital.items():
        write(tmp_path / "whole", kind, resources[:40])
    screen(tmp_path / "whole", tmp_path / "out", DAYS[0], "--keep")
    amended = tmp_path / "site" / TRIAL
    amended.mkdir(parents=True)
    limit = 'override = true\n[criteria.E8.needs.as-printed.thresholds]\n"g/dL" = "9.0"\n'
    (amended / "criteria.toml").write_text(limit, encoding="utf-8")
    night = ("--previous", tmp_path / "out", "--mappings", tmp_path / "site")
    with pytest.raises(FormatError, match="kept-by-other-rules"):
        screen(tmp_path / "whole", tmp_path / "other", DAYS[1], *night)


def test_without_kept_facts_there_is_no_night(
    hospital: dict[str, list[Row]], tmp_path: Path
) -> None:
    """A screening without --keep is nothing to go on from."""
    write(tmp_path / "whole", "Patient", hospital["Patient"][:2])
    screen(tmp_path / "whole", tmp_path / "out", DAYS[0])
    with pytest.raises(FormatError, match="nothing-kept"):
        screen(tmp_path / "whole", tmp_path / "other", DAYS[1], "--previous", tmp_path / "out")
