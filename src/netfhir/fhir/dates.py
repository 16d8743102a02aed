"""Dates as the source gives them, and what FHIR may say of them; knows no default and no clock.

A time is sent only with an offset. An hour that a zone has twice or never, or a time without a
declared zone, leaves the date; the caller keeps the time elsewhere.
Source: FHIR R4, datatypes, dateTime; SDTMIG 3.3, 4.4.1 (ISO 8601 with missing right-hand parts).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_PARTS = re.compile(
    r"(?P<date>\d{4}(?:-\d{2}(?:-\d{2})?)?)(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2})?))?\Z",
    re.ASCII,
)
_FULL_DATE = 10


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A calendar date (YYYY, YYYY-MM or YYYY-MM-DD) and, with a full date, a local time or ""."""

    date: str
    time: str = ""

    def __str__(self) -> str:
        """Return ISO 8601 without an offset."""
        return f"{self.date}T{self.time}" if self.time else self.date


@lru_cache(maxsize=65_536)
def local_time(text: str) -> LocalTime | None:
    """Read ISO 8601 text of any precision; None where it is none, or no day of the calendar."""
    found = _PARTS.match(text)
    if found is None or not _exists(found["date"], found["time"]):
        return None
    return LocalTime(found["date"], found["time"] or "")


def _exists(day: str, time: str | None) -> bool:
    padded = day + "0001-01-01"[len(day) :]
    try:
        date.fromisoformat(padded)
        if time:
            datetime.fromisoformat(f"{padded}T{time}")
    except ValueError:
        return False
    return not time or len(day) == _FULL_DATE


@lru_cache(maxsize=65_536)
def fhir_datetime(when: LocalTime, zone: str | None) -> str:
    """Return a FHIR dateTime: with offset where time and zone decide one, else the date alone."""
    if not when.time or zone is None:
        return when.date
    moment = datetime.fromisoformat(str(when)).replace(tzinfo=ZoneInfo(zone))
    if moment.utcoffset() != moment.replace(fold=1).utcoffset():
        return when.date
    return moment.isoformat(timespec="seconds")


def minutes_between(start: LocalTime, end: LocalTime, zone: str | None) -> int | None:
    """Return the whole minutes from start to end; None unless both are instants in that order."""
    first, last = fhir_datetime(start, zone), fhir_datetime(end, zone)
    if len(first) == len(start.date) or len(last) == len(end.date):
        return None
    seconds = (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
    return int(seconds // 60) if seconds > 0 and seconds % 60 == 0 else None
