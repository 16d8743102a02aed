"""Each kind of bad input: counted, named by file and line, and left as a gap, never as absence."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from hospital_records import asked, reader
from netfhir.screening.engines.python import verdicts
from netfhir.screening.intake import Intake, export, records

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.screening.facts import Record

LOINC = "http://loinc.org"
PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1970-01-01"}


def haemoglobin(number: int, **members: Any) -> dict[str, Any]:
    """Return a haemoglobin of patient p."""
    whole: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": LOINC, "code": "718-7"}]},
        "effectiveDateTime": "2026-05-01",
        "valueQuantity": {"value": 12.1, "code": "g/dL"},
    }
    return whole | members


def screened(folder: Path, *lines: bytes, people: int = 1) -> tuple[Record, Intake]:
    """Return the record of patient p and the intake, of an export with these Observations."""
    whole = (json.dumps(PATIENT).encode() + b"\n") * people
    (folder / "Patient.ndjson").write_bytes(whole)
    if lines:
        (folder / "Observation.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    intake = Intake(reader())
    return records(export(folder, intake), intake.tally)["p"], intake


def cause(record: Record, *, covered: bool = True) -> tuple[str, str | None]:
    """Return status and cause of the haemoglobin criterion."""
    found = next(v for v in verdicts(asked(covered=covered), record) if v.criterion == "E8")
    return found.status, found.cause


GOOD = json.dumps(haemoglobin(1)).encode()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"resourceType":"Observation","id":"o', "broken-line"),
        (GOOD[:-1] + b',"note":[{"text":"' + b"x" * 20_000_000, "broken-line"),
        (b"[" * 100_000, "broken-line"),
        (b"\xff\xfe{}", "broken-line"),
        (GOOD[:-1] + b',"status":"amended"}', "duplicate-key"),
        (json.dumps({"id": "o1", "status": "final"}).encode(), "no-type-or-id"),
        (json.dumps(haemoglobin(1, code={"coding": {"code": "718-7"}})).encode(), "malformed"),
        (json.dumps(haemoglobin(1, effectiveDateTime="2026-02-31")).encode(), "unreadable-value"),
        (
            json.dumps(haemoglobin(1, valueQuantity={"value": "<5", "code": "g/dL"})).encode(),
            "unreadable-value",
        ),
        (json.dumps(haemoglobin(1, subject={})).encode(), "no-patient"),
    ],
    ids=[
        "cut off",
        "20 MB cut off",
        "nested without end",
        "no UTF-8",
        "member twice",
        "no type",
        "other shape",
        "no such day",
        "text for a number",
        "nobody",
    ],
)
def test_a_bad_line_is_named_and_leaves_a_gap(tmp_path: Path, line: bytes, code: str) -> None:
    """It has a code, its file and its line; what it may have said is unknown, not absent.

    Where its patient can be told, the cause is the error.
    """
    record, intake = screened(tmp_path, line)
    assert [(row["code"], row["file"], row["first_line"]) for row in intake.tally.rows()] == [
        (code, "Observation.ndjson", 1)
    ]
    assert record.gaps or record.facts
    told = any(gap.patient for gap in record.gaps) or bool(record.facts)
    assert cause(record) == ("unknown", "data-error" if told else "no-data")


def test_a_byte_order_mark_is_named_and_the_line_read(tmp_path: Path) -> None:
    """The mark is no part of the first resource."""
    record, intake = screened(tmp_path, b"\xef\xbb\xbf" + GOOD)
    assert set(intake.tally.problems) == {("byte-order-mark", "Observation.ndjson")}
    assert cause(record) == ("not-met", None)


def test_a_long_line_is_read(tmp_path: Path) -> None:
    """20 MB of notes in one resource are no reason to lose its value."""
    long = haemoglobin(1, note=[{"text": "x" * 20_000_000}])
    record, intake = screened(tmp_path, json.dumps(long).encode())
    assert not intake.tally.problems
    assert cause(record) == ("not-met", None)


def test_a_code_without_its_system_is_unmapped(tmp_path: Path) -> None:
    """718-7 of no system is no haemoglobin, and no absence of one."""
    bare = {"coding": [{"code": "718-7"}], "text": "Hb"}
    record, _ = screened(tmp_path, json.dumps(haemoglobin(1, code=bare)).encode())
    assert cause(record) == ("unknown", "local-code-unmapped")


@pytest.mark.parametrize(("unit", "expected"), [("grams", "unit-not-comparable"), ("", None)])
def test_a_unit_in_words_is_not_comparable(tmp_path: Path, unit: str, expected: str | None) -> None:
    """A unit that nobody declared has no threshold; none at all is missing."""
    given = haemoglobin(1, valueQuantity={"value": 12.1, "unit": unit})
    record, _ = screened(tmp_path, json.dumps(given).encode())
    assert cause(record) == ("unknown", expected or "unit-missing")


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-05", ("not-met", None)), ("2026-03", ("unknown", "stale"))],
)
def test_a_partial_date_is_an_interval(
    tmp_path: Path, day: str, expected: tuple[str, str | None]
) -> None:
    """A month that may hold the last fresh day leaves it open; one that is over decides."""
    record, _ = screened(tmp_path, json.dumps(haemoglobin(1, effectiveDateTime=day)).encode())
    assert cause(record) == expected


def test_a_patient_twice_is_named(tmp_path: Path) -> None:
    """The second line of one id is counted, and the patient judged once."""
    record, intake = screened(tmp_path, GOOD, people=2)
    assert set(intake.tally.problems) == {("duplicate-patient", "Patient")}
    assert cause(record) == ("not-met", None)


def test_a_reference_to_nobody_is_named(tmp_path: Path) -> None:
    """A result of a Patient who is not in the export is counted."""
    lost = json.dumps(haemoglobin(2, subject={"reference": "Patient/nobody"})).encode()
    _, intake = screened(tmp_path, GOOD, lost)
    assert set(intake.tally.problems) == {("unknown-patient", "Observation")}


def test_a_missing_file_of_the_manifest_is_named(tmp_path: Path) -> None:
    """What the export promised and the folder lacks is a gap of everybody."""
    promised = [{"type": "Observation", "url": "https://hospital.example/o/Observation.7.ndjson"}]
    (tmp_path / "manifest.json").write_text(json.dumps({"output": promised}), encoding="utf-8")
    record, intake = screened(tmp_path)
    assert set(intake.tally.problems) == {("missing-file", "Observation.7.ndjson")}
    assert cause(record) == ("unknown", "no-data")
    assert [gap.type for gap in record.gaps] == ["Observation"]


def test_a_gzip_file_that_breaks_off_is_named(tmp_path: Path) -> None:
    """What was read counts; that there was more is a gap."""
    whole = gzip.compress(GOOD + b"\n" + GOOD * 400)
    (tmp_path / "Observation.ndjson.gz").write_bytes(whole[: len(whole) - 12])
    _, intake = screened(tmp_path)
    assert ("broken-file", "Observation.ndjson.gz") in intake.tally.problems
