"""Numbers of JSON as exact decimals, with the zeros that they are written with."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Self

from netfhir.screening.facts import bare

_PLACES = Decimal("1E-10")
_LARGEST = Decimal("1E18")
_PLAIN = re.compile(r"-?[0-9]+\.[0-9]{1,10}\Z", re.ASCII)
_DIGITS = 15


class Written(float):
    """A JSON number with a fraction, and its digits as they are written: 7.40 stays 7.40."""

    __slots__ = ("digits",)
    digits: str

    def __new__(cls, digits: str) -> Self:
        """Read the digits."""
        made = super().__new__(cls, digits)
        made.digits = digits
        return made


def decimal(given: object) -> Decimal | None:
    """Return a JSON number to ten places, with its trailing zeros; None for everything else.

    A number of more than 15 digits is taken as the nearest binary double, as DuckDB reads it.
    """
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    if isinstance(given, Written) and plain(given.digits):
        return Decimal(given.digits)
    try:
        exact = Decimal(repr(float(given)))
        if abs(exact) >= _LARGEST:
            return None
        return bare(exact.quantize(_PLACES, rounding=ROUND_HALF_UP))
    except (InvalidOperation, OverflowError):
        return None


def plain(digits: str) -> bool:
    """Return whether digits are exact to a double: 15 of them, ten places, no exponent."""
    return _PLAIN.match(digits) is not None and sum(map(str.isdigit, digits)) <= _DIGITS
