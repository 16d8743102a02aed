"""Reads one row as its declaration says: a date, a number, a coded value.

Every refusal names file, row and column, and never the cell's own text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from netfhir.errors import DeclarationError, RecordError
from netfhir.fhir.dates import LocalTime, local_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from netfhir.sources.row import Row
    from netfhir.trial.declaration import Trial
    from netfhir.trial.export import Export
    from netfhir.trial.places import Attribute

_NUMBER = re.compile(
    r"(?P<comparator><=|>=|<|>)?\s*(?P<digits>[+-]?(?:\d+(?:\.\d+)?|\.\d+))\Z", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Number:
    """Digits as given, and the comparator before them, if any."""

    digits: Decimal
    comparator: str | None


@dataclass(frozen=True, slots=True)
class Reader:
    """What is the same for all rows of an export: its codes, its missing-data codes, its checks."""

    values: Mapping[str, Mapping[str, str]]
    ignored: Mapping[str, Mapping[str, str]]
    missing: Mapping[str, str]
    check: Callable[[str, str], str]
    """(column, cell) -> "" or what the field's own validation expected."""

    @classmethod
    def of(cls, trial: Trial, export: Export, check: Callable[[str, str], str]) -> Reader:
        """Return the reader of a declared export."""
        return cls(trial.codes.values, trial.codes.ignored, export.missing, check)

    def text(self, row: Row, column: str) -> str:
        """Return the cell, or "" where it is blank or holds a missing-data code."""
        if not column:
            return ""
        cell = row.cells[column]
        if not cell or cell in self.missing:
            return ""
        if expected := self.check(column, cell):
            raise RecordError(
                "not-as-the-dictionary-says",
                where=row.where(column),
                found="a value that its field does not allow",
                expected=expected,
                remedy="correct the value in the source, or the field in its dictionary",
            )
        return cell

    def required(self, row: Row, column: str) -> str:
        """Return the cell; a blank one is refused."""
        if text := self.text(row, column):
            return text
        raise _missing(row, column)

    def absent(self, row: Row, column: str) -> str | None:
        """Return the key of the reason why the cell has no value, where its code says one."""
        return self.missing.get(row.cells[column])

    def when(self, row: Row, column: str) -> LocalTime | None:
        """Return the date or date-time of the cell; None where it is blank."""
        text = self.text(row, column)
        if not text:
            return None
        if (when := local_time(text)) is not None:
            return when
        raise RecordError(
            "bad-date",
            where=row.where(column),
            found="text that is no ISO 8601 date of the calendar",
            expected="YYYY, YYYY-MM or YYYY-MM-DD, with a full date perhaps THH:MM[:SS]",
            remedy="leave out what is unknown (2024-08, never 2024-08-UN), or correct the source",
        )

    def number(self, row: Row, column: str) -> Number | None:
        """Return the number of the cell, a comparator kept apart; None where it is blank."""
        text = self.text(row, column)
        if not text:
            return None
        if (found := _NUMBER.match(text)) is not None:
            return Number(Decimal(found["digits"]), found["comparator"])
        raise RecordError(
            "not-a-number",
            where=row.where(column),
            found="text where a number stands",
            expected="digits with a decimal point, perhaps after <, <=, > or >=",
            remedy='correct the value in the source, or declare the item as value = "text"',
        )

    def coded(self, row: Row, place: Attribute | None) -> str | None:
        """Return what the cell stands for by codes.toml; None where it is blank or ignored."""
        if place is None:
            return None
        if place.constant:
            return place.constant
        text = self.text(row, place.column)
        if not text or not place.values:
            return text or None
        table = self.values.get(place.values)
        if table is None:
            raise DeclarationError(
                "unknown-key",
                where=f"sources: {place.column}",
                found=f"values = `{place.values}`",
                expected="a table [values.…] of codes.toml",
            )
        if text in table:
            return table[text]
        if text in self.ignored.get(place.values, ()):
            return None
        raise RecordError(
            "unknown-value",
            where=row.where(place.column),
            found=f"a value that [values.{place.values}] does not list",
            expected="one of " + ", ".join(f"`{known}`" for known in table),
            remedy="add the value to codes.toml, or correct the source",
        )

    def stated(self, row: Row, place: Attribute) -> str:
        """Return what the cell stands for, any word; a blank one is refused."""
        if (text := self.coded(row, place)) is not None:
            return text
        raise _missing(row, place.column)

    def needed(self, row: Row, place: Attribute, allowed: Collection[str]) -> str:
        """Return what the cell stands for; a blank one is refused, for nothing is assumed."""
        if (chosen := self.choice(row, place, allowed)) is not None:
            return chosen
        raise _missing(row, place.column)

    def choice(self, row: Row, place: Attribute, allowed: Collection[str]) -> str | None:
        """Return what the cell stands for, which the declaration must take from `allowed`."""
        chosen = self.coded(row, place)
        if chosen is None or chosen in allowed:
            return chosen
        raise DeclarationError(
            "unknown-key",
            where=f"codes.toml: values.{place.values}" if place.values else "sources: constant",
            found=f"`{chosen}`" if place.values or place.constant else "a column without values",
            expected="one of " + ", ".join(sorted(allowed)),
            remedy="mend the name in the declaration",
        )


def _missing(row: Row, column: str) -> RecordError:
    return RecordError(
        "missing-value",
        where=row.where(column),
        found="a blank or missing-data code",
        expected="a value, which is never assumed",
        remedy="complete the record in the source",
    )
