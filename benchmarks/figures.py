"""A measured figure beside what was wanted of it; knows nothing of what is measured."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HEADER = ("figure", "wanted", "seen: median (min-max)", "verdict")
_LARGE, _MIDDLE = 1000, 10


@dataclass(frozen=True, slots=True)
class Figure:
    """Repeated measurements of one thing; without `bound` it is reported, not judged."""

    name: str
    samples: Sequence[float]
    unit: str = ""
    bound: float | None = None
    wanted: Literal["at least", "at most"] = "at most"
    notes: tuple[str, ...] = ()
    """What was counted, and what holds the figure back where it falls short."""

    @property
    def median(self) -> float:
        """Return the middle measurement."""
        return statistics.median(self.samples)

    @property
    def met(self) -> bool | None:
        """Return whether the median is what was wanted; None where nothing was."""
        if self.bound is None:
            return None
        least = self.wanted == "at least"
        return self.median >= self.bound if least else self.median <= self.bound

    def cells(self) -> tuple[str, str, str, str]:
        """Return the figure's row of the table."""
        unit = f" {self.unit}" if self.unit else ""
        wanted = "" if self.bound is None else f"{self.wanted} {_number(self.bound)}{unit}"
        span = f" ({_number(min(self.samples))}-{_number(max(self.samples))})"
        seen = f"{_number(self.median)}{unit}" + (span if len(self.samples) > 1 else "")
        return self.name, wanted, seen, {True: "met", False: "MISSED", None: "reported"}[self.met]


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table that reads as text, the notes below it."""
    figures = list(figures)
    rows = [_HEADER, *(figure.cells() for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADER))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {figure.name}: {note}" for figure in figures for note in figure.notes]
    return "\n".join([*lines, "", *notes])


def machine() -> str:
    """Return on what was measured: cores, system, Python and Java."""
    system = f"{platform.system()} {platform.machine()}"
    python = f"Python {platform.python_version()}"
    return f"Machine: {os.cpu_count()} cores, {system}, {python}, {_java()}."


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        return "no Java"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    return "Java " + (told.stderr.split('"')[1] if '"' in told.stderr else "of unknown version")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "| " + " | ".join(cells) + " |"


def _number(value: float) -> str:
    if abs(value) >= _LARGE:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= _MIDDLE else f"{value:.2f}"
