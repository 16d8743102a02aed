"""JSON read piece by piece, its numbers as text; knows no document's meaning."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from netfhir.errors import FormatError
from netfhir.sources.numerals import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANK = re.compile(r"[ \t\r\n]*")


def _number(literal: str) -> str:
    """Return the 15-digit form: through a double, as XPT has it, which keeps 15 digits."""
    number = float(literal)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("a number too large for a double")
    return plain(number)


def _no_number(_literal: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=str, parse_constant=_no_number)


def decode(text: str, where: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the value of a JSON text, numbers as text; raises FormatError."""
    walk = Walk(text, where)
    value = walk.value()
    walk.end()
    return value


class Walk:
    """A place in a JSON text, moved over one value after the other."""

    def __init__(self, text: str, where: str, at: int = 0) -> None:
        """Start at offset `at`; `where` names the text in errors."""
        self._text = text
        self._where = where
        self.at = at

    def value(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return the value that stands here, and move behind it."""
        self._skip()
        try:
            value, self.at = _DECODER.raw_decode(self._text, self.at)
        except (ValueError, RecursionError) as error:
            raise self._wrong() from error
        return value

    def elements(self) -> Iterator[Any]:
        """Yield the values of the array that stands here, and move behind it."""
        self._token("[")
        if self._peek() == "]":
            self._token("]")
            return
        while True:
            yield self.value()
            if self._token(",]") == "]":
                return

    def members(self) -> Iterator[str]:
        """Yield the keys of the document's object; the caller moves over each value."""
        seen: set[str] = set()
        self._token("{")
        while True:
            key = self.value()
            if not isinstance(key, str) or key in seen:
                raise self._wrong()
            seen.add(key)
            self._token(":")
            yield key
            if self._token(",}") == "}":
                return self.end()

    def end(self) -> None:
        """Check that nothing but blanks follows."""
        if self._peek():
            raise self._wrong()

    def _skip(self) -> None:
        found = _BLANK.match(self._text, self.at)
        self.at = found.end() if found else self.at

    def _peek(self) -> str:
        self._skip()
        return self._text[self.at : self.at + 1]

    def _token(self, allowed: str) -> str:
        token = self._peek()
        if not token or token not in allowed:
            raise self._wrong()
        self.at += 1
        return token

    def _wrong(self) -> FormatError:
        cut = self.at >= len(self._text)
        return FormatError(
            "bad-json",
            where=self._where,
            found="JSON that ends early" if cut else f"what is no JSON, at character {self.at + 1}",
            expected="JSON (RFC 8259), each key of the document once",
            remedy="fetch the file again in full, or export it again",
        )
