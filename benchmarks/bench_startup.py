"""What `netfhir --help` costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.children import used_by
from benchmarks.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.pilot import Amount, Bench

MOST_CPU_S = 0.3


def figures(bench: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield the CPU time of the command, user and system."""
    del bench
    used_by(["--help"])  # once, so that the files are in memory
    seen = [used_by(["--help"]).cpu_s for _ in range(amount.rounds)]
    yield Figure("netfhir --help, CPU", seen, "s", MOST_CPU_S)
