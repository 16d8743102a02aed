"""Binary numbers as text: the same digits whichever container held the number."""

from __future__ import annotations

from decimal import Decimal


def plain(number: float) -> str:
    """Return the shortest text of at most 15 digits, never with an exponent; "" for NaN.

    A decimal of up to 15 digits survives the way into a double and back, so XPT (IBM floats),
    Dataset-JSON numbers and Parquet doubles give equal cells: 84.0 is `84`, 39.5 is `39.5`.
    """
    if number != number:  # noqa: PLR0124 - the test for NaN that costs least
        return ""
    text = format(number, ".15g")
    if "e" in text:
        text = format(Decimal(text), "f")
    return "0" if text == "-0" else text
