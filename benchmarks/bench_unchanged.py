"""A second run with nothing changed: what it costs beyond reading and mapping."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.children import null_server
from benchmarks.figures import Figure
from benchmarks.hospital_side import hospital
from benchmarks.pilot import SUBJECTS, staged

from netfhir.sync.apply import Apply
from netfhir.sync.records import WRITES, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.hospital_side import Hospital
    from benchmarks.pilot import Amount, Bench

    from netfhir.sync.apply import Result
    from netfhir.sync.staging import Staged

MOST_S = 3
_SCALE = 100_000
_QUICK_SUBJECTS = 20
_PLAN = (
    "counted: opening the ledger with its integrity check, finding the patients, reading staging "
    "and ledger, patient replacement, digests, comparison, sums, the notes of the run"
)
_WHOLE = (
    "the same, and writing every row into the run's sorted file, which stands between the mapping "
    "and the plan; reading the export, assembling, mapping and gate are not counted in either"
)
_HELD_BACK = (
    "what stands behind it: SQLite stores bodies of 1.4 kB under a unique index of random ids "
    "(half of the staging's time) and reads them back in the order of the ids"
)


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield the writes of a second run, and its seconds scaled to 100,000 resources."""
    rows = bench.rows(_QUICK_SUBJECTS if amount.quick else SUBJECTS)
    folder = bench.new_folder()
    with null_server() as url, hospital(bench, url) as server:
        _run(server, folder, rows)
        seen = [_timed(server, folder, rows) for _ in range(amount.rounds)]
    scale = _SCALE / len(rows)
    yield Figure("second run, writes", [float(writes) for writes, _, _ in seen], bound=0)
    plan = [part * scale for _, _, part in seen]
    yield Figure("second run, a 100,000 resources: plan", plan, "s", MOST_S, notes=(_PLAN,))
    whole = [(staging + part) * scale for _, staging, part in seen]
    yield Figure("second run, plan and staging", whole, "s", MOST_S, notes=(_WHOLE, _HELD_BACK))


def _timed(server: Hospital, folder: Path, rows: Sequence[Staged]) -> tuple[int, float, float]:
    result, staging_s, plan_s = _run(server, folder, rows)
    if result.summary.count(Outcome.UNCHANGED) != len(rows):
        raise SystemExit(f"not all is unchanged: {result.summary.as_record()}")
    actions = result.summary.actions.values()
    writes = sum(counts[action] for counts in actions for action in WRITES)
    return writes, staging_s, plan_s


def _run(server: Hospital, folder: Path, rows: Sequence[Staged]) -> tuple[Result, float, float]:
    begun = time.perf_counter()
    staging = staged(folder / "staging.sqlite", rows)
    staged_at = time.perf_counter()
    ledger, terms = server.ledger(folder / "ledger.sqlite"), server.terms(staging)
    result = Apply(staging, ledger, server.client, terms, server.pace).run()
    staging.close()
    ledger.close()
    return result, staged_at - begun, time.perf_counter() - staged_at
