"""Two engines, one meaning: DuckDB gives what Python gives, on every row and column."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from hospital_records import asked, overlay, reader
from netfhir.screening.engines import python
from netfhir.screening.engines.duckdb import Warehouse
from netfhir.screening.files import USUAL
from netfhir.screening.intake import Intake, export, records

if TYPE_CHECKING:
    from pathlib import Path

PATIENTS = 400


def by_python(data: Path, *, covered: bool) -> tuple[list[dict[str, Any]], set[tuple[str, str]]]:
    """Return rows and problems of the engine that defines the meaning."""
    intake = Intake(reader())
    people = records(export(data, intake), intake.tally)
    protocol = asked(covered=covered)
    rows = [v.as_row() for one in people.values() for v in python.verdicts(protocol, one)]
    return rows, set(intake.tally.problems)


def by_duckdb(
    data: Path, scratch: Path, *, covered: bool
) -> tuple[list[dict[str, Any]], set[tuple[str, str]]]:
    """Return rows and problems of the engine for whole hospitals."""
    intake = Intake(reader())
    scratch.mkdir(exist_ok=True)
    warehouse = Warehouse(asked(covered=covered), intake, scratch)
    warehouse.read(data, lambda _: None)
    warehouse.judge()
    warehouse.write(scratch / "verdicts.ndjson")
    rows = (scratch / "verdicts.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(row) for row in rows], set(intake.tally.problems)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export of generated patients."""
    folder = tmp_path_factory.mktemp("hospital")
    overlay.write(folder, list(overlay.patients(PATIENTS)))
    return folder


def test_scalars_of_another_kind_and_nulls_are_read_alike(hospital: Path, tmp_path: Path) -> None:
    """A number for a text, and null for nothing, are no reason to differ."""
    odd = tmp_path / "odd"
    odd.mkdir()
    for path in hospital.glob("*.ndjson"):
        (odd / path.name).write_bytes(path.read_bytes())
    lines = (odd / "Observation.ndjson").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[:800]):
        change = (
            {"status": None},
            {"id": number, "meta": {"versionId": number}},
            {"code": {"coding": [{"system": "http://loinc.org", "code": 718}], "text": 5}},
            {"valueQuantity": None},
            {"effectiveDateTime": 2026},
            {"referenceRange": None, "interpretation": None},
        )[number % 6]
        lines[number] = json.dumps(json.loads(line) | change)
    (odd / "Observation.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ours, _ = by_python(odd, covered=False)
    assert by_duckdb(odd, tmp_path / "scratch", covered=False)[0] == ours


def test_zeros_at_the_end_of_a_number_stay(hospital: Path, tmp_path: Path) -> None:
    """7.40 stays 7.40 in value and limits, with blanks, exponents and long numbers beside it."""
    zeros = tmp_path / "zeros"
    zeros.mkdir()
    for path in hospital.glob("*.ndjson"):
        (zeros / path.name).write_bytes(path.read_bytes())
    path = zeros / "Observation.ndjson"
    endings = itertools.cycle(
        (r"\1 : \g<2>0", r"\1:\g<2>00", r"\1:\g<2>e0", r"\1:\g<2>00000000000")
    )
    lines = [
        re.sub(r'("value"):(-?[0-9]+\.[0-9]+)(?=[,}])', next(endings), line)
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ours, _ = by_python(zeros, covered=False)
    said = " ".join(f"{o['value']} {o['threshold']} " for r in ours for o in r["evidence"])
    assert re.search(r" [0-9]+\.[1-9]00? .*ULN [0-9]+\.[0-9]+0 ", said)
    assert by_duckdb(zeros, tmp_path / "scratch", covered=False)[0] == ours


@pytest.mark.parametrize("covered", [False, True], ids=["silent", "covered"])
def test_both_engines_give_the_same_rows(hospital: Path, tmp_path: Path, *, covered: bool) -> None:
    """Every key of every row is equal, evidence and questions included, and in the same order."""
    ours, problems = by_python(hospital, covered=covered)
    theirs, others = by_duckdb(hospital, tmp_path / "scratch", covered=covered)
    assert ours == theirs
    assert [list(row) for row in ours[:25]] == [list(row) for row in theirs[:25]]
    assert problems == others


def test_a_long_line_is_read_like_any_other(hospital: Path, tmp_path: Path) -> None:
    """A resource of more than the usual length, in a file of usual ones: by type all the same."""
    long = tmp_path / "long"
    long.mkdir()
    for path in hospital.glob("*.ndjson"):
        (long / path.name).write_bytes(path.read_bytes())
    lines = (long / "Observation.ndjson").read_text(encoding="utf-8").splitlines()
    noted = json.loads(lines[7]) | {"note": [{"text": "x" * (3 * USUAL)}]}
    lines[7] = json.dumps(noted)
    (long / "Observation.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    scratch = tmp_path / "scratch"
    ours, problems = by_python(hospital, covered=False)
    assert by_duckdb(long, scratch, covered=False) == (ours, problems)
    warehouse = Warehouse(asked(), Intake(reader()), scratch)
    warehouse.read(long, lambda _: None)
    assert any(warehouse.parts.values()), "Observations were not read by type"


def test_rows_put_in_order_some_patients_at_a_time_are_the_same(
    hospital: Path, tmp_path: Path
) -> None:
    """Facts and rows of few patients at a time: the same file, byte for byte."""
    written = []
    for at_once in (3, PATIENTS):
        scratch = tmp_path / str(at_once)
        scratch.mkdir()
        warehouse = Warehouse(asked(), Intake(reader()), scratch, at_once=at_once)
        warehouse.read(hospital, lambda _: None)
        warehouse.judge()
        warehouse.write(scratch / "verdicts.ndjson")
        written.append((scratch / "verdicts.ndjson").read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"\n") == 25 * PATIENTS


def test_order_compression_splits_and_copies_do_not_matter(hospital: Path, tmp_path: Path) -> None:
    """Shuffled, split, gzipped and with every line twice: the same answers of both engines."""
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    draw = random.Random(7)  # noqa: S311 - reproducible, not secret
    for path in hospital.glob("*.ndjson"):
        lines = path.read_bytes().splitlines(keepends=True) * 2
        draw.shuffle(lines)
        half = len(lines) // 2
        (shuffled / f"{path.stem}.1.ndjson").write_bytes(b"".join(lines[:half]))
        with gzip.open(shuffled / f"{path.stem}.2.ndjson.gz", "wb") as file:
            file.writelines(lines[half:])
    expected, _ = by_python(hospital, covered=True)
    assert by_python(shuffled, covered=True)[0] == expected
    assert by_duckdb(shuffled, tmp_path / "scratch", covered=True)[0] == expected


def _spoilt(folder: Path, data: Path) -> None:
    """Copy an export and spoil some lines of its Observations, each in another way."""
    for path in data.glob("*.ndjson"):
        (folder / path.name).write_bytes(path.read_bytes())
    path = folder / "Observation.ndjson"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3][:60]
    lines[7] = lines[7].replace('"status":"final"', '"status":"final","status":"amended"')
    for number, change in (
        (5, {"valueQuantity": {"value": "<5", "unit": "g/dL"}}),
        (9, {"code": {"coding": {"system": "x"}}}),
        (11, {"effectiveDateTime": "2026-02-31"}),
        (13, {"subject": {"reference": "Patient/nobody"}}),
        (15, {"subject": {}}),
        (17, {"note": [{"text": "x" * 20_000_000}]}),
        (19, {"code": {"coding": [{"code": "718-7"}]}}),
        (21, {"valueQuantity": {"value": 1e400}}),
        (23, {"status": None}),
        (25, {"id": 25, "meta": {"versionId": 3}}),
        (27, {"code": {"coding": [{"system": "http://loinc.org", "code": 718}]}}),
        (29, {"valueQuantity": None}),
    ):
        lines[number] = json.dumps(json.loads(lines[number]) | change)
    path.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    with (folder / "Patient.ndjson").open("a", encoding="utf-8") as file:
        file.write((data / "Patient.ndjson").read_text(encoding="utf-8").splitlines()[0] + "\n")
    promised = [{"type": "Procedure", "url": "https://hospital.example/Procedure.2.ndjson"}]
    (folder / "manifest.json").write_text(json.dumps({"output": promised}), encoding="utf-8")


def test_bad_input_is_counted_and_named_by_both(hospital: Path, tmp_path: Path) -> None:
    """Broken lines, marks, duplicate keys, lost references, copies: named, and judged alike."""
    bad = tmp_path / "bad"
    bad.mkdir()
    _spoilt(bad, hospital)
    ours, problems = by_python(bad, covered=True)
    theirs, others = by_duckdb(bad, tmp_path / "scratch", covered=True)
    assert ours == theirs
    assert problems == others
    assert {code for code, _ in problems} == {
        "broken-line",
        "byte-order-mark",
        "duplicate-key",
        "duplicate-patient",
        "malformed",
        "missing-file",
        "no-patient",
        "unknown-patient",
        "unreadable-value",
    }


def test_what_could_not_be_read_is_never_absence(hospital: Path, tmp_path: Path) -> None:
    """At a site with complete sources, a lost file of Procedures leaves treatment unknown."""
    bad = tmp_path / "bad"
    bad.mkdir()
    _spoilt(bad, hospital)
    whole = {r["patient"] for r in by_python(hospital, covered=True)[0] if _free(r)}
    after = {r["patient"]: r for r in by_python(bad, covered=True)[0] if r["criterion"] == "E7"}
    assert whole
    for patient in whole:
        assert (after[patient]["status"], after[patient]["cause"]) == ("unknown", "data-error")


def _free(row: dict[str, Any]) -> bool:
    return bool(row["criterion"] == "E7" and row["status"] == "not-met" and not row["evidence"])
