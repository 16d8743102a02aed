"""A second run with nothing changed: what it costs beyond reading and mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.applying import applied
from benchmarks.children import null_server
from benchmarks.figures import Figure
from benchmarks.pilot import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.pilot import Amount, Bench

MOST_S = 3
_SCALE = 100_000
_QUICK_SUBJECTS = 20
_PLAN = (
    "counted: all that `netfhir apply` does but to read, assemble, map, check and stage: lock, "
    "CapabilityStatement, ledger with its integrity check, patients, digests of the export's "
    "files, the server's last changes, plan, lease, sums, Provenance owed, what is gone"
)
_WHOLE = (
    "the same, and writing every row into the run's sorted file, which stands between the mapping "
    "and the plan; reading the export, assembling, mapping and gate are not counted in either"
)
_HELD_BACK = (
    "what stands behind it: every row goes into SQLite under a unique index of random ids, and is "
    "read back in the order of the ids"
)


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield the writes of a second run, and its seconds scaled to 100,000 resources."""
    rows = bench.rows(_QUICK_SUBJECTS if amount.quick else SUBJECTS)
    state = bench.new_folder()
    with null_server() as url:
        applied(bench, url, state, rows)
        seen = [applied(bench, url, state, rows) for _ in range(amount.rounds)]
    scale = _SCALE / len(rows)
    yield Figure("second run, writes", [float(run.writes) for run in seen], bound=0)
    plan = [run.sync.wall_s * scale for run in seen]
    yield Figure("second run, a 100,000 resources: plan", plan, "s", MOST_S, notes=(_PLAN,))
    whole = [(run.staging.wall_s + run.sync.wall_s) * scale for run in seen]
    yield Figure("second run, plan and staging", whole, "s", MOST_S, notes=(_WHOLE, _HELD_BACK))
