"""Dates of the source, and what FHIR may say of them."""

from __future__ import annotations

import pytest

from netfhir.fhir.dates import LocalTime, fhir_datetime, local_time, minutes_between

LONDON = "Europe/London"


def instant(text: str) -> LocalTime:
    """Read text that is a date."""
    found = local_time(text)
    assert found is not None
    return found


@pytest.mark.parametrize("text", ["2024", "2024-08", "2024-08-05", "2024-02-29"])
def test_a_date_keeps_its_precision(text: str) -> None:
    """A partial date stays partial: no day is added."""
    assert local_time(text) == LocalTime(text)
    assert fhir_datetime(instant(text), LONDON) == text


@pytest.mark.parametrize(
    ("text", "date", "time"),
    [
        ("2024-08-05T12:10", "2024-08-05", "12:10"),
        ("2024-08-05 12:10", "2024-08-05", "12:10"),
        ("2024-08-05T12:10:59", "2024-08-05", "12:10:59"),
    ],
)
def test_a_time_is_read_beside_its_date(text: str, date: str, time: str) -> None:
    """ISO 8601 with T, and REDCap's blank, are both read."""
    assert local_time(text) == LocalTime(date, time)


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29",
        "2024-13-01",
        "2024-00-10",
        "0000-01-01",
        "2024-08-UN",
        "2024-08-05T24:61",
        "2024-08-05T12",
        "2024-08T12:10",
        "2024T12:10",
        "2024-08-05T12:10Z",
        "2024-08-05T12:10:60",
        "05/08/2024",
        "2024-8-5",
        "2024-08-05 ",
        "2024-08-05\n",
        "\u0662\u0660\u0662\u0664-\u0660\u0668-\u0660\u0665",
        "",
    ],
)
def test_what_is_no_day_of_the_calendar_is_none(text: str) -> None:
    """An impossible or unreadable date is refused, never mended."""
    assert local_time(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-08-05T12:10", "2024-08-05T12:10:00+01:00"),
        ("2024-12-05T12:10", "2024-12-05T12:10:00+00:00"),
        ("2024-03-31T00:59", "2024-03-31T00:59:00+00:00"),
        ("2024-03-31T02:00", "2024-03-31T02:00:00+01:00"),
        ("2024-10-27T00:59:59", "2024-10-27T00:59:59+01:00"),
        ("2024-10-27T02:00", "2024-10-27T02:00:00+00:00"),
    ],
)
def test_a_time_gets_the_offset_of_its_zone_and_day(text: str, expected: str) -> None:
    """London is at +01:00 in summer and at +00:00 in winter, to the minute of the change."""
    assert fhir_datetime(instant(text), LONDON) == expected


@pytest.mark.parametrize("time", ["01:00", "01:30", "01:59:59"])
def test_the_hour_that_comes_twice_leaves_the_date(time: str) -> None:
    """In autumn an hour has two offsets; which one is not known."""
    assert fhir_datetime(LocalTime("2024-10-27", time), LONDON) == "2024-10-27"


@pytest.mark.parametrize("time", ["01:00", "01:30", "01:59:59"])
def test_the_hour_that_never_was_leaves_the_date(time: str) -> None:
    """In spring an hour does not exist; what was meant is not known."""
    assert fhir_datetime(LocalTime("2024-03-31", time), LONDON) == "2024-03-31"


def test_a_time_without_a_zone_leaves_the_date() -> None:
    """A time is sent only with an offset."""
    assert fhir_datetime(LocalTime("2024-08-05", "12:10"), None) == "2024-08-05"


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2024-08-05T12:10", "2024-08-05T12:38", 28),
        ("2024-08-05T23:50", "2024-08-06T00:20", 30),
        ("2024-10-27T00:30", "2024-10-27T02:30", 180),
        ("2024-03-31T00:30", "2024-03-31T02:30", 60),
    ],
)
def test_minutes_are_those_of_the_clock_on_the_wall_and_its_offset(
    start: str, end: str, minutes: int
) -> None:
    """Over a change of the clocks an infusion is an hour longer, or shorter, than it looks."""
    assert minutes_between(instant(start), instant(end), LONDON) == minutes


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-08-05", "2024-08-05T12:38"),
        ("2024-08-05T12:10", "2024-08-05"),
        ("2024-08-05T12:38", "2024-08-05T12:10"),
        ("2024-08-05T12:10", "2024-08-05T12:10"),
        ("2024-08-05T12:10:30", "2024-08-05T12:38"),
        ("2024-10-27T01:30", "2024-10-27T03:00"),
    ],
)
def test_no_minutes_without_two_instants_in_order(start: str, end: str) -> None:
    """A date, the wrong order, part of a minute or an undecided hour give no duration."""
    assert minutes_between(instant(start), instant(end), LONDON) is None


def test_no_minutes_without_a_zone() -> None:
    """Two times on one wall are no instants."""
    early, late = instant("2024-08-05T12:10"), instant("2024-08-05T12:38")
    assert minutes_between(early, late, None) is None
