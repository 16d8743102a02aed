"""CSV files: UTF-8, one header line, quoted as RFC 4180 says; guesses no delimiter."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING

from netfhir.errors import FormatError
from netfhir.sources.container import opened
from netfhir.sources.row import Record, Row, Rows, Table, columns_of, ragged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OTHER_DELIMITERS = {";": "a semicolon", "\t": "a tab", "|": "a bar"}


def csv_table(path: Path, *, delimiter: str = ",") -> Table:
    """Return the table of a CSV file: its header is checked now, its rows are read later.

    A record with too few or too many cells is a RecordError among the rows. Raises FormatError
    where the file is no UTF-8, holds NUL bytes, is quoted wrongly, or has no usable header.
    """
    columns = columns_of(_header(path, delimiter), path.name)

    def rows() -> Iterator[Record]:
        records = _records(path, delimiter)
        next(records, None)
        for number, cells in records:
            if len(cells) == len(columns):
                yield Row(path.name, number, dict(zip(columns, cells, strict=True)))
            else:
                yield ragged(path.name, number, found=len(cells), expected=len(columns))

    return Table(path.name, columns, Rows(rows))


def _header(path: Path, delimiter: str) -> list[str]:
    _, header = next(_records(path, delimiter), (1, []))
    if not header:
        raise FormatError(
            "no-header",
            where=f"{path.name}:1",
            found="an empty file",
            expected="a header line with the names of the columns",
            remedy="export the file again",
        )
    others = [other for other in _OTHER_DELIMITERS if other != delimiter and other in header[0]]
    if len(header) == 1 and others:
        raise FormatError(
            "other-delimiter",
            where=f"{path.name}:1",
            found=f"one column whose name contains {_OTHER_DELIMITERS[others[0]]}",
            expected=f"columns divided by `{delimiter}`",
            remedy="export the file with commas, or name its delimiter",
        )
    return header


def _records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which it starts, cells) per record, the header included."""
    with opened(path) as stream:
        reader = csv.reader(_lines(stream, path.name), delimiter=delimiter, strict=True)
        first = 1
        try:
            for cells in reader:
                if cells:
                    yield first, cells
                first = reader.line_num + 1
        except csv.Error as error:
            raise FormatError(
                "bad-csv",
                where=f"{path.name}:{first}",
                found=f"a record that cannot be divided into cells ({error})",
                expected="cells quoted as RFC 4180 says, and a file that is not cut",
                remedy="export the file again, and do not save it with a spreadsheet",
            ) from error


def _lines(stream: IO[bytes], file: str) -> Iterator[str]:
    for number, octets in enumerate(stream, 1):
        if b"\0" in octets:
            raise FormatError(
                "nul-byte",
                where=f"{file}:{number}",
                found="a NUL byte",
                expected="UTF-8 text",
                remedy="export the file again as UTF-8 (a NUL often means UTF-16 or damage)",
            )
        try:
            yield octets.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise not_utf8(f"{file}:{number}") from error


def not_utf8(where: str) -> FormatError:
    """Return the error of text in another encoding: it is never guessed."""
    return FormatError(
        "not-utf8",
        where=where,
        found="bytes that are not UTF-8",
        expected="UTF-8 (ASCII is part of it)",
        remedy="export the file again as UTF-8; an encoding is not guessed, for units would change",
    )
