"""Prescreening of 500,000 patients: memory, time in proportion, and a night with 1 % changed."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import screen_hospital
from benchmarks.children import Used, used_by
from benchmarks.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.pilot import Amount, Bench

_PATIENTS, _QUICK = 500_000, 10_000
_EACH = 100
"""Of so many patients, one changed."""
_SCREEN = ("screen", "NCT05987176", "--as-of", "2026-05-04")


def figures(_: Bench, amount: Amount) -> Iterator[Figure]:
    """Yield the peak of a whole run, its time beside a tenth of it, and a night beside it."""
    patients = _QUICK if amount.quick else _PATIENTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        resources = screen_hospital.write(folder / "whole", patients)
        screen_hospital.write(folder / "tenth", patients // 10)
        changed = screen_hospital.write(folder / "night", patients, each=_EACH)
        start = statistics.median(_timed(["--help"])[0] for _round in range(amount.rounds))
        wholes, tenths, nights, peaks = [], [], [], []
        for _round in range(amount.rounds):
            tenths.append(_screened(folder, "tenth")[0] - start)
            seconds, used = _screened(folder, "whole", "--keep")
            wholes.append(seconds - start)
            peaks.append(used.peak_mb)
            previous = ("--previous", str(folder / "out-whole"))
            nights.append(_screened(folder, "night", *previous)[0] - start)
    counted = f"{patients:,} patients, {resources:,} resources; a process starts in {start:.2f} s"
    yield Figure("a whole run, peak memory", peaks, "MB", bound=2_500, notes=(counted,))
    yield Figure("a whole run, all files written and facts kept", wholes, "s")
    tenfold = [whole / tenth for whole, tenth in zip(wholes, tenths, strict=True)]
    yield Figure("a whole run / a tenth of it", tenfold)
    parts = [100 * night / whole for night, whole in zip(nights, wholes, strict=True)]
    note = f"{changed:,} resources of {patients // _EACH:,} patients again, on the same day"
    yield Figure("a night / a whole run", parts, "%", bound=5, notes=(note,))


def _screened(folder: Path, name: str, *more: str) -> tuple[float, Used]:
    where = ["--data", str(folder / name), "--out", str(folder / f"out-{name}")]
    return _timed([*_SCREEN, *where, *more], allowed=(0, 65))


def _timed(command: Sequence[str], *, allowed: Sequence[int] = (0,)) -> tuple[float, Used]:
    begun = time.perf_counter()
    used = used_by(command, allowed=allowed)
    return time.perf_counter() - begun, used
