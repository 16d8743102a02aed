"""CDISC Dataset-JSON 1.1, as one document or as NDJSON; numbers keep their digits.

Source: CDISC Dataset-JSON 1.1. A number becomes text by the 15-digit form that XPT has too, a
decimal given as text stays, null is "". The text of a document is held while its rows are read;
the rows themselves are decoded one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfhir.errors import FormatError, RecordError
from netfhir.sources.container import opened
from netfhir.sources.delimited import not_utf8
from netfhir.sources.json_walk import Walk, decode
from netfhir.sources.row import Record, Row, Rows, Table, columns_of, ragged, row_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_TYPES = ("string", "integer", "decimal", "float", "double", "boolean")
_TIMES = ("datetime", "date", "time", "URI")
_NEEDED = ("itemOID", "name", "label", "dataType")


def dataset_json_table(path: Path) -> Table:
    """Return the table of a Dataset-JSON document, checked to its end before the first row.

    Raises FormatError for what is no Dataset-JSON 1.1, is cut, names a column twice or without
    its type, or states another number of records than it holds.
    """
    walk = Walk(_text(path), path.name)
    metadata: dict[str, Any] = {}
    start, found = 0, 0
    for key in walk.members():
        if key == "rows":
            start, found = walk.at, sum(1 for _ in walk.elements())
        else:
            metadata[key] = walk.value()
    columns, stated = _checked(metadata, path.name)
    if found != stated:
        raise row_count(path.name, found=found, expected=stated)

    def rows() -> Iterator[Record]:
        if start:
            again = Walk(_text(path), path.name, start)
            yield from _rows(again.elements(), columns, path.name)

    return Table(path.name, columns, Rows(rows))


def dataset_ndjson_table(path: Path) -> Table:
    """Return the table of a Dataset-JSON file with its metadata on line 1 and a row on each other.

    Its number of records is checked when the last row has been read.
    """
    metadata = next(_lines(path), None)
    if not isinstance(metadata, dict):
        raise _not_dataset_json(f"{path.name}:1", "no object with the metadata on line 1")
    columns, stated = _checked(metadata, path.name)

    def rows() -> Iterator[Record]:
        elements = _lines(path)
        next(elements, None)
        number = 0
        for number, record in enumerate(_rows(elements, columns, path.name), 1):  # noqa: B007 - the last one is the count
            yield record
        if number != stated:
            raise row_count(path.name, found=number, expected=stated)

    return Table(path.name, columns, Rows(rows))


def _text(path: Path) -> str:
    with opened(path) as stream:
        octets = stream.read()
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise not_utf8(f"{path.name}:{line}") from error


def _lines(path: Path) -> Iterator[Any]:
    """Yield the value of each line that is not blank."""
    with opened(path) as stream:
        for number, octets in enumerate(stream, 1):
            try:
                text = octets.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise not_utf8(f"{path.name}:{number}") from error
            if text.strip():
                yield decode(text, f"{path.name}:{number}")


def _rows(elements: Iterable[Any], columns: tuple[str, ...], file: str) -> Iterator[Record]:
    for number, element in enumerate(elements, 1):
        yield _record(element, columns, file, number)


def _record(element: object, columns: tuple[str, ...], file: str, number: int) -> Record:
    if not isinstance(element, list):
        return _no_cell(f"{file}:{number}", "a row that is no array")
    if len(element) != len(columns):
        return ragged(file, number, found=len(element), expected=len(columns))
    cells: dict[str, str] = {}
    for column, value in zip(columns, element, strict=True):
        text = _cell(value)
        if text is None:
            return _no_cell(f"{file}:{number}:{column}", "an array or object")
        cells[column] = text
    return Row(file, number, cells)


def _cell(value: object) -> str | None:
    """Return the cell as text; None for what is no cell. Numbers come as text already."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return value if isinstance(value, str) else None


def _no_cell(where: str, found: str) -> RecordError:
    return RecordError(
        "bad-cell",
        where=where,
        found=found,
        expected="an array of texts, numbers, truth values and nulls",
        remedy="export the file again as Dataset-JSON 1.1",
    )


def _checked(metadata: Mapping[str, Any], file: str) -> tuple[tuple[str, ...], int]:
    """Return the columns and the stated number of records."""
    version = metadata.get("datasetJSONVersion")
    if not isinstance(version, str) or not version.startswith("1.1"):
        given = f"version `{version}`" if isinstance(version, str) else "no datasetJSONVersion"
        raise _not_dataset_json(file, given)
    stated = str(metadata.get("records", ""))
    if not stated.isdecimal():
        raise _not_dataset_json(f"{file}:records", "no number of records")
    columns = metadata.get("columns")
    if not isinstance(columns, list) or not columns:
        raise _not_dataset_json(f"{file}:columns", "no array of columns")
    names = [_name(column, position, file) for position, column in enumerate(columns, 1)]
    return columns_of(names, file), int(stated)


def _name(column: object, position: int, file: str) -> str:
    given: Mapping[str, Any] = column if isinstance(column, dict) else {}
    name = str(given.get("name", ""))
    where = f"{file}:columns:{name or position}"
    if absent := [key for key in _NEEDED if not isinstance(given.get(key), str)]:
        old = name == "ITEMGROUPDATASEQ"
        raise FormatError(
            "not-dataset-json",
            where=where,
            found="a column without " + ", ".join(f"`{key}`" for key in absent),
            expected="itemOID, name, label and dataType for each column (Dataset-JSON 1.1)",
            remedy="export the file as Dataset-JSON 1.1"
            + (", which has no ITEMGROUPDATASEQ: that belongs to version 1.0" if old else ""),
        )
    if given["dataType"] not in _TYPES + _TIMES:
        raise FormatError(
            "not-dataset-json",
            where=where,
            found=f"the dataType `{given['dataType']}`",
            expected="one of " + ", ".join(_TYPES + _TIMES),
            remedy="export the file as Dataset-JSON 1.1",
        )
    return name


def _not_dataset_json(where: str, found: str) -> FormatError:
    return FormatError(
        "not-dataset-json",
        where=where,
        found=found,
        expected="Dataset-JSON 1.1: datasetJSONVersion, records, columns and rows",
        remedy="export the file as Dataset-JSON 1.1",
    )
