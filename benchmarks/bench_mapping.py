"""How fast facts become resources: entity, draft, gate, canonical bytes; and the whole pipeline."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.pilot import SUBJECTS

from netfhir.errors import RecordError
from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.gate import Gate
from netfhir.mappers import mapper
from netfhir.runs.exports import opened
from netfhir.runs.opening import stage
from netfhir.sources.assemble import Assembly, entities
from netfhir.sources.reading import Reader
from netfhir.sync.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.pilot import Amount, Bench

    from netfhir.trial.entities import Entity

LEAST_A_SECOND = 5_000
_QUICK_SUBJECTS = 20
_QUICK_ENTITIES = 10_000


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield Observations a second of one core, and those of the whole pipeline."""
    measurements = _measurements(bench, _QUICK_ENTITIES if amount.quick else None)
    mapped = [len(measurements) / _mapping_s(bench, measurements) for _ in range(amount.rounds)]
    count = f"{len(measurements):,} measurements, CPU time of the thread, a new gate each round"
    yield Figure("mapping and gate", mapped, "Observations/s", LEAST_A_SECOND, "at least", (count,))
    del measurements
    gc.unfreeze()
    gc.collect()
    subjects = _QUICK_SUBJECTS if amount.quick else SUBJECTS
    whole = [_whole(bench, subjects) for _ in range(amount.rounds)]
    yield Figure("read, assemble, map, check, stage", whole, "resources/s of CPU")


def _measurements(bench: Bench, most: int | None) -> list[Entity]:
    """Assemble all measurements, and keep them out of the garbage collector's way."""
    trial, given = bench.site.trial, bench.input()
    _, export = trial.choose(given.format)
    tables = opened(export, given.source, given.container, given.dictionary)
    assembly = Assembly(trial, tables, Reader.of(trial, export, tables.check))
    found: list[Entity] = []
    for name, fact in entities(assembly, export.entities):
        if name == "measurement" and not isinstance(fact, RecordError):
            found.append(fact)
        if most is not None and len(found) >= most:
            break
    gc.collect()
    gc.freeze()
    return found


def _mapping_s(bench: Bench, measurements: list[Entity]) -> float:
    drafts, gate, site = mapper("measurement"), Gate(), bench.site
    begun = time.thread_time()
    for entity in measurements:
        for draft in drafts(entity, site):
            gate.check(draft)
            to_bytes(draft.body)
    return time.thread_time() - begun


def _whole(bench: Bench, subjects: int) -> float:
    begun = time.process_time()
    staging = Staging.create(bench.new_folder() / "staging.sqlite")
    stage(bench.site, bench.input(subjects), staging)
    rate = len(staging) / (time.process_time() - begun)
    staging.close()
    return rate
