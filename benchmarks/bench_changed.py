"""A second run with 1 % changed, and what the three-way comparison is of a changed row.

**In proportion.** A run with nothing changed, then one with every hundredth resource corrected,
again and again over one ledger; beside the first run, which wrote everything. What the changed
rows cost is the difference of the two runs, and is held against 1 % of the first run.

**Three-way comparison.** Every row is an Observation whose value was corrected, and that nobody
touched in the hospital: the case of nearly all updates. What the comparison adds is that each
element's digest is made, kept in the ledger and given back; `If-Match` stands for the reading.
The same rows are updated with the product as it is, and with one digest of nothing in their place.
A changed row's client time is all CPU that netfhir spends on it, threads together: reading the
export, assembly, mapping, gate and staging (one whole mapping, a resource), then patients, plan,
sending, replies, settling and Provenance (one whole run, a row). The server's own is not in it: it
is another process.

A row that somebody changed in the hospital is read and merged before it is sent. The merge is
reported by itself.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest.mock import patch

from benchmarks.applying import Cost, applied
from benchmarks.children import null_server
from benchmarks.figures import Figure
from benchmarks.pilot import KEY, SUBJECTS

from netfhir.fhir.canonical import resource
from netfhir.runs import opening
from netfhir.sync import plan
from netfhir.sync.elements import decoded, elements_of, encoded
from netfhir.sync.staging import Staging
from netfhir.sync.threeway import body_of, merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from benchmarks.pilot import Amount, Bench

    from netfhir.sync.staging import Staged

MOST_OF_PROPORTION = 1.5
MOST_ADDED = 10
_EACH = 100
_PAIRS = 3
"""Runs of each kind a round: the difference is small beside what two runs differ by chance."""
_SUBJECTS, _QUICK_SUBJECTS = 60, 10
_VALUE = re.compile(rb'("valueQuantity":\{[^{}]*"value":)(\d)')
_MERGED = 2_000
_REMARK = {"note": [{"text": "seen"}]}
_NO_ELEMENTS = b"\x00"
"""What the ledger keeps where no element is digested: ours, and nothing of it."""


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield the cost of 1 % changed, and the three-way comparison's share."""
    yield from _in_proportion(bench, amount)
    yield from _compared(bench, amount)


def _in_proportion(bench: Bench, amount: Amount) -> Iterator[Figure]:
    rows = bench.rows(_QUICK_SUBJECTS if amount.quick else SUBJECTS)
    seen = [_Proportion.measured(bench, rows) for _ in range(amount.rounds)]
    changed = seen[0].changed
    counted = (
        f"{changed:,} of {len(rows):,} rows; client CPU; what the run with them costs over one "
        f"without, the mean of {_PAIRS} pairs a round, beside {changed / len(rows):.1%} of the "
        "first run"
    )
    ratios = [one.ratio for one in seen]
    name = "1 % changed / 1 % of the first run"
    yield Figure(name, ratios, bound=MOST_OF_PROPORTION, notes=(counted,))
    yield Figure("1 % changed, over unchanged", [one.added.wall_s for one in seen], "s")
    yield Figure("a changed row, CPU over unchanged", [one.a_change for one in seen], "us/row")
    yield Figure("a first write, CPU", [one.a_write for one in seen], "us/row")


@dataclass(frozen=True, slots=True)
class _Proportion:
    """One round: the first run, and what the changed rows add to a run."""

    rows: int
    changed: int
    first: Cost
    added: Cost

    @classmethod
    def measured(cls, bench: Bench, rows: Sequence[Staged]) -> _Proportion:
        before, (after, changed) = rows, _every(rows, _EACH)
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
        mean = Cost(*(statistics.mean(part) for part in zip(*map(_parts, added), strict=True)))
        return cls(len(rows), changed, first, mean)

    @property
    def ratio(self) -> float:
        """Return the changed rows' cost beside their share of the first run's."""
        return self.a_change / self.a_write

    @property
    def a_change(self) -> float:
        """Return microseconds of CPU that a changed row adds."""
        return self.added.cpu_s / self.changed * 1e6

    @property
    def a_write(self) -> float:
        """Return microseconds of CPU a row of the first run."""
        return self.first.cpu_s / self.rows * 1e6


def _parts(cost: Cost) -> tuple[float, float]:
    return cost.wall_s, cost.cpu_s


def _every(rows: Sequence[Staged], each: int) -> tuple[list[Staged], int]:
    """Return the rows with one of `each` corrected, as far as there are values; and how many."""
    able = [at for at, row in enumerate(rows) if _VALUE.search(row.body)]
    step = max(1, len(able) * each // len(rows))
    chosen = able[::step][: len(rows) // each]
    corrected = list(rows)
    for at in chosen:
        corrected[at] = _corrected(rows[at])
    return corrected, len(chosen)


def _corrected(row: Staged) -> Staged:
    return row._replace(body=_VALUE.sub(rb"\g<1>1\2", row.body, count=1))


def _compared(bench: Bench, amount: Amount) -> Iterator[Figure]:
    rows = [
        row
        for row in bench.rows(_QUICK_SUBJECTS if amount.quick else _SUBJECTS)
        if row.resource_type != "Observation" or _VALUE.search(row.body)
    ]
    seen = [_Shares.measured(bench, rows) for _ in range(amount.rounds)]
    changed = len(_changed(rows)[1])
    wanted = [one.added for one in seen]
    counted = f"{changed:,} corrected rows of {len(rows):,}; bench_changed.py says what is in it"
    yield Figure("three-way comparison adds", wanted, "%", MOST_ADDED, notes=(counted,))
    yield Figure("a changed row, mapped", [one.mapping for one in seen], "us of CPU")
    yield Figure("a changed row, the run with it", [one.with_it for one in seen], "us of CPU")
    yield Figure("a changed row, the run without", [one.without for one in seen], "us of CPU")
    merged = [_merge_us(rows) for _ in range(amount.rounds)]
    note = "of a row that the hospital changed, too: what its reading takes comes to it"
    yield Figure("the merge of a touched row", merged, "us of CPU", notes=(note,))


@dataclass(frozen=True, slots=True)
class _Shares:
    """One round: microseconds of CPU a row."""

    mapping: float
    with_it: float
    without: float

    @classmethod
    def measured(cls, bench: Bench, rows: Sequence[Staged]) -> _Shares:
        mapping = _mapping_us(bench)
        sides = [True, False]
        random.shuffle(sides)
        took = {side: _update_us(bench, rows, compares=side) for side in sides}
        return cls(mapping, took[True], took[False])

    @property
    def added(self) -> float:
        """Return what the comparison adds to a changed row's client time, in per cent."""
        return 100 * (self.with_it - self.without) / (self.mapping + self.without)


def _mapping_us(bench: Bench) -> float:
    """Return what a resource of the whole export takes; a few subjects would pay for reading it."""
    begun = time.process_time()
    staging = Staging.create(bench.new_folder() / "staging.sqlite")
    opening.stage(bench.site, bench.input(), staging)
    took = (time.process_time() - begun) / len(staging)
    staging.close()
    return took * 1e6


def _update_us(bench: Bench, rows: Sequence[Staged], *, compares: bool) -> float:
    state = bench.new_folder()
    corrected, changed = _changed(rows)
    with _comparing(compares=compares), null_server() as url:
        applied(bench, url, state, rows)
        run = applied(bench, url, state, corrected)
    if run.writes < len(changed):
        raise SystemExit(f"{run.writes} writes, {len(changed)} changed")
    return run.sync.cpu_s / len(rows) * 1e6


def _changed(rows: Sequence[Staged]) -> tuple[list[Staged], list[Staged]]:
    """Return all rows, the Observations corrected, and those by themselves."""
    new = [_corrected(row) if row.resource_type == "Observation" else row for row in rows]
    return new, [row for row in new if row.resource_type == "Observation"]


def _comparing(*, compares: bool) -> AbstractContextManager[object]:
    """Leave the product as it is, or let it digest no element."""
    if compares:
        return nullcontext()
    return patch.object(plan, "elements_of", lambda _key, _body: _NO_ELEMENTS)


def _merge_us(rows: Sequence[Staged]) -> float:
    """Return what it takes to lay a corrected row over one with a remark of the hospital's."""
    chosen = [row for row in rows if row.resource_type == "Observation"][:_MERGED]
    given = [
        (elements_of(KEY, row.body), _corrected(row).body, {**resource(row.body), **_REMARK})
        for row in chosen
    ]
    begun = time.process_time()
    for base, ours, theirs in given:
        merged = merge(decoded(base), resource(ours), theirs, KEY)
        encoded(merged.elements)
        body_of(merged, theirs)
    return (time.process_time() - begun) / len(given) * 1e6
