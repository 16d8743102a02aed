"""CSV: places as an editor shows them, bad records apart, bad files refused."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import FormatError, RecordError
from netfhir.sources.delimited import csv_table
from netfhir.sources.row import Row

if TYPE_CHECKING:
    from pathlib import Path


def _saved(folder: Path, octets: bytes, name: str = "dm.csv") -> Path:
    path = folder / name
    path.write_bytes(octets)
    return path


def _error(path: Path, delimiter: str = ",") -> FormatError:
    with pytest.raises(FormatError) as caught:
        list(csv_table(path, delimiter=delimiter).rows)
    return caught.value


def test_row_number_is_the_line_on_which_the_record_starts(tmp_path: Path) -> None:
    """Line breaks inside quotes and blank lines count, as in an editor."""
    path = _saved(tmp_path, b'A,B\n1,"x\ny\nz"\n\n2,w\n')
    rows = [row for row in csv_table(path).rows if isinstance(row, Row)]
    assert [(row.number, row.cells["B"]) for row in rows] == [(2, "x\ny\nz"), (6, "w")]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_byte_order_mark_is_no_part_of_a_name(tmp_path: Path, mark: bytes) -> None:
    """A file from a spreadsheet has the columns of one without the mark."""
    assert csv_table(_saved(tmp_path, mark + b"A,B\r\n1,2\r\n")).columns == ("A", "B")


def test_a_ragged_record_does_not_stop_the_others(tmp_path: Path) -> None:
    """It travels as an error with its line; the rows around it are read."""
    first, bad, last = csv_table(_saved(tmp_path, b"A,B\n1,2\n3\n4,5\n")).rows
    assert isinstance(first, Row)
    assert isinstance(bad, RecordError)
    assert (bad.code, bad.where, bad.found) == ("ragged-row", "dm.csv:3", "1 cells")
    assert isinstance(last, Row)
    assert last.number == 4


def test_gzipped(tmp_path: Path) -> None:
    """`.csv.gz` is read through gzip."""
    table = csv_table(_saved(tmp_path, gzip.compress(b"A\n1\n"), "dm.csv.gz"))
    assert list(table.rows) == [Row("dm.csv.gz", 2, {"A": "1"})]


@pytest.mark.parametrize(
    ("octets", "code", "where"),
    [
        (b"A\nx\n\xb5mol\n", "not-utf8", "dm.csv:3"),
        (b"A\nx\0y\n", "nul-byte", "dm.csv:2"),
        (b'A,B\n1,"x\n2,y\n', "bad-csv", "dm.csv:2"),
        (b'A,B\n1,"x"y\n', "bad-csv", "dm.csv:2"),
        (b"", "no-header", "dm.csv:1"),
        (b"A,B,A\n", "duplicate-column", "dm.csv:1"),
        (b"A,,B\n", "unnamed-column", "dm.csv:1"),
        (b"A;B\n1;2\n", "other-delimiter", "dm.csv:1"),
        (b"A\tB\n1\t2\n", "other-delimiter", "dm.csv:1"),
    ],
)
def test_unusable_files(tmp_path: Path, octets: bytes, code: str, where: str) -> None:
    """What makes a whole file unusable is named with its line and a remedy."""
    error = _error(_saved(tmp_path, octets))
    assert (error.code, error.where) == (code, where)
    assert error.remedy


def test_a_named_delimiter_is_used(tmp_path: Path) -> None:
    """A delimiter is declared, never guessed."""
    rows = list(csv_table(_saved(tmp_path, b"A;B\n1,5;2\n"), delimiter=";").rows)
    assert rows == [Row("dm.csv", 2, {"A": "1,5", "B": "2"})]


def test_a_file_without_header_gives_no_value_away(tmp_path: Path) -> None:
    """Where the first line holds values, no error repeats them."""
    assert "MARKED" not in str(_error(_saved(tmp_path, b"MARKED,MARKED\n")))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A path that leads to a folder is an error of the source, not a crash."""
    assert _error(tmp_path).code == "unreadable-file"


def test_no_file(tmp_path: Path) -> None:
    """A path that leads nowhere is an error of the source."""
    assert _error(tmp_path / "dm.csv").code == "missing-file"
