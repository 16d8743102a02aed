"""The protocol's clock against a brute force that shares no code with it.

The oracle takes a date apart into all the days that it may be, walks the calendar day by day, and
asks each combination; what not all of them answer alike is not evaluable.
"""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netfhir.fhir.dates import LocalTime
from netfhir.trial.schedule import timing
from netfhir.trial.schedule.days import Days, Offset, days_of, local_day, shifted
from netfhir.trial.schedule.timing import Window
from netfhir.trial.schedule.verdicts import Verdict

if TYPE_CHECKING:
    from netfhir.trial.schedule.days import MonthEnd

UNDECIDED = Verdict.NOT_EVALUABLE
ONE_DAY = timedelta(days=1)

# ── The brute force ────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=4_096)
def all_days(text: str) -> list[date]:
    """Return every day whose ISO form begins with the text."""
    day, found = date(int(text[:4]), 1, 1), []
    while day.year == int(text[:4]):
        if day.isoformat().startswith(text):
            found.append(day)
        day += ONE_DAY
    return found


@lru_cache(maxsize=65_536)
def walked(day: date, months: int, days: int, month_end: str) -> date:
    """Walk from month to month, then from day to day."""
    year, month = day.year, day.month
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        if month == 13:
            year, month = year + 1, 1
        if month == 0:
            year, month = year - 1, 12
    candidate = date(year, month, 1)
    while candidate.day < day.day:
        following = candidate + ONE_DAY
        if following.month != month:
            candidate = following if month_end == "next-day" else candidate
            break
        candidate = following
    for _ in range(abs(days)):
        candidate += ONE_DAY if days > 0 else -ONE_DAY
    return candidate


def span(anchor: date, window: Window) -> tuple[date, date]:
    """Return the first and last day allowed after an anchor, counted step by step."""
    assert window.earliest is not None
    assert window.latest is not None
    return (
        walked(anchor, *window.earliest, window.month_end),
        walked(anchor, *window.latest, window.month_end),
    )


def alone(answers: set[Verdict]) -> Verdict:
    """Return the one answer, or that there are several."""
    (first, *others) = answers
    return UNDECIDED if others else first


def where(day: date, first: date, last: date) -> Verdict:
    """Return where one day lies."""
    if day < first:
        return Verdict.EARLY
    return Verdict.LATE if day > last else Verdict.IN_WINDOW


def oracle_judged(window: Window, anchors: list[date], found: list[date]) -> Verdict:
    """Ask every pair of days."""
    spans = [span(anchor, window) for anchor in anchors]
    return alone({where(day, *bounds) for bounds in spans for day in found})


def oracle_unmet(window: Window, anchors: list[date], as_of: date) -> Verdict:
    """Ask for every anchor whether the window had closed."""
    closed = {as_of > span(anchor, window)[1] for anchor in anchors}
    return alone({Verdict.MISSING if one else Verdict.NOT_YET_DUE for one in closed})


def oracle_any(
    window: Window, anchors: list[date], found: list[list[date]], as_of: date
) -> Verdict:
    """Ask every combination of days whether one of them lies in the window."""
    answers = set()
    for anchor in anchors:
        first, last = span(anchor, window)
        unmet = Verdict.MISSING if as_of > last else Verdict.NOT_YET_DUE
        for days in itertools.product(*found):
            inside = any(first <= day <= last for day in days)
            answers.add(Verdict.IN_WINDOW if inside else unmet)
    return alone(answers)


# ── What is drawn ──────────────────────────────────────────────────────────────────────────────

EXACT = st.dates(date(2023, 1, 1), date(2026, 12, 31)).map(date.isoformat)
LEAP = st.sampled_from(["2024-02-28", "2024-02-29", "2024-03-01", "2024-01-31", "2023-08-31"])
#: The days on which clocks change in London, and their neighbours.
CHANGES = st.sampled_from(["2024-03-30", "2024-03-31", "2024-04-01", "2024-10-26", "2024-10-27"])
MONTH = EXACT.map(lambda text: text[:7])
DATES = st.one_of(EXACT, LEAP, CHANGES, MONTH)
ANY_DATE = st.one_of(DATES, st.sampled_from(["2023", "2024", "2025"]))
MONTH_ENDS: st.SearchStrategy[MonthEnd] = st.sampled_from(["last-day", "next-day"])


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Draw a window in days, or in months, or in months and days around a target."""
    kind = draw(st.sampled_from(["days", "months", "both"]))
    month_end = draw(MONTH_ENDS)
    target, before, after = (draw(st.integers(0, most)) for most in (36, 3, 3))
    if kind == "days":
        return Window(Offset(0, target - 7 * before), Offset(0, target + 7 * after), month_end)
    if kind == "months":
        return Window(Offset(target - before, 0), Offset(target + after, 0), month_end)
    return Window(Offset(target, -14 * before), Offset(target, 14 * after), month_end)


def told(text: str) -> Days:
    """Return what the engine reads of a date."""
    return days_of(LocalTime(text))


# ── The cases: 10,500 in all ───────────────────────────────────────────────────────────────────


@settings(max_examples=3_000, deadline=None)
@given(
    window=windows(), anchor=DATES, days=st.integers(-40, 1_200), text=ANY_DATE, near=st.booleans()
)
def test_a_verdict_is_the_one_of_every_pair_of_days(
    window: Window, anchor: str, days: int, text: str, *, near: bool
) -> None:
    """In window, early, late or not evaluable, exactly as all days one by one say."""
    found = (all_days(anchor)[0] + timedelta(days=days)).isoformat() if near else text
    expected = oracle_judged(window, all_days(anchor), all_days(found))
    assert timing.judged(window, told(anchor), told(found)) is expected


@settings(max_examples=3_000, deadline=None)
@given(window=windows(), anchor=DATES, on=st.sampled_from([-1, 0, 1]), first=st.booleans())
def test_every_boundary_day_on_both_sides(
    window: Window, anchor: str, on: int, *, first: bool
) -> None:
    """The day before, on and after each end of a window, from each end of the anchor."""
    for day in {all_days(anchor)[0], all_days(anchor)[-1]}:
        edge = span(day, window)[0 if first else 1] + timedelta(days=on)
        expected = oracle_judged(window, all_days(anchor), [edge])
        assert timing.judged(window, told(anchor), Days(edge, edge)) is expected


@settings(max_examples=1_500, deadline=None)
@given(window=windows(), anchor=DATES, days=st.integers(-40, 1_200))
def test_what_is_not_on_record_is_missing_after_the_last_possible_close(
    window: Window, anchor: str, days: int
) -> None:
    """Missing only where every anchor's window had closed by the day asked."""
    as_of = all_days(anchor)[0] + timedelta(days=days)
    expected = oracle_unmet(window, all_days(anchor), as_of)
    assert timing.unmet(window, told(anchor), as_of) is expected


@settings(max_examples=1_000, deadline=None)
@given(
    window=windows(),
    anchor=DATES,
    starts=st.lists(
        st.tuples(st.sampled_from([0, 1]), st.integers(-9, 9), st.integers(0, 9)), max_size=3
    ),
    days=st.integers(-9, 9),
)
def test_one_of_several_in_a_window(
    window: Window, anchor: str, starts: list[tuple[int, int, int]], days: int
) -> None:
    """A window is met where every combination of days, near its ends, has one inside."""
    ends = span(all_days(anchor)[0], window)
    found = [
        [ends[end] + timedelta(days=start + more) for more in range(length + 1)]
        for end, start, length in starts
    ]
    as_of = ends[1] + timedelta(days=days)
    expected = oracle_any(window, all_days(anchor), found, as_of)
    drawn = [Days(one[0], one[-1]) for one in found]
    assert timing.met_by_any(window, told(anchor), drawn, as_of) is expected


@settings(max_examples=1_000, deadline=None)
@given(one=ANY_DATE, other=ANY_DATE)
def test_order_is_certain_only_where_every_pair_agrees(one: str, other: str) -> None:
    """The second was not before the first: yes, no, or not certain."""
    answers = {second >= first for first in all_days(one) for second in all_days(other)}
    expected = answers.pop() if len(answers) == 1 else None
    assert timing.in_order(told(one), told(other)) is expected


@settings(max_examples=1_000, deadline=None)
@given(
    instant=st.one_of(
        st.datetimes(datetime(2023, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 - made UTC below
        st.datetimes(datetime(2024, 10, 26, 20), datetime(2024, 10, 27, 4)),  # noqa: DTZ001 - as above
        st.datetimes(datetime(2024, 3, 30, 20), datetime(2024, 3, 31, 4)),  # noqa: DTZ001 - as above
    ),
    zone=st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    days=st.integers(0, 400),
)
def test_an_hour_more_or_less_moves_no_day(instant: datetime, zone: str, days: int) -> None:
    """An instant is its local day; from there days are counted, not hours."""
    at = instant.replace(tzinfo=UTC)
    local = at.astimezone(ZoneInfo(zone))
    day = local_day(at, zone)
    assert day.isoformat() == local.strftime("%Y-%m-%d")
    assert shifted(day, Offset(0, days), "last-day") == walked(day, 0, days, "last-day")


# ── By hand ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "months", "month_end", "expected"),
    [
        ("2024-02-29", 12, "last-day", "2025-02-28"),
        ("2024-02-29", 12, "next-day", "2025-03-01"),
        ("2024-02-29", 48, "last-day", "2028-02-29"),
        ("2023-02-28", 12, "last-day", "2024-02-28"),
        ("2024-01-31", 1, "last-day", "2024-02-29"),
        ("2024-01-31", 1, "next-day", "2024-03-01"),
        ("2024-08-31", 3, "last-day", "2024-11-30"),
        ("2024-03-31", -1, "last-day", "2024-02-29"),
        ("2024-12-15", 36, "last-day", "2027-12-15"),
        ("2024-01-15", -1, "next-day", "2023-12-15"),
    ],
)
def test_months_by_the_calendar(day: str, months: int, month_end: MonthEnd, expected: str) -> None:
    """29 February, the ends of months, and the turn of the year."""
    found = shifted(date.fromisoformat(day), Offset(months, 0), month_end)
    assert found.isoformat() == expected
    assert walked(date.fromisoformat(day), months, 0, month_end).isoformat() == expected


def test_the_ends_of_the_calendar() -> None:
    """An offset beyond the calendar stops at its end, so that 9999 as a year is read."""
    assert shifted(date(9999, 12, 31), Offset(1, 0), "last-day") == date.max
    assert shifted(date(9999, 12, 31), Offset(0, 1), "last-day") == date.max
    assert shifted(date(1, 1, 1), Offset(-1, 0), "last-day") == date.min
    assert shifted(date(1, 1, 1), Offset(0, -1), "last-day") == date.min
