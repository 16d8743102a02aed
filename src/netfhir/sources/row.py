"""Rows of a source, each carrying file, row and column; knows no format and no trial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netfhir.errors import FormatError, RecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a table, every cell as text, "" where it is missing.

    `number` is the row as a person finds it: in a CSV the line on which the record starts (the
    header is line 1), elsewhere the record's number from 1.
    """

    file: str
    number: int
    cells: Mapping[str, str]

    def where(self, column: str = "") -> str:
        """Return `file:row`, or `file:row:column`."""
        place = f"{self.file}:{self.number}"
        return f"{place}:{column}" if column else place


#: One bad record does not stop the others: it travels among them as its error.
Record = Row | RecordError


@dataclass(frozen=True, slots=True)
class Rows:
    """Records that can be read again: each iteration opens the file anew and holds a few rows."""

    read: Callable[[], Iterator[Record]]

    def __iter__(self) -> Iterator[Record]:
        """Start reading at the first record; raises FormatError where the file is unusable."""
        return self.read()


@dataclass(frozen=True, slots=True)
class Table:
    """A file's columns, in their order, and its records, read lazily and in file order."""

    file: str
    columns: tuple[str, ...]
    rows: Iterable[Record]


def columns_of(names: Iterable[str], file: str) -> tuple[str, ...]:
    """Return the column names, none of them blank and none given twice; else raise FormatError.

    The error gives positions, for the first line of a file without header holds values.
    """
    seen: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if not name.strip():
            raise FormatError(
                "unnamed-column",
                where=f"{file}:1",
                found=f"column {position} without a name",
                expected="a name for every column",
                remedy="export the file again with its header",
            )
        if name in seen:
            raise FormatError(
                "duplicate-column",
                where=f"{file}:1",
                found=f"the same name at columns {seen[name]} and {position}",
                expected="every column name once",
                remedy="remove or rename one of the two columns",
            )
        seen[name] = position
    return tuple(seen)


def require(table: Table, columns: Iterable[str]) -> None:
    """Raise FormatError for the first of `columns` that the table does not have."""
    for column in columns:
        if column not in table.columns:
            raise FormatError(
                "missing-column",
                where=f"{table.file}:1:{column}",
                found=f"no such column among the {len(table.columns)} of the file",
                expected=f"the column `{column}`, as the declaration of this source names it",
                remedy="export the file again with it, or correct the name in the declaration",
            )


def expect_rows(table: Table, count: int) -> Table:
    """Return the table, whose reading ends in FormatError if it holds another number of rows."""

    def counted() -> Iterator[Record]:
        number = 0
        for number, record in enumerate(table.rows, 1):  # noqa: B007 - the last one is the count
            yield record
        if number != count:
            raise row_count(table.file, found=number, expected=count)

    return replace(table, rows=Rows(counted))


def row_count(file: str, *, found: int, expected: int) -> FormatError:
    """Return the error of a file that holds another number of rows than was stated."""
    return FormatError(
        "row-count",
        where=file,
        found=f"{found} rows",
        expected=f"{expected} rows, as stated for this file",
        remedy="fetch the file again in full, or correct the stated number of rows",
    )


def ragged(file: str, number: int, *, found: int, expected: int) -> RecordError:
    """Return the error of a record whose cells are not as many as the columns."""
    return RecordError(
        "ragged-row",
        where=f"{file}:{number}",
        found=f"{found} cells",
        expected=f"{expected} cells, one for each column",
        remedy="correct the record in the export (often a delimiter inside an unquoted text)",
    )
