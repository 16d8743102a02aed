"""Prescreening in bounded memory: lines of 20 MB do not pile up."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from hospital_records import ROOT, TRIAL

if TYPE_CHECKING:
    from pathlib import Path

LINES, LENGTH = 30, 20_000_000
BOUND_MB = 1_200


def test_lines_of_20_mb_do_not_pile_up(tmp_path: Path) -> None:
    """600 MB of results, the last one broken, so that all are read one by one: far less is held."""
    data = tmp_path / "data"
    data.mkdir()
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1970-01-01"}
    (data / "Patient.ndjson").write_text(json.dumps(patient) + "\n", encoding="utf-8")
    result = {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "effectiveDateTime": "2026-05-01",
        "valueQuantity": {"value": 12.1, "code": "g/dL"},
    }
    with (data / "Observation.ndjson").open("w", encoding="utf-8") as file:
        for number in range(LINES):
            long = {**result, "id": f"o{number}", "note": [{"text": "x" * LENGTH}]}
            file.write(json.dumps(long) + "\n")
        file.write('{"resourceType":')
    command = [sys.executable, "-m", "netfhir", "screen", TRIAL, "--data", str(data)]
    measured = [sys.executable, str(ROOT / "benchmarks" / "measured.py"), *command]
    told = subprocess.run(
        [*measured, "--out", str(tmp_path / "out"), "--as-of", "2026-05-04"],
        capture_output=True,
        check=False,
    )
    assert told.returncode == 65, told.stderr
    assert json.loads(told.stdout)["peak_mb"] < BOUND_MB
    funnel = json.loads((tmp_path / "out" / "funnel.json").read_bytes())
    assert [problem["code"] for problem in funnel["problems"]] == ["broken-line"]
    assert funnel["criteria"]["E8"]["not-met"] == 1
