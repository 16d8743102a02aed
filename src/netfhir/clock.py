"""The only place that reads the time of day; everything else is told it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

#: Counts on while the machine sleeps, where there is such a clock.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)


def elapsed_s() -> float:
    """Return seconds on a clock that nobody sets: no time of day, only for differences.

    It counts on while the process is stopped, and while the machine sleeps.
    """
    return time.clock_gettime(_STEADY)
