"""Dates as intervals of days, and what they leave open."""

from __future__ import annotations

from datetime import date

import pytest

from netfhir.screening.days import birthday, completed_years, days


@pytest.mark.parametrize(
    ("text", "lo", "hi"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-05-04", date(2026, 5, 4), date(2026, 5, 4)),
        ("2026-05-04T23:59:59+14:00", date(2026, 5, 4), date(2026, 5, 4)),
    ],
)
def test_a_date_is_an_interval(text: str, lo: date, hi: date) -> None:
    """A month is any of its days; a time does not move the day as written."""
    assert days(text) == (lo, hi)


@pytest.mark.parametrize(
    "text", ["", "2026-02-31", "2026-13", "04.05.2026", "0000", "2026-05-04 10:00"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    """Nothing is guessed from another form, or for a day that no calendar has."""
    assert days(text) is None


def test_a_birthday_of_a_leap_day_is_the_first_of_march() -> None:
    """Who was born on 29 February is 18 on 1 March."""
    born = date(2008, 2, 29)
    assert completed_years(born, date(2026, 2, 28)) == 17
    assert completed_years(born, date(2026, 3, 1)) == 18
    assert birthday(born, 18) == date(2026, 3, 1)
