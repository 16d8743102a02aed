"""How much memory a whole `netfhir apply` takes, and how it grows with the trial."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.children import null_server, used_by
from benchmarks.figures import Figure
from benchmarks.pilot import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.pilot import Amount, Bench

MOST_MB = 400
MOST_GROWTH_B = 100
_SUBJECTS = (35, 103, SUBJECTS)
"""About 10,000, 30,000 and 90,000 resources."""
_QUICK = (2, 8, 20)


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield the peak at the largest size, and the slope over all by least squares."""
    sizes = _QUICK if amount.quick else _SUBJECTS
    counts = [_resources(bench, subjects) for subjects in sizes]
    rounds = [[_peak_mb(bench, subjects) for subjects in sizes] for _ in range(amount.rounds)]
    slopes = [
        statistics.linear_regression(counts, [peak * 1e6 for peak in peaks]).slope
        for peaks in rounds
    ]
    medians = [statistics.median(at_size) for at_size in zip(*rounds, strict=True)]
    seen = ", ".join(f"{mb:.1f} MB at {count:,}" for mb, count in zip(medians, counts, strict=True))
    note = f"peak resident memory of a whole `netfhir apply` into a null server: {seen} resources"
    yield Figure("peak memory", [peaks[-1] for peaks in rounds], "MB", MOST_MB, notes=(note,))
    yield Figure("growth of the peak, a resource", slopes, "B", MOST_GROWTH_B)


def _resources(bench: Bench, subjects: int) -> int:
    wanted = {row.subject: None for row in bench.rows() if row.subject}
    first = set(list(wanted)[:subjects])
    return sum(not row.subject or row.subject in first for row in bench.rows())


def _peak_mb(bench: Bench, subjects: int) -> float:
    where = ["--crosswalk", str(bench.pilot.crosswalk), "--state", str(bench.new_folder())]
    with null_server() as url:
        return used_by(["apply", *bench.options(subjects), "--server", url, *where]).peak_mb
