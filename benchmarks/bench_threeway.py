"""What the three-way comparison adds to a changed row's client time.

Every row is an Observation whose value was corrected and that nobody touched in the hospital, as
nearly all updates are. For such a row the comparison is that each element's digest is made, kept in
the ledger with the intent and with the answer, and read back by the next plan; `If-Match` stands
for the reading. The same rows are updated with the product as it is, and with one byte in the place
of the digests.

A changed row's client time is all CPU that netfhir spends on it, of all threads: reading the
export, assembly, mapping, gate and staging (of one whole mapping, a resource), then patients, plan,
sending, replies, settling and Provenance (of one whole run, a row). The server's is not in it: it
is another process. Each round has a new process, in which both sides take turns: what a run takes
differs by chance more than the comparison takes, so a round gives the median of several.

A row that somebody changed in the hospital is read and merged before it is sent. The merge is
reported by itself; the reading depends on the server.
"""

from __future__ import annotations

import gc
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING
from unittest.mock import patch

from benchmarks.applying import applied
from benchmarks.children import null_server
from benchmarks.corrections import corrected, has_value
from benchmarks.figures import Figure
from benchmarks.pilot import KEY, TRIAL, Bench

from netfhir.fhir.canonical import resource
from netfhir.runs import opening
from netfhir.sync import plan
from netfhir.sync.elements import decoded, elements_of, encoded
from netfhir.sync.staging import Staging
from netfhir.sync.threeway import body_of, merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.pilot import Amount

    from netfhir.runs.demonstration import Pilot
    from netfhir.sync.staging import Staged

MOST_PER_CENT = 10
_SUBJECTS, _QUICK_SUBJECTS = 30, 10
_TURNS = 6
_MERGED = 2_000
_REMARK = {"note": [{"text": "seen"}]}
_NO_ELEMENTS = b"\x00"
"""What the ledger keeps where no element is digested: ours, and nothing of it."""
_CHANGED = "Observation"
_HELD_BACK = (
    "what stands behind it: the body is parsed once more, each of its ten elements is written and "
    "looked up or digested, and the ledger's row is longer by about 100 bytes"
)


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield the comparison's share of a changed row's client CPU, and what it is a share of."""
    rows = [
        row
        for row in bench.rows(_QUICK_SUBJECTS if amount.quick else _SUBJECTS)
        if row.resource_type != _CHANGED or has_value(row)
    ]
    seen = [_round(bench, rows) for _ in range(amount.rounds)]
    changed = sum(row.resource_type == _CHANGED for row in rows)
    counted = (
        f"{changed:,} corrected rows of {len(rows):,}; client CPU; medians of {_TURNS} runs of "
        "each side a round"
    )
    added = [one.added for one in seen]
    notes = (counted, _HELD_BACK)
    yield Figure("three-way comparison adds", added, "%", MOST_PER_CENT, notes=notes)
    yield Figure("a changed row: mapping", [one.mapping for one in seen], "us")
    yield Figure("a changed row: the run with it", [one.with_it for one in seen], "us")
    yield Figure("a changed row: the run without", [one.without for one in seen], "us")
    merged = [_merge_us(rows) for _ in range(amount.rounds)]
    note = "of a row that the hospital changed, too, which is also read first"
    yield Figure("the merge of a touched row", merged, "us", notes=(note,))


@dataclass(frozen=True, slots=True)
class _Round:
    """Microseconds of CPU a row."""

    mapping: float
    with_it: float
    without: float

    @property
    def added(self) -> float:
        """Return what the comparison adds to a changed row's client time, in per cent."""
        return 100 * (self.with_it - self.without) / (self.mapping + self.without)


def _round(bench: Bench, rows: Sequence[Staged]) -> _Round:
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        mapping = pool.submit(_mapping_us, bench.new_folder(), bench.pilot)
        updates = pool.submit(_updates_us, bench.new_folder(), bench.pilot, rows)
        return _Round(mapping.result(), *updates.result())


def _here(folder: Path, pilot: Pilot) -> Bench:
    return Bench(folder, pilot, opening.mapping_site(opening.trial(TRIAL), KEY))


def _mapping_us(folder: Path, pilot: Pilot) -> float:
    """Return what a resource of the whole export takes; a few subjects would pay for reading it."""
    bench = _here(folder, pilot)
    begun = time.process_time()
    staging = Staging.create(folder / "staging.sqlite")
    opening.stage(bench.site, bench.input(), staging)
    took = (time.process_time() - begun) / len(staging)
    staging.close()
    return took * 1e6


def _updates_us(folder: Path, pilot: Pilot, rows: Sequence[Staged]) -> tuple[float, float]:
    """Return what a row takes of a run in which all Observations are corrected: with, without."""
    bench = _here(folder, pilot)
    before, after = rows, [corrected(r) if r.resource_type == _CHANGED else r for r in rows]
    gc.collect()
    gc.freeze()
    took: dict[bool, list[float]] = {True: [], False: []}
    with null_server() as one, null_server() as other:
        sides = [(True, one, folder / "with"), (False, other, folder / "without")]
        for turn in range(_TURNS + 1):
            for compares, url, state in sides:
                cost = _run_us(bench, url, state, before, compares=compares)
                took[compares] += [cost] if turn else []
            before, after = after, before
            sides.reverse()
    return statistics.median(took[True]), statistics.median(took[False])


def _run_us(
    bench: Bench, url: str, state: Path, rows: Sequence[Staged], *, compares: bool
) -> float:
    without = patch.object(plan, "elements_of", lambda _key, _body: _NO_ELEMENTS)
    with nullcontext() if compares else without:
        run = applied(bench, url, state, rows)
    if run.writes < sum(row.resource_type == _CHANGED for row in rows):
        raise SystemExit(f"{run.writes} writes of {len(rows)} rows")
    return run.sync.cpu_s / len(rows) * 1e6


def _merge_us(rows: Sequence[Staged]) -> float:
    """Return what it takes to lay a corrected row over one with a remark of the hospital's."""
    chosen = [row for row in rows if row.resource_type == _CHANGED][:_MERGED]
    given = [
        (elements_of(KEY, row.body), corrected(row).body, {**resource(row.body), **_REMARK})
        for row in chosen
    ]
    begun = time.process_time()
    for base, ours, theirs in given:
        merged = merge(decoded(base), resource(ours), theirs, KEY)
        encoded(merged.elements)
        body_of(merged, theirs)
    return (time.process_time() - begun) / len(given) * 1e6
