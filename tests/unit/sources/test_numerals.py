"""Numbers as text: 15 digits, no exponent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netfhir.sources.numerals import plain


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (84.0, "84"),
        (39.5, "39.5"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (-0.0, "0"),
        (float("nan"), ""),
    ],
)
def test_shortest_form(number: float, text: str) -> None:
    """A number is written as a person would write it."""
    assert plain(number) == text


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-1e8, max_value=1e8))
def test_fifteen_digits_survive(number: Decimal) -> None:
    """A decimal of at most 15 digits comes out of a double as it went in."""
    assert Decimal(plain(float(number))) == number
