"""`netfhir screen` and `explain` as a user runs them, on the synthetic hospital."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hospital_records import HOSPITAL, SITE, TRIAL
from netfhir.cli import group
from netfhir.errors import DeclarationError, FormatError

if TYPE_CHECKING:
    from pathlib import Path

DAY = ["--as-of", "2026-05-04"]
KEYS = ["patient", "criterion", "status", "cause", "evidence", "resolves_on", "question"]


def run(*arguments: object) -> int:
    """Return the exit status of a command line."""
    found = group.main([str(one) for one in arguments], standalone_mode=False)
    return int(found or 0)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of an NDJSON file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def screen(data: Path, out: Path, *more: object) -> int:
    """Screen an export on the day of the fixture."""
    return run("screen", TRIAL, "--data", data, "--out", out, *DAY, *more)


def people() -> int:
    """Return how many patients the synthetic hospital has."""
    return sum(len(path.read_bytes().splitlines()) for path in HOSPITAL.glob("Patient*.ndjson"))


@pytest.mark.parametrize("engine", ["python", "duckdb"])
def test_every_patient_gets_25_rows_with_fixed_keys(tmp_path: Path, engine: str) -> None:
    """Rows in order of patient and criterion; engine, digest and day stand in the funnel alone."""
    assert screen(HOSPITAL, tmp_path, "--engine", engine) == 0
    rows = rows_of(tmp_path / "verdicts.ndjson")
    assert len(rows) == 25 * people()
    assert all(list(row) == KEYS for row in rows)
    assert [row["criterion"] for row in rows[:9]] == [*(f"I{n}" for n in range(1, 9)), "E1"]
    assert rows == sorted(rows, key=lambda row: row["patient"])
    funnel = json.loads((tmp_path / "funnel.json").read_bytes())
    assert (funnel["engine"], funnel["as_of"]) == (engine, "2026-05-04")
    assert sum(funnel["outcomes"].values()) == funnel["patients"] == people()


def test_the_fixture_s_truth_is_found(tmp_path: Path) -> None:
    """Status and cause of every row are those of hospital-truth.ndjson."""
    screen(HOSPITAL, tmp_path)
    truth = {}
    for one in rows_of(HOSPITAL.parent / "hospital-truth.ndjson"):
        truth.update({(one["patient"], key): known for key, known in one["truth"].items()})
    rows = rows_of(tmp_path / "verdicts.ndjson")
    found = {(row["patient"], row["criterion"]): [row["status"], row["cause"]] for row in rows}
    assert {key: found[key] for key in truth} == truth


def test_candidates_have_ranks_and_others_none(tmp_path: Path) -> None:
    """The ranked come first, from 1; the next questions are of the ranked."""
    screen(HOSPITAL, tmp_path, "--mappings", SITE)
    rows = rows_of(tmp_path / "candidates.ndjson")
    ranks = [row["rank"] for row in rows if row["rank"]]
    assert ranks == list(range(1, len(ranks) + 1))
    assert list(rows[0]) == ["patient", "outcome", "rank", "deciding", "questions"]
    assert {row["outcome"] for row in rows} == {"candidate", "undecided", "excluded"}
    assert not [row for row in rows if row["rank"] is None and row["questions"]]


def test_what_is_written_is_private_and_the_same_again(tmp_path: Path) -> None:
    """Same input, same bytes; files of mode 0600, no scratch left."""
    for name in ("one", "two"):
        screen(HOSPITAL, tmp_path / name)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["candidates.ndjson", "funnel.json", "verdicts.ndjson"]
    for name in names:
        file = tmp_path / "one" / name
        assert file.read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert file.stat().st_mode & 0o777 == 0o600


def test_input_that_cannot_be_read_is_status_65(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named by file and line, without a value."""
    data = tmp_path / "data"
    data.mkdir()
    lines = (HOSPITAL / "Patient.overlay.ndjson").read_bytes()
    (data / "Patient.ndjson").write_bytes(lines)
    (data / "Observation.ndjson").write_bytes(b'{"resourceType":"Observation","id":"secret')
    assert screen(data, tmp_path / "out") == 65
    said = capsys.readouterr().err
    assert "Observation.ndjson:1: broken-line (1)" in said
    assert "secret" not in said


def test_a_refusal_that_cannot_be_read_stops_the_run(tmp_path: Path) -> None:
    """A Consent may be a refusal: nobody is screened until all can be read."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "Patient.ndjson").write_bytes((HOSPITAL / "Patient.ndjson").read_bytes())
    (data / "Consent.ndjson").write_bytes(b"{")
    with pytest.raises(FormatError, match="unreadable-consent"):
        screen(data, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))


def test_an_amended_protocol_tells_whose_verdict_changed(tmp_path: Path) -> None:
    """A limit of haemoglobin is raised: who is below it now, because of the criteria."""
    amended = tmp_path / "site" / TRIAL
    amended.mkdir(parents=True)
    limit = 'override = true\n[criteria.E8.needs.as-printed.thresholds]\n"g/dL" = "9.0"\n'
    (amended / "criteria.toml").write_text(limit, encoding="utf-8")
    screen(HOSPITAL, tmp_path / "old")
    more = ("--before", tmp_path / "old", "--mappings", tmp_path / "site")
    assert screen(HOSPITAL, tmp_path / "new", *more) == 0
    found = rows_of(tmp_path / "new" / "changes.ndjson")
    assert {(row["criterion"], row["why"]) for row in found} == {("E8", "criteria")}
    assert {row["after"]["status"] for row in found} == {"met"}


def test_without_patients_there_is_nothing_to_screen(tmp_path: Path) -> None:
    """The folder of an export holds Patients."""
    with pytest.raises(FormatError, match="no-patients"):
        screen(tmp_path, tmp_path / "out")


def test_a_trial_without_screening_is_refused(tmp_path: Path) -> None:
    """No declaration of consent, no screening."""
    with pytest.raises(DeclarationError) as caught:
        run("screen", "CDISCPILOT01", "--data", HOSPITAL, "--out", tmp_path)
    assert caught.value.exit_status == 78


def test_a_patient_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Verbatim criterion, verdict, value with unit and date, source, and what to ask next."""
    assert run("explain", TRIAL, "net-00002", "--data", HOSPITAL, *DAY) == 0
    said = capsys.readouterr().out
    for part in (
        "E8 Hb concentration <5.0 mmol/L (<8.0 g/dL)\n    NOT MET\n",
        "Haemoglobin in blood: 8.03 g/dL (< 8.0 g/dL), 29 April 2026 [Observation/net-00002-12,",
        "Read as `mmol-limit-in-all-units` it is true.",
        "To ask, the cheapest first:",
    ):
        assert part in said


def test_an_unknown_patient_is_named_as_such() -> None:
    """The id may be misspelt."""
    with pytest.raises(FormatError, match="unknown-patient"):
        run("explain", TRIAL, "nobody", "--data", HOSPITAL, *DAY)
