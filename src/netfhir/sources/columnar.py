"""Parquet files, read through DuckDB in pieces; DuckDB loads nothing from elsewhere."""

from __future__ import annotations

import glob
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from netfhir.errors import FormatError
from netfhir.sources.numerals import plain
from netfhir.sources.row import Record, Row, Rows, Table, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PIECE = 2_000
_AS_TEXT = ("VARCHAR", "ENUM", "UUID", "BOOLEAN", "DATE", "TIME", "DECIMAL", "HUGEINT", "UHUGEINT")
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": "256MB",
    "threads": 1,
}
_SOURCE = "read_parquet(?, hive_partitioning = false)"
_DESCRIBE = f"DESCRIBE SELECT * FROM {_SOURCE}"  # noqa: S608 - a constant


def parquet_table(path: Path) -> Table:
    """Return the table of a Parquet file; its rows are numbered from 1 in file order.

    Numbers become text by the 15-digit form, times ISO 8601, truth values `true` and `false`,
    NULL and NaN "". Raises FormatError for nested, binary and other columns that are no cells.
    """
    with _connected(path) as connection:
        described = connection.execute(_DESCRIBE, [_literal(path)])
        types = {str(name): str(kind) for name, kind, *_ in described.fetchall()}
    columns = columns_of(types, path.name)
    wanted = ", ".join(_expression(name, types[name], path.name) for name in columns)
    query = f"SELECT {wanted} FROM {_SOURCE}"  # noqa: S608 - quoted names of the file's own columns
    doubles = [at for at, name in enumerate(columns) if types[name] in {"DOUBLE", "FLOAT"}]

    def rows() -> Iterator[Record]:
        with _connected(path) as connection:
            result = connection.execute(query, [_literal(path)])
            number = 0
            while piece := result.fetchmany(_PIECE):
                for found in piece:
                    number += 1
                    cells = list(found)
                    for at in doubles:
                        cells[at] = "" if cells[at] is None else plain(cells[at])
                    yield Row(path.name, number, dict(zip(columns, cells, strict=True)))

    return Table(path.name, columns, Rows(rows))


@contextmanager
def _connected(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        with duckdb.connect(":memory:", config=_SETTINGS) as connection:
            yield connection
    except duckdb.Error as error:
        raise FormatError(
            "bad-parquet",
            where=path.name,
            found="a file that DuckDB cannot read as Parquet",
            expected="a whole Parquet file",
            remedy="fetch the file again in full",
        ) from error


def _literal(path: Path) -> str:
    """Return the path so that DuckDB takes it literally: `*`, `?` and `[` are no patterns."""
    return glob.escape(str(path))


def _expression(name: str, kind: str, file: str) -> str:
    """Return the SQL that gives the column as text, or as DOUBLE where Python writes the digits."""
    column = '"' + name.replace('"', '""') + '"'
    base = kind.partition("(")[0]
    if base == "DOUBLE":
        return column
    if base == "FLOAT":  # its own shortest text first, else 0.1 reads 0.100000001490116
        return f"CAST(CAST({column} AS VARCHAR) AS DOUBLE)"
    if base.startswith("TIMESTAMP"):
        zoned = base == "TIMESTAMP WITH TIME ZONE"
        moment = f"timezone('UTC', {column})" if zoned else column
        ending = " || 'Z'" if zoned else ""
        return f"coalesce(replace(CAST({moment} AS VARCHAR), ' ', 'T'){ending}, '')"
    if base in _AS_TEXT or base.removeprefix("U") in _INTEGERS:
        return f"coalesce(CAST({column} AS VARCHAR), '')"
    raise FormatError(
        "unsupported-column",
        where=f"{file}:1:{name}",
        found=f"a column of type {kind}",
        expected="text, numbers, truth values, dates or times",
        remedy="export the file without this column, or as text",
    )
