"""Where a fact lies in time, seen from the day of the screening and from an anchor; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfhir.screening.days import Days
    from netfhir.screening.facts import Cause, Fact
    from netfhir.screening.needs import Facts

Place = Literal["in", "maybe", "out"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A fact, whether it lies where it is asked for, and the cause if it does not surely."""

    fact: Fact
    place: Place
    cause: Cause | None = None

    @property
    def rank(self) -> tuple[date, str, str, str]:
        """Return what orders facts in time; one without a date comes first."""
        return rank(self.fact)


def rank(fact: Fact) -> tuple[date, str, str, str]:
    """Return what orders facts in time, those of one day by set and resource."""
    return fact.hi or date.min, fact.concept, fact.type, fact.id


def clipped(fact: Fact, as_of: date) -> Fact:
    """Return the fact as it was on that day: what lasts, or may lie later, ends with the day."""
    if fact.lo is None and fact.since is not None:
        return replace(fact, lo=max(as_of, fact.since), hi=max(as_of, fact.since))
    if fact.hi is not None and fact.lo is not None and fact.lo <= as_of < fact.hi:
        return replace(fact, hi=as_of)
    return fact


def placed(need: Facts, facts: Iterable[Fact], as_of: date, anchor: Days | None) -> list[Placed]:
    """Return every fact with its place; what a resolved condition says is left out if asked."""
    return [
        _placed(need, clipped(fact, as_of), as_of, anchor)
        for fact in facts
        if not (need.current and fact.ended)
    ]


def _placed(need: Facts, fact: Fact, as_of: date, anchor: Days | None) -> Placed:
    if fact.lo is None or fact.hi is None:
        if anchor is not None:
            return Placed(fact, "maybe", "outside-window")
        return Placed(fact, "maybe", "stale") if need.fresh_days is not None else Placed(fact, "in")
    if fact.lo > as_of:
        return Placed(fact, "out", "outside-window")
    window = _window(need, fact, anchor)
    fresh = _fresh(need, fact, as_of)
    for place in ("out", "maybe"):
        if window == place:
            return Placed(fact, place, "outside-window")
        if fresh == place:
            return Placed(fact, place, "stale")
    return Placed(fact, "in")


def _window(need: Facts, fact: Fact, anchor: Days | None) -> Place:
    if need.window is None or anchor is None or fact.lo is None or fact.hi is None:
        return "in"
    first, last = timedelta(days=need.window.from_days), timedelta(days=need.window.to_days)
    if fact.hi < anchor.lo + first or fact.lo > anchor.hi + last:
        return "out"
    surely = fact.lo >= anchor.hi + first and fact.hi <= anchor.lo + last
    return "in" if surely else "maybe"


def _fresh(need: Facts, fact: Fact, as_of: date) -> Place:
    if need.fresh_days is None or fact.lo is None or fact.hi is None:
        return "in"
    earliest = as_of - timedelta(days=need.fresh_days)
    return "out" if fact.hi < earliest else "maybe" if fact.lo < earliest else "in"
