"""The benchmarks: `python benchmarks/run.py [NAME ...] [--quick] [--rounds N] [--write]`.

Each NAME is a file `bench_<name>.py` beside this one; without a name all run. A figure that falls
short is printed as MISSED, with what holds it back; the status is 0 all the same.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from benchmarks.figures import machine, table  # noqa: E402 - found by the line above
from benchmarks.pilot import Amount, bench  # noqa: E402 - as above

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.figures import Figure
    from benchmarks.pilot import Bench

RESULTS = HERE / "results.md"
_ROUNDS, _QUICK_ROUNDS = 5, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen benchmarks and print one table."""
    given = _parser().parse_args(arguments)
    rounds = given.rounds or (_QUICK_ROUNDS if given.quick else _ROUNDS)
    with bench() as pilot:
        figures = list(_measured(given.names or names(), pilot, Amount(rounds, given.quick)))
    size = "small sizes (--quick)" if given.quick else "full sizes"
    text = f"{table(figures)}\n\n{machine()} Medians of {rounds}, {size}.\n"
    print(text)
    if given.write:
        RESULTS.write_text(f"# Last figures\n\n{text}", encoding="utf-8")
    return 0


def names() -> list[str]:
    """Return the benchmarks of this folder, by name."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def _measured(chosen: Sequence[str], pilot: Bench, amount: Amount) -> Iterator[Figure]:
    for name in chosen:
        begun = time.monotonic()
        yield from import_module(f"benchmarks.bench_{name}").figures(pilot, amount)
        print(f"{name}: measured in {time.monotonic() - begun:.0f} s", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure netfhir.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*names(), []])
    parser.add_argument("--quick", action="store_true", help="small sizes: does it still run?")
    parser.add_argument("--rounds", type=int, help=f"repetitions; default {_ROUNDS}")
    parser.add_argument("--write", action="store_true", help=f"also write {RESULTS.name}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
