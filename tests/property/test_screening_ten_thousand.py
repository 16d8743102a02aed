"""Ten thousand generated patients: DuckDB gives what Python gives, on every row and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from hospital_records import asked, overlay, reader
from netfhir.screening.engines import python
from netfhir.screening.engines.duckdb import Warehouse
from netfhir.screening.intake import Intake, export, records

if TYPE_CHECKING:
    from pathlib import Path

PATIENTS = 10_000


def test_ten_thousand_patients_are_judged_alike(tmp_path: Path) -> None:
    """250,000 rows, each equal in all its keys, and in the same order."""
    data, scratch = tmp_path / "data", tmp_path / "scratch"
    data.mkdir()
    scratch.mkdir()
    overlay.write(data, list(overlay.patients(PATIENTS, clean=0.4)))
    warehouse = Warehouse(asked(covered=True), Intake(reader()), scratch)
    warehouse.read(data, lambda _: None)
    warehouse.judge()
    warehouse.write(scratch / "verdicts.ndjson")
    intake = Intake(reader())
    people = records(export(data, intake), intake.tally)
    ours = (v for one in people.values() for v in python.verdicts(asked(covered=True), one))
    compared = 0
    with (scratch / "verdicts.ndjson").open("rb") as file:
        for verdict, line in zip(ours, file, strict=True):
            assert orjson.loads(line) == verdict.as_row()
            compared += 1
    assert compared == 25 * PATIENTS
