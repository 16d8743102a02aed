"""SAS XPORT version 5 files, read through pyreadstat in pieces after their structure is checked.

Text is UTF-8 (in submissions ASCII) and loses the blanks that pad it; an encoding is not guessed.
Numbers stay numbers whatever their SAS format, missing ones (`.`, `.A` to `.Z`, `._`) are "".
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, cast

import pyreadstat

from netfhir.errors import FormatError
from netfhir.sources.container import seekable
from netfhir.sources.delimited import not_utf8
from netfhir.sources.numerals import plain
from netfhir.sources.row import Record, Row, Rows, Table, row_count
from netfhir.sources.xport_layout import Layout, layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_PIECE = 5_000


def xport_table(path: Path, *, piece: int = _PIECE) -> Table:
    """Return the table of an XPORT file, `.gz` or not; rows are numbered from 1.

    Raises FormatError for a file that is cut, is no version 5, holds several members or no UTF-8,
    and after its last row if pyreadstat finds fewer rows than the data area holds (it leaves out
    rows of nothing but blanks at the end).
    """
    with seekable(path) as stream:
        checked = layout(stream, path.name)

    def rows() -> Iterator[Record]:
        with seekable(path) as stream:
            number = 0
            while number < checked.row_count:
                columns = _piece(stream, path.name, offset=number, limit=piece)
                _agree(columns, checked, path.name)
                texts = [_texts(columns[name]) for name in checked.columns]
                if not texts[0]:
                    raise row_count(path.name, found=number, expected=checked.row_count)
                for cells in zip(*texts, strict=True):
                    number += 1
                    yield Row(path.name, number, dict(zip(checked.columns, cells, strict=True)))

    return Table(path.name, checked.columns, Rows(rows))


def _piece(stream: IO[bytes], file: str, *, offset: int, limit: int) -> dict[str, list[Any]]:
    stream.seek(0)
    try:
        columns, _ = pyreadstat.read_xport(
            cast("Any", stream),  # pyreadstat declares more of a file than it uses
            output_format="dict",
            row_offset=offset,
            row_limit=limit,
            disable_datetime_conversion=True,
        )
    except UnicodeDecodeError as error:
        raise not_utf8(f"{file}:{offset + 1} to {offset + limit}") from error
    except pyreadstat.ReadstatError as error:
        raise FormatError(
            "unreadable-xport",
            where=file,
            found="a file that pyreadstat cannot read",
            expected="a SAS XPORT file of version 5",
            remedy="export the file again",
        ) from error
    return dict(columns)


def _agree(columns: dict[str, list[Any]], checked: Layout, file: str) -> None:
    if tuple(columns) != checked.columns:
        raise FormatError(
            "damaged-header",
            where=file,
            found="variables that pyreadstat reads differently from the file's own description",
            expected="the headers of SAS XPORT version 5",
            remedy="export the file again",
        )


def _texts(values: Sequence[Any]) -> list[str]:
    return [
        value.rstrip(" ") if isinstance(value, str) else "" if value is None else plain(value)
        for value in values
    ]
