"""Days of the calendar at a site: partial dates as intervals, offsets in days and months.

A date is the site's own: an hour more or less, as when the clocks change, moves no day. Knows no
protocol. Source: docs/design.md, "Times"; UCUM codes d, wk, mo and a.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from netfhir.fhir.dates import LocalTime

MonthEnd = Literal["last-day", "next-day"]
"""Where a month lacks the day: its last day, or the first of the month after it."""

_OFFSET = re.compile(r"(-?\d+) (d|wk|mo|a)\Z", re.ASCII)
_IN_DAYS = {"d": 1, "wk": 7}
_IN_MONTHS = {"mo": 1, "a": 12}
_YEAR, _MONTH = len("2024"), len("2024-08")


class Days(NamedTuple):
    """From the earliest to the latest day on which it may have been."""

    lo: date
    hi: date

    @property
    def exact(self) -> bool:
        """Tell whether it is one day."""
        return self.lo == self.hi


class Offset(NamedTuple):
    """Calendar months, then days, from an anchor; both may be negative."""

    months: int
    days: int

    def plus(self, other: Offset) -> Offset:
        """Return both, months with months and days with days."""
        return Offset(self.months + other.months, self.days + other.days)

    def minus(self, other: Offset) -> Offset:
        """Return this less the other."""
        return Offset(self.months - other.months, self.days - other.days)

    @property
    def in_one_unit(self) -> tuple[int, str] | None:
        """Return the number and its UCUM unit, d or mo; None where it is made of both."""
        if self.months and self.days:
            return None
        return (self.months, "mo") if self.months else (self.days, "d")

    def __str__(self) -> str:
        """Return `3 mo`, `42 d`, or `3 mo - 14 d`."""
        if not self.months or not self.days:
            return f"{self.months} mo" if self.months else f"{self.days} d"
        return f"{self.months} mo {'-' if self.days < 0 else '+'} {abs(self.days)} d"


def offset(text: str) -> Offset:
    """Read `42 d`, `8 wk`, `3 mo` or `1 a`; raises ValueError for anything else."""
    found = _OFFSET.match(text)
    if found is None:
        raise ValueError("a whole number, a blank and d, wk, mo or a, such as `42 d`")
    count, unit = int(found[1]), found[2]
    return Offset(count * _IN_MONTHS.get(unit, 0), count * _IN_DAYS.get(unit, 0))


@lru_cache(maxsize=65_536)
def days_of(when: LocalTime) -> Days:
    """Return the days on which a date of any precision may lie."""
    text = when.date
    if len(text) == _YEAR:
        return Days(date(int(text), 1, 1), date(int(text), 12, 31))
    if len(text) == _MONTH:
        year, month = int(text[:_YEAR]), int(text[_YEAR + 1 :])
        last = calendar.monthrange(year, month)[1]
        return Days(date(year, month, 1), date(year, month, last))
    day = date.fromisoformat(text)
    return Days(day, day)


def local_day(instant: datetime, zone: str) -> date:
    """Return the day that an instant falls on at a site."""
    return instant.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=65_536)
def shifted(day: date, by: Offset, month_end: MonthEnd) -> date:
    """Return the day that lies `by` after `day`; what leaves the calendar stops at its end."""
    month = day.year * 12 + day.month - 1 + by.months
    if month < 12:  # noqa: PLR2004 - before January of the year 1
        return date.min
    if month >= (date.max.year + 1) * 12:
        return date.max
    first = date(month // 12, month % 12 + 1, 1)
    last = calendar.monthrange(first.year, first.month)[1]
    over = day.day > last
    reached = first.replace(day=min(day.day, last))
    return _later(reached, by.days + (over and month_end == "next-day"))


def _later(day: date, count: int) -> date:
    try:
        return day + timedelta(days=count)
    except OverflowError:
        return date.min if count < 0 else date.max
