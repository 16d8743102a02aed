"""A JSON document read path by path, which remembers every leaf that nobody asked for.

It knows JSON and no record; a value of the wrong kind is a FormatError that names its path.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from netfhir.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

_INDEX = re.compile(r"\[\d+\]")


def plain_path(path: str) -> str:
    """Return a path without the places in its lists."""
    return _INDEX.sub("", path)


def leaves(value: object, path: str = "") -> Iterator[str]:
    """Yield the path of every value that is neither an object nor a list, in document order."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from leaves(below, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from leaves(below, f"{path}[{place}]")
    else:
        yield path


class Node:
    """An object of the document, or nothing where it has none."""

    def __init__(self, value: object, *, where: str, path: str = "", read: set[str]) -> None:
        """Take an object that stands at `path` of the file `where`; `read` gathers leaves."""
        self._where = where
        self._path = path
        self._read = read
        if value is not None and not isinstance(value, dict):
            raise self._wrong(path, "an object")
        self._value: dict[str, Any] = value or {}

    def __bool__(self) -> bool:
        """Say whether there is anything in it."""
        return bool(self._value)

    def node(self, name: str) -> Node:
        """Return the object of that name."""
        return self._child(self._value.get(name), self._at(name))

    def nodes(self, name: str) -> list[Node]:
        """Return the objects of the list of that name."""
        path = self._at(name)
        return [self._child(item, f"{path}[{i}]") for i, item in enumerate(self._list(name))]

    def text(self, name: str) -> str:
        """Return a text, "" if there is none."""
        return self._text(self._value.get(name), self._at(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of a list."""
        path = self._at(name)
        found = [self._text(item, f"{path}[{i}]") for i, item in enumerate(self._list(name))]
        return tuple(text for text in found if text)

    def flag(self, name: str) -> bool | None:
        """Return true or false, None if the document does not say."""
        value = self._leaf(name)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(self._at(name), "true or false")

    def count(self, name: str) -> int | None:
        """Return a whole number that is not negative."""
        value = self._leaf(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        raise self._wrong(self._at(name), "a whole number that is not negative")

    def decimal(self, name: str) -> Decimal | None:
        """Return a number with its digits."""
        value = self._leaf(name)
        if value is None or isinstance(value, Decimal):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return Decimal(value)
        raise self._wrong(self._at(name), "a number")

    def scalar(self, name: str) -> str:
        """Return a text, a number or true or false, in words; "" if there is none."""
        value = self._leaf(name)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, dict | list):
            raise self._wrong(self._at(name), "one value")
        return "" if value is None else str(value).strip()

    def place(self, name: str) -> str:
        """Return the file and the path of that name, for an error or a remark."""
        return f"{self._where}:{self._at(name)}"

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _child(self, value: object, path: str) -> Node:
        return Node(value, where=self._where, path=path, read=self._read)

    def _list(self, name: str) -> list[Any]:
        value = self._value.get(name)
        if value is None or isinstance(value, list):
            return value or []
        raise self._wrong(self._at(name), "a list")

    def _leaf(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        self._read.add(self._at(name))
        return self._value.get(name)

    def _text(self, value: object, path: str) -> str:
        self._read.add(path)
        if value is None or isinstance(value, str):
            return (value or "").strip()
        raise self._wrong(path, "a text")

    def _wrong(self, path: str, expected: str) -> FormatError:
        return FormatError(
            "bad-record",
            where=f"{self._where}:{path}" if path else self._where,
            found="a value of another kind",
            expected=expected,
            remedy="fetch the record again, as JSON of the API version 2",
        )

    def refusal(self, name: str, *, found: str, expected: str) -> FormatError:
        """Return the error that refuses the value of that name."""
        return FormatError(
            "bad-record",
            where=self.place(name),
            found=found,
            expected=expected,
            remedy="correct the record, or fetch it again",
        )
