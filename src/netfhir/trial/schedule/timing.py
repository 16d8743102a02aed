"""Compares what took place with a window; where the dates do not decide, it does not either.

A verdict is given only if it holds for every day that the anchor and the event may have been. The
functions are pure: days in, a verdict out.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from netfhir.trial.schedule.days import Days, MonthEnd, Offset, shifted
from netfhir.trial.schedule.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Window(NamedTuple):
    """The offsets from an anchor between which something has to take place; None is open."""

    earliest: Offset | None
    latest: Offset | None
    month_end: MonthEnd

    def opens(self, anchor: date) -> date:
        """Return the first day that is allowed."""
        return (
            shifted(anchor, self.earliest, self.month_end)
            if self.earliest is not None
            else date.min
        )

    def closes(self, anchor: date) -> date:
        """Return the last day that is allowed."""
        return shifted(anchor, self.latest, self.month_end) if self.latest is not None else date.max

    def until(self, latest: Offset) -> Window:
        """Return the window with another end."""
        return self._replace(latest=latest)


def judged(window: Window, anchor: Days, found: Days) -> Verdict:
    """Return in window, early or late, or not evaluable where the dates allow several."""
    if found.hi < window.opens(anchor.lo):
        return Verdict.EARLY
    if found.lo > window.closes(anchor.hi):
        return Verdict.LATE
    if window.opens(anchor.hi) <= found.lo and found.hi <= window.closes(anchor.lo):
        return Verdict.IN_WINDOW
    return Verdict.NOT_EVALUABLE


def unmet(window: Window, anchor: Days, as_of: date) -> Verdict:
    """Return missing or not yet due of what is not on record at the end of the day `as_of`."""
    if as_of > window.closes(anchor.hi):
        return Verdict.MISSING
    if as_of <= window.closes(anchor.lo):
        return Verdict.NOT_YET_DUE
    return Verdict.NOT_EVALUABLE


def met_by_any(window: Window, anchor: Days, found: Sequence[Days], as_of: date) -> Verdict:
    """Return in window if one of these certainly is; else as for nothing, if none may be."""
    return only(
        verdict for day in _each(anchor) for verdict in _possible(window, day, found, as_of)
    )


def ended(window: Window, anchor: Days, stop: Days) -> bool | None:
    """Tell whether the subject left before the window had closed; None if that is not certain."""
    if stop.hi <= window.closes(anchor.lo):
        return True
    return False if stop.lo > window.closes(anchor.hi) else None


def in_order(first: Days, second: Days) -> bool | None:
    """Tell whether the second was not before the first; None if that is not certain."""
    if second.lo >= first.hi:
        return True
    return False if second.hi < first.lo else None


def only(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that all agree on."""
    different = set(verdicts)
    return different.pop() if len(different) == 1 else Verdict.NOT_EVALUABLE


def first_of(all_of_them: Iterable[Days]) -> Days | None:
    """Return the days on which the first of these may have been; None of none."""
    known = list(all_of_them)
    if not known:
        return None
    return Days(min(days.lo for days in known), min(days.hi for days in known))


def last_of(all_of_them: Iterable[Days]) -> Days | None:
    """Return the days on which the last of these may have been; None of none."""
    known = list(all_of_them)
    if not known:
        return None
    return Days(max(days.lo for days in known), max(days.hi for days in known))


def _possible(
    window: Window, anchor: date, found: Sequence[Days], as_of: date
) -> Iterator[Verdict]:
    opens, closes = window.opens(anchor), window.closes(anchor)
    if any(opens <= days.lo and days.hi <= closes for days in found):
        yield Verdict.IN_WINDOW
        return
    if any(days.lo <= closes and opens <= days.hi for days in found):
        yield Verdict.IN_WINDOW
    yield Verdict.MISSING if as_of > closes else Verdict.NOT_YET_DUE


def _each(days: Days) -> Iterator[date]:
    for number in range((days.hi - days.lo).days + 1):
        yield days.lo + timedelta(days=number)
