"""The whole pilot into a server that costs nothing: what netfhir itself takes to send."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.children import null_server
from benchmarks.figures import Figure
from benchmarks.hospital_side import hospital
from benchmarks.pilot import SUBJECTS, staged

from netfhir.sync.apply import Apply
from netfhir.sync.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.pilot import Amount, Bench

    from netfhir.sync.staging import Staged

_QUICK_SUBJECTS = 20


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield resources a second, and netfhir's CPU time a resource; all is staged before."""
    rows = bench.rows(_QUICK_SUBJECTS if amount.quick else SUBJECTS)
    seen = [_applied(bench, rows) for _ in range(amount.rounds)]
    note = f"{len(rows):,} resources; plan, bundles, replies and ledger; reading and mapping apart"
    yield Figure("apply into a null server", [a for a, _ in seen], "resources/s", notes=(note,))
    yield Figure("apply into a null server, client CPU", [b for _, b in seen], "us/resource")


def _applied(bench: Bench, rows: Sequence[Staged]) -> tuple[float, float]:
    folder = bench.new_folder()
    with null_server() as url, hospital(bench, url) as server:
        staging = staged(folder / "staging.sqlite", rows)
        ledger, terms = server.ledger(folder / "ledger.sqlite"), server.terms(staging)
        wall, cpu = time.perf_counter(), time.process_time()
        result = Apply(staging, ledger, server.client, terms, server.pace).run()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        staging.close()
        ledger.close()
    if result.exit_status or result.summary.count(Outcome.ACKNOWLEDGED) != len(rows):
        raise SystemExit(f"not all was acknowledged: {result.summary.as_record()}")
    return len(rows) / wall, cpu / len(rows) * 1e6
