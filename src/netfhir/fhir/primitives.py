"""FHIR's primitive types: the JSON kind of each, and which values it can have.

Source: hl7.org/fhir/R4/datatypes.html. Stricter than its patterns where those let through what
cannot be: dates are looked up in the calendar, an OID or UUID in a uri must be one, and a
canonical is absolute (one that begins with # is left to `references`).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = Callable[[object], object]
    """Takes a value of the right JSON kind; true if the type can have it."""

TEXT = (str,)
WHOLE = (int,)
NUMBER = (Decimal, int)
TRUTH = (bool,)

_OID = r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"
_UUID = r"urn:uuid:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_URI = rf"(?!urn:oid:(?!{_OID[8:]}$))(?!urn:uuid:(?!{_UUID[9:]}$))[^\s\x00-\x1f]+"
_SCHEME = r"(?=[A-Za-z][A-Za-z0-9+.-]*:)"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_INTEGER = re.compile(r"0|[-+]?[1-9][0-9]{0,18}", re.ASCII)
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_DATE_TIME = re.compile(rf"(\d{{4}})(?:-(\d{{2}})(?:-(\d{{2}})(T{_CLOCK}{_ZONE})?)?)?", re.ASCII)
_INSTANT = re.compile(rf"(\d{{4}})-(\d{{2}})-(\d{{2}})T{_CLOCK}{_ZONE}", re.ASCII)


def _matches(pattern: str) -> Test:
    return cast("Test", re.compile(pattern).fullmatch)


def _in_calendar(pattern: re.Pattern[str]) -> Test:
    @lru_cache(maxsize=4096)
    def test(value: str) -> bool:
        found = pattern.fullmatch(value)
        if found is None:
            return False
        year, month, day = (int(part or 1) for part in found.group(1, 2, 3))
        try:
            dt.date(year, month, day)
        except ValueError:
            return False
        return True

    return cast("Test", test)


def _base64(value: object) -> bool:
    text = "".join(str(value).split())
    return len(text) % 4 == 0 and bool(re.fullmatch(r"[0-9A-Za-z+/]+={0,2}", text))


def _number(value: object) -> bool:
    return math.isfinite(value)  # type: ignore[arg-type]


def _signed_32(value: object) -> bool:
    return -(2**31) <= value < 2**31  # type: ignore[operator]


def _signed_64(value: object) -> bool:
    text = str(value)
    return bool(_INTEGER.fullmatch(text)) and -(2**63) <= int(text) < 2**63


def _unsigned(value: object) -> bool:
    return 0 <= value < 2**31  # type: ignore[operator]


def _positive(value: object) -> bool:
    return 0 < value < 2**31  # type: ignore[operator]


def _either(_: object) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Primitive:
    """A primitive type: the Python types of its JSON value, the test, and words for both."""

    kinds: tuple[type, ...]
    test: Test
    expected: str


#: Text with something to see in it and no control character but tab and line ends.
_STRING = _matches(r"(?=\s*\S)[^\x00-\x08\x0b\x0c\x0e-\x1f]+")

PRIMITIVES: dict[str, Primitive] = {
    "base64Binary": Primitive(TEXT, _base64, "base64 in groups of four"),
    "boolean": Primitive(TRUTH, _either, "true or false"),
    "canonical": Primitive(TEXT, _matches(rf"{_SCHEME}{_URI}"), "an absolute canonical URL"),
    "code": Primitive(TEXT, _matches(r"[^\s]+( [^\s]+)*"), "a code without outer or double spaces"),
    "date": Primitive(TEXT, _in_calendar(_DATE), "a date of the calendar: YYYY, -MM, -DD"),
    "dateTime": Primitive(
        TEXT, _in_calendar(_DATE_TIME), "a date of the calendar, a time only with its zone"
    ),
    "decimal": Primitive(NUMBER, _number, "a number"),
    "id": Primitive(TEXT, _matches(r"[A-Za-z0-9.-]{1,64}"), "1-64 letters, digits, - or ."),
    "instant": Primitive(TEXT, _in_calendar(_INSTANT), "date, time with seconds, and zone"),
    "integer": Primitive(WHOLE, _signed_32, "a whole number of 32 bits"),
    "integer64": Primitive(TEXT, _signed_64, "a whole number of 64 bits, as text"),
    "markdown": Primitive(TEXT, _STRING, "text that is not empty"),
    "oid": Primitive(TEXT, _matches(_OID), "urn:oid: and an OID"),
    "positiveInt": Primitive(WHOLE, _positive, "a whole number above 0"),
    "string": Primitive(TEXT, _STRING, "text that is not empty"),
    "time": Primitive(TEXT, _matches(_CLOCK), "hh:mm:ss"),
    "unsignedInt": Primitive(WHOLE, _unsigned, "a whole number from 0"),
    "uri": Primitive(TEXT, _matches(_URI), "a URI without spaces"),
    "url": Primitive(TEXT, _matches(_URI), "a URL without spaces"),
    "uuid": Primitive(TEXT, _matches(_UUID), "urn:uuid: and a UUID in lower case"),
    "xhtml": Primitive(TEXT, _STRING, "an XHTML div"),
}

_KIND_WORDS = {TEXT: "text", WHOLE: "a whole number", NUMBER: "a number", TRUTH: "true or false"}


def kind_words(kinds: tuple[type, ...]) -> str:
    """Return how a person calls the JSON kind."""
    return _KIND_WORDS[kinds]
