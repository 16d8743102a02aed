"""Whether a cell fits its REDCap field; knows raw exports, whose dates are always YYYY-MM-DD.

A validation type that a site has added is not known here and allows any text.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfhir.sources.dictionary import Field

_NUMBER = r"(?a:[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)"
_SHAPES: Mapping[str, tuple[re.Pattern[str], str]] = {
    "integer": (re.compile(r"[+-]?\d+", re.ASCII), "a whole number"),
    "number": (re.compile(_NUMBER, re.ASCII), "a number with a decimal point"),
    "date": (re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), "a date, YYYY-MM-DD"),
    "datetime": (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d", re.ASCII), "a time, YYYY-MM-DD HH:MM"),
    "datetime_seconds": (
        re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII),
        "a time, YYYY-MM-DD HH:MM:SS",
    ),
    "time": (re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII), "a time of day, HH:MM"),
    "time_hh_mm_ss": (
        re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII),
        "a time of day, HH:MM:SS",
    ),
    "time_mm_ss": (re.compile(r"[0-5]\d:[0-5]\d", re.ASCII), "a duration, MM:SS"),
    "email": (re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+", re.ASCII), "an e-mail address"),
}
_DISPLAY = re.compile(r"_(?:ymd|mdy|dmy)\Z")
_PLACES = re.compile(r"number_(?P<places>[1-4])dp\Z")
_COMMA = "_comma_decimal"


def expected(field: Field, text: str) -> str:
    """Return "" where the text fits the field, else what the field expects. Blank fits."""
    if not text:
        return ""
    if field.choices:
        return "" if text in field.choices else "one of the codes " + ", ".join(field.choices)
    shape, words = _shape(field)
    if shape is None:
        return ""
    if field.has_decimal_comma:
        words = words.replace("decimal point", "decimal comma")
    fits = shape.fullmatch(point(field, text)) is not None and _of_calendar(words, text)
    return "" if fits else words


def point(field: Field, text: str) -> str:
    """Return the number of a field with decimal comma with a decimal point, other text as it is.

    A point is left as it is: an export may be asked to write one (`decimalCharacter`).
    """
    if not field.has_decimal_comma:
        return text
    pointed = text.replace(",", ".", 1)
    return pointed if re.fullmatch(_NUMBER, pointed) else text


def outside(field: Field, text: str) -> str:
    """Return "" or which limit of the dictionary the value exceeds: a warning, never a refusal.

    REDCap lets a person keep such a value. Limits that are formulas are not looked at.
    """
    value = _comparable(point(field, text))
    lowest = _comparable(point(field, field.minimum))
    highest = _comparable(point(field, field.maximum))
    if value is not None and lowest is not None and value < lowest:
        return f"below its minimum {field.minimum}"
    if value is not None and highest is not None and value > highest:
        return f"above its maximum {field.maximum}"
    return ""


def _shape(field: Field) -> tuple[re.Pattern[str] | None, str]:
    if field.type in {"calc", "slider"}:
        return _SHAPES["number"]
    name = _DISPLAY.sub("", field.validation.lower().removesuffix(_COMMA))
    if field.type != "text":
        return None, ""
    if (places := _PLACES.match(name)) is not None:
        count = places["places"]
        return re.compile(
            rf"-?\d+\.\d{{{count}}}", re.ASCII
        ), f"a number with {count} decimal places"
    return _SHAPES.get(name, (None, ""))


def _of_calendar(words: str, text: str) -> bool:
    if "YYYY" not in words:
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _comparable(text: str) -> Decimal | None:
    """Return a number, or a date or time as the number of its digits; None for other text."""
    if re.fullmatch(_NUMBER, text):
        return Decimal(text)
    if re.fullmatch(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?", text, re.ASCII):
        return Decimal(re.sub(r"\D", "", text).ljust(14, "0"))
    return None
