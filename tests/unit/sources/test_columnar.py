"""Parquet through DuckDB: cells as text, one form whatever the column's type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from netfhir.errors import FormatError
from netfhir.sources.columnar import parquet_table
from netfhir.sources.row import Row

if TYPE_CHECKING:
    from pathlib import Path


def _saved(folder: Path, query: str, name: str = "lb.parquet") -> Path:
    path = folder / name
    quoted = str(path).replace("'", "''")
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"COPY ({query}) TO '{quoted}' (FORMAT parquet)")
    return path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("84.0::DOUBLE", "84"),
        ("39.5::DOUBLE", "39.5"),
        ("0.1::FLOAT", "0.1"),
        ("1e20::DOUBLE", "100000000000000000000"),
        ("'nan'::DOUBLE", ""),
        ("NULL::DOUBLE", ""),
        ("NULL::VARCHAR", ""),
        ("7.40::DECIMAL(5,2)", "7.40"),
        ("42::BIGINT", "42"),
        ("42::UTINYINT", "42"),
        ("' a '", " a "),
        ("TRUE", "true"),
        ("DATE '2024-02-29'", "2024-02-29"),
        ("TIMESTAMP '2024-02-29 10:11:12'", "2024-02-29T10:11:12"),
        ("TIMESTAMP '2024-02-29 10:11:12.5'", "2024-02-29T10:11:12.5"),
        ("TIMESTAMPTZ '2024-02-29 10:11:12+02'", "2024-02-29T08:11:12Z"),
        ("TIME '10:11:12'", "10:11:12"),
    ],
)
def test_cells_are_text(tmp_path: Path, value: str, text: str) -> None:
    """Each type has one spelling; missing is a blank."""
    table = parquet_table(_saved(tmp_path, f"SELECT {value} AS V"))
    assert list(table.rows) == [Row("lb.parquet", 1, {"V": text})]


def test_rows_keep_their_order_and_number(tmp_path: Path) -> None:
    """Rows come in file order and are numbered from 1, over several pieces."""
    table = parquet_table(_saved(tmp_path, "SELECT i FROM range(4100) AS r(i)"))
    found = [(row.number, row.cells["i"]) for row in table.rows if isinstance(row, Row)]
    assert found == [(number + 1, str(number)) for number in range(4100)]


def test_a_path_is_no_pattern(tmp_path: Path) -> None:
    """`*` and `key=value` in the name of a folder have no meaning."""
    for name in ("a*", "ab"):
        folder = tmp_path / name / "site=7"
        folder.mkdir(parents=True)
        _saved(folder, "SELECT 'x' AS A")
    table = parquet_table(tmp_path / "a*" / "site=7" / "lb.parquet")
    assert (table.columns, len(list(table.rows))) == (("A",), 1)


def test_strange_column_names(tmp_path: Path) -> None:
    """A quote in a column's name is a quote."""
    table = parquet_table(_saved(tmp_path, 'SELECT 1 AS "a""b c"'))
    assert list(table.rows) == [Row("lb.parquet", 1, {'a"b c': "1"})]


@pytest.mark.parametrize("value", ["[1, 2]", "{'a': 1}", "'x'::BLOB", "INTERVAL 1 DAY"])
def test_what_is_no_cell_is_refused(tmp_path: Path, value: str) -> None:
    """Nested and binary columns are refused by name."""
    with pytest.raises(FormatError) as caught:
        parquet_table(_saved(tmp_path, f"SELECT {value} AS V"))
    assert (caught.value.code, caught.value.where) == ("unsupported-column", "lb.parquet:1:V")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    """A Parquet file that ends early, or is something else, is refused."""
    path = _saved(tmp_path, "SELECT i FROM range(5000) AS r(i)")
    octets = path.read_bytes()
    path.write_bytes(octets[: int(len(octets) * share)])
    with pytest.raises(FormatError, match="bad-parquet"):
        parquet_table(path)
