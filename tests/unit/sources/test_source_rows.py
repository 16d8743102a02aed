"""Rows and tables: places, required columns, stated numbers of rows."""

from __future__ import annotations

import pytest

from netfhir.errors import FormatError, RecordError
from netfhir.sources.row import Row, Table, columns_of, expect_rows, ragged, require

_TABLE = Table("lb.csv", ("USUBJID",), [Row("lb.csv", 2, {"USUBJID": "S1"})])


def test_a_row_names_its_place() -> None:
    """A place is file:row, or file:row:column."""
    row = Row("lb.xpt", 12, {})
    assert (row.where(), row.where("LBORRES")) == ("lb.xpt:12", "lb.xpt:12:LBORRES")


def test_a_missing_column_is_named() -> None:
    """A column that the declaration needs is named, with the file and what to do."""
    with pytest.raises(FormatError) as caught:
        require(_TABLE, ["USUBJID", "LBORRES"])
    assert (caught.value.code, caught.value.where) == ("missing-column", "lb.csv:1:LBORRES")
    assert "`LBORRES`" in caught.value.expected
    assert caught.value.remedy


def test_columns_that_are_there_pass() -> None:
    """Nothing is raised where nothing is missing."""
    require(_TABLE, ["USUBJID"])


@pytest.mark.parametrize("stated", [0, 2])
def test_another_number_of_rows_than_stated(stated: int) -> None:
    """Too few and too many rows are both refused, after the last one."""
    rows = iter(expect_rows(_TABLE, stated).rows)
    assert isinstance(next(rows), Row)
    with pytest.raises(FormatError, match="row-count") as caught:
        next(rows)
    assert (caught.value.found, caught.value.expected[:6]) == ("1 rows", f"{stated} rows")


def test_rejected_records_count_as_rows() -> None:
    """A record that is an error was in the file, too, and an equal number passes."""
    table = Table("lb.csv", ("A",), [ragged("lb.csv", 2, found=2, expected=1)])
    assert isinstance(next(iter(expect_rows(table, 1).rows)), RecordError)


@pytest.mark.parametrize(
    ("names", "code"), [(["A", "B", "A"], "duplicate-column"), (["A", " "], "unnamed-column")]
)
def test_columns_have_one_name_each(names: list[str], code: str) -> None:
    """A name that is blank or given twice makes cells that cannot be told apart."""
    with pytest.raises(FormatError) as caught:
        columns_of(names, "lb.csv")
    assert caught.value.code == code
