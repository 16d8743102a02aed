"""A second run with 1 % changed, and whether its cost is in proportion.

A run with nothing changed, then one with every hundredth resource corrected, again and again over
one ledger; beside the first run, which wrote everything. What the changed rows cost is the
difference of the two, and is held against the same share of the first run.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.applying import Cost, applied
from benchmarks.children import null_server
from benchmarks.corrections import corrected, has_value
from benchmarks.figures import Figure
from benchmarks.pilot import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.pilot import Amount, Bench

    from netfhir.sync.staging import Staged

MOST = 1.5
_EACH = 100
"""Of so many rows, one is corrected."""
_PAIRS = 5
"""Runs of each kind a round: the difference is small beside what two runs differ by chance."""
_QUICK_SUBJECTS = 20
_NAME = "1 % changed / 1 % of the first run"
_HELD_BACK = (
    "what stands behind it: a run that writes anything composes and sends a Provenance, and rows "
    "that lie apart in the ledger have a page each, written twice; a first run fills its pages"
)


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield the cost of 1 % changed beside 1 % of the first run."""
    rows = bench.rows(_QUICK_SUBJECTS if amount.quick else SUBJECTS)
    seen = [_round(bench, rows) for _ in range(amount.rounds)]
    counted = (
        f"{seen[0].changed:,} of {len(rows):,} rows; client CPU; what a run with them costs over "
        f"one without, the median of {_PAIRS} pairs a round"
    )
    yield Figure(_NAME, [one.ratio for one in seen], bound=MOST, notes=(counted, _HELD_BACK))
    yield Figure("1 % changed, over unchanged", [one.added.wall_s for one in seen], "s")
    yield Figure("a changed row, CPU over unchanged", [one.change_us for one in seen], "us/row")
    yield Figure("a first write, CPU", [one.write_us for one in seen], "us/row")


@dataclass(frozen=True, slots=True)
class _Round:
    """The first run, and what the changed rows add to one."""

    rows: int
    changed: int
    first: Cost
    added: Cost

    @property
    def change_us(self) -> float:
        """Return microseconds of CPU that a changed row adds."""
        return self.added.cpu_s / self.changed * 1e6

    @property
    def write_us(self) -> float:
        """Return microseconds of CPU a row of the first run."""
        return self.first.cpu_s / self.rows * 1e6

    @property
    def ratio(self) -> float:
        """Return the changed rows' cost beside their share of the first run's."""
        return self.change_us / self.write_us


def _round(bench: Bench, rows: Sequence[Staged]) -> _Round:
    before, (after, changed) = rows, _corrections(rows)
    state = bench.new_folder()
    added = []
    with null_server() as url:
        first = applied(bench, url, state, rows).sync
        for _ in range(_PAIRS):
            same, other = (applied(bench, url, state, now) for now in (before, after))
            if same.writes or other.writes < changed:
                raise SystemExit(f"{same.writes} and {other.writes} writes of {changed}")
            added.append(other.sync - same.sync)
            before, after = after, before
    wall = statistics.median(cost.wall_s for cost in added)
    return _Round(len(rows), changed, first, Cost(wall, statistics.median(c.cpu_s for c in added)))


def _corrections(rows: Sequence[Staged]) -> tuple[list[Staged], int]:
    """Return the rows, one of each hundred corrected, spread over all; and how many are."""
    able = [at for at, row in enumerate(rows) if has_value(row)]
    chosen = able[:: max(1, len(able) * _EACH // len(rows))][: len(rows) // _EACH]
    new = list(rows)
    for at in chosen:
        new[at] = corrected(rows[at])
    return new, len(chosen)
