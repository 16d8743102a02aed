"""Prescreening beside a bare typed read of the same files, and its rows beside a bare COPY."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from benchmarks import screen_hospital
from benchmarks.figures import Figure

from netfhir import settings
from netfhir.screening import protocol
from netfhir.screening.engines import flat_columns
from netfhir.screening.engines.duckdb import Warehouse
from netfhir.screening.intake import Intake
from netfhir.screening.needs import Facts
from netfhir.screening.reading import Reader
from netfhir.screening.shapes import SHAPES
from netfhir.trial import declaration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.pilot import Amount, Bench

    from netfhir.screening.criteria import Criterion
    from netfhir.screening.protocol import Protocol

TRIAL = "NCT05987176"
AS_OF = date(2026, 5, 4)
_PATIENTS, _QUICK = 50_000, 2_000
_TEN = "each trial writes its own rows with evidence: 1.25 million a trial at 50,000 patients"
_PEOPLE = {"id": "VARCHAR", "gender": "VARCHAR", "birthDate": "VARCHAR"}


def figures(_: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield facts and verdicts against a bare read, and rows against a bare COPY."""
    patients = _QUICK if amount.quick else _PATIENTS
    asked = opened()
    ratios, writing, seconds, tens = [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        resources = screen_hospital.write(data, patients)
        bare_read(data)
        for _round in range(amount.rounds):
            bare = bare_read(data)
            with tempfile.TemporaryDirectory(dir=name) as scratch:
                warehouse, judged = judge(asked, data, Path(scratch))
                ours, copy = _written(warehouse, Path(scratch))
                tens.append((judged + _nine_more(warehouse, asked)) / judged)
            ratios.append(judged / bare)
            seconds.append(judged)
            writing.append(ours / copy)
    counted = f"{patients:,} patients, {resources:,} resources, {patients * 25:,} verdicts"
    yield Figure("facts and verdicts / bare typed read", ratios, bound=3, notes=(counted,))
    yield Figure("facts and verdicts", seconds, "s")
    yield Figure("ten trials in one pass / one trial", tens, bound=1.3, notes=(_TEN,))
    yield Figure("verdicts.ndjson / bare COPY of the rows", writing, bound=1.5)


def _nine_more(warehouse: Warehouse, asked: Protocol) -> float:
    """Return the seconds for nine trials more over what was read: other limits, all 25 criteria."""
    begun = time.perf_counter()
    for number in range(1, 10):
        criteria = {key: _moved(one, number) for key, one in asked.file.criteria.items()}
        file = asked.file.model_copy(update={"criteria": criteria})
        warehouse.judge_by(replace(asked, file=file), f"other_{number}")
    return time.perf_counter() - begun


def _moved(criterion: Criterion, by: int) -> Criterion:
    needs = {
        name: need.model_copy(update={"fresh_days": need.fresh_days + by})
        if isinstance(need, Facts) and need.fresh_days is not None
        else need
        for name, need in criterion.needs.items()
    }
    return criterion.model_copy(update={"needs": needs})


def opened() -> Protocol:
    """Return the screening of the trial."""
    trial = declaration.load(TRIAL, [settings.shipped_mappings()])
    return protocol.load(trial, AS_OF)


def judge(asked: Protocol, data: Path, scratch: Path) -> tuple[Warehouse, float]:
    """Read an export and judge it; return the tables, and how long that took."""
    intake = Intake(Reader(asked.sets, asked.file.unit_spellings))
    begun = time.perf_counter()
    warehouse = Warehouse(asked, intake, scratch)
    warehouse.read(data, lambda _: None)
    warehouse.judge()
    return warehouse, time.perf_counter() - begun


def bare_read(data: Path) -> float:
    """Read the members that screening needs into one table a type, and nothing else."""
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    begun = time.perf_counter()
    for path in sorted(data.glob("*.ndjson")):
        kind = path.stem
        members = flat_columns.columns(kind, SHAPES[kind]) if kind in SHAPES else _PEOPLE
        listed = ", ".join(f"\"{name}\": '{type_}'" for name, type_ in members.items())
        read = f"read_json('{path}', format = 'newline_delimited', columns = {{{listed}}})"
        connection.execute(f"CREATE TABLE {kind} AS SELECT * FROM {read}")  # noqa: S608 - our own
    return time.perf_counter() - begun


def _written(warehouse: Warehouse, folder: Path) -> tuple[float, float]:
    """Return the seconds for the rows in order, and for a bare COPY of them."""
    begun = time.perf_counter()
    warehouse.write(folder / "verdicts.ndjson")
    ours = time.perf_counter() - begun
    rows = "patient, criterion, status, cause, evidence, resolves_on, question"
    begun = time.perf_counter()
    warehouse.connection.execute(
        f"COPY (SELECT {rows} FROM verdict) TO '{folder / 'bare.ndjson'}' (FORMAT json)"  # noqa: S608 - our own
    )
    return ours, time.perf_counter() - begun
