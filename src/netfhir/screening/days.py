"""Dates of a record as intervals of days; a time of day and its offset do not count.

A FHIR date may be a year or a month: the fact then lies on some day of it. Source: FHIR R4,
datatypes, date and dateTime.
"""

from __future__ import annotations

import calendar
import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

_SHAPE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T[0-9:.]+(?:Z|[+-]\d{2}:\d{2})?)?)?)?\Z", re.ASCII
)


class Days(NamedTuple):
    """From the earliest to the latest day on which it may have been."""

    lo: date
    hi: date


@lru_cache(maxsize=65_536)
def days(text: str) -> Days | None:
    """Read a FHIR date or dateTime; None where it is none."""
    found = _SHAPE.match(text)
    if found is None:
        return None
    year, month, day = found.groups()
    try:
        if day:
            return Days(*[date(int(year), int(month), int(day))] * 2)
        if month:
            last = calendar.monthrange(int(year), int(month))[1]
            return Days(date(int(year), int(month), 1), date(int(year), int(month), last))
        return Days(date(int(year), 1, 1), date(int(year), 12, 31))
    except (ValueError, calendar.IllegalMonthError):
        return None


def completed_years(born: date, on: date) -> int:
    """Return the age in completed years; who was born on 29 February ages on 1 March."""
    return (number(on) - number(born)) // 10_000


def number(day: date) -> int:
    """Return yyyymmdd, the form in which ages are compared by every engine."""
    return day.year * 10_000 + day.month * 100 + day.day


def birthday(born: date, years: int) -> date:
    """Return the day on which that age is reached."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)
