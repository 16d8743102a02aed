"""XPORT: what is whole is read cell by cell, what is cut or something else is refused."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netfhir.errors import FormatError
from netfhir.sources.row import Row
from netfhir.sources.xport import xport_table
from netfhir.sources.xport_layout import layout

if TYPE_CHECKING:
    from pathlib import Path

    from unit.sources.conftest import XportWriter

_WIDTHS = {"USUBJID": 10, "VSSEQ": 0, "VSORRES": 30}
_ROWS: list[list[str | float]] = [
    [f"S{number:03}", float(number), f"text {number}"] for number in range(1, 41)
]
_ROW_LENGTH = 48


def _saved(folder: Path, octets: bytes, name: str = "vs.xpt") -> Path:
    path = folder / name
    path.write_bytes(octets)
    return path


def _cells(path: Path, **options: int) -> list[list[str]]:
    return [
        list(row.cells.values())
        for row in xport_table(path, **options).rows
        if isinstance(row, Row)
    ]


def _code(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        list(xport_table(path).rows)
    return caught.value.code


def _layout_code(octets: bytes) -> str:
    try:
        layout(io.BytesIO(octets), "vs.xpt")
    except FormatError as error:
        return error.code
    return ""


def test_rows_carry_file_and_record_number(tmp_path: Path, xport: XportWriter) -> None:
    """A row is found again by its file and its number, from 1."""
    table = xport_table(_saved(tmp_path, xport(_WIDTHS, _ROWS)))
    last = list(table.rows)[-1]
    assert table.columns == ("USUBJID", "VSSEQ", "VSORRES")
    assert isinstance(last, Row)
    assert last.where("VSSEQ") == "vs.xpt:40:VSSEQ"
    assert last.cells == {"USUBJID": "S040", "VSSEQ": "40", "VSORRES": "text 40"}


def test_pieces_join_without_gap(tmp_path: Path, xport: XportWriter) -> None:
    """Reading in pieces gives the rows that reading at once gives."""
    path = _saved(tmp_path, xport(_WIDTHS, _ROWS))
    assert _cells(path, piece=7) == _cells(path) == _cells(path, piece=40)
    assert len(_cells(path)) == 40


def test_a_table_can_be_read_again(tmp_path: Path, xport: XportWriter) -> None:
    """Each iteration starts at the first row."""
    table = xport_table(_saved(tmp_path, xport(_WIDTHS, _ROWS)))
    assert list(table.rows) == list(table.rows)


@pytest.mark.parametrize(
    ("number", "text"),
    [(84.0, "84"), (39.5, "39.5"), (-0.1, "-0.1"), (0.0, "0"), (1e20, "100000000000000000000")],
)
def test_ibm_floats_are_plain_digits(
    tmp_path: Path, xport: XportWriter, number: float, text: str
) -> None:
    """A number is written by its shortest 15-digit form, without exponent."""
    assert _cells(_saved(tmp_path, xport({"N": 0}, [[number]]))) == [[text]]


@pytest.mark.parametrize("missing", [".", "A", "Z", "_"])
def test_missing_numbers_are_blank(tmp_path: Path, xport: XportWriter, missing: str) -> None:
    """Each of SAS's missing values is a blank cell."""
    path = _saved(tmp_path, xport({"ID": 4, "N": 0}, [["a", missing], ["b", 1.0]]))
    assert _cells(path) == [["a", ""], ["b", "1"]]


def test_text_keeps_leading_blanks_only(tmp_path: Path, xport: XportWriter) -> None:
    """The blanks that pad a text are no part of it; those before it are."""
    assert _cells(_saved(tmp_path, xport({"A": 8}, [[" a b"]]))) == [[" a b"]]


def test_gzipped_file(tmp_path: Path, xport: XportWriter) -> None:
    """`.xpt.gz` gives the same cells, under its own name."""
    octets = xport(_WIDTHS, _ROWS)
    packed = _saved(tmp_path, gzip.compress(octets), "vs.xpt.gz")
    assert _cells(packed) == _cells(_saved(tmp_path, octets))
    assert xport_table(packed).file == "vs.xpt.gz"


def test_cut_gzip_is_refused(tmp_path: Path, xport: XportWriter) -> None:
    """Compressed data that ends early is no file."""
    path = _saved(tmp_path, gzip.compress(xport(_WIDTHS, _ROWS))[:-9], "vs.xpt.gz")
    assert _code(path) == "damaged-gzip"


def test_no_rows(tmp_path: Path, xport: XportWriter) -> None:
    """A data set without rows is a data set."""
    assert _cells(_saved(tmp_path, xport(_WIDTHS, []))) == []


def test_every_cut_is_refused_save_between_row_and_record(xport: XportWriter) -> None:
    """A cut is seen wherever it is, save where a row and a record of 80 bytes end together."""
    octets = xport(_WIDTHS, _ROWS)
    data = octets.index(b"HEADER RECORD*******OBS") + 80
    codes = [_layout_code(octets[:at]) for at in range(1, len(octets))]
    accepted = [at - data for at, code in enumerate(codes, 1) if not code]
    assert accepted == [0, 240, 480, 720, 960, 1200, 1440, 1680]
    assert all(at % 80 == 0 and at % _ROW_LENGTH == 0 for at in accepted)
    assert set(codes) == {"", "truncated"}


@settings(deadline=None)
@given(width=st.integers(1, 200), count=st.integers(1, 30), share=st.floats(0, 1, exclude_max=True))
def test_cuts_at_any_row_length(xport: XportWriter, width: int, count: int, share: float) -> None:
    """Whole files of any row length have their rows; cut in the data they are refused."""
    octets = xport({"A": width}, [["x" * width]] * count)
    data = octets.index(b"HEADER RECORD*******OBS") + 80
    assert layout(io.BytesIO(octets), "dm.xpt").row_count == count
    at = data + int((len(octets) - data) * share)
    if (at - data) % 80 or (at - data) % width:
        with pytest.raises(FormatError, match="truncated"):
            layout(io.BytesIO(octets[:at]), "dm.xpt")


def test_a_cut_says_what_is_left_over(tmp_path: Path, xport: XportWriter) -> None:
    """The refusal names the file, the bytes beyond the last whole row, and the remedy."""
    octets = xport(_WIDTHS, _ROWS)
    with pytest.raises(FormatError) as caught:
        xport_table(_saved(tmp_path, octets[:-80]))
    assert caught.value.where == "vs.xpt"
    assert caught.value.found == "16 bytes after the last whole row"
    assert "fetch the file again" in caught.value.remedy


def test_version_8_is_named(tmp_path: Path) -> None:
    """A version 8 file is told apart from something else."""
    octets = b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!".ljust(80)
    assert _code(_saved(tmp_path, octets)) == "xport-version"


@pytest.mark.parametrize("octets", [b"", b"USUBJID,VSSEQ\n", b"PK\x03\x04" + bytes(200)])
def test_something_else_is_no_xport(tmp_path: Path, octets: bytes) -> None:
    """What does not begin as XPORT does is refused as such."""
    assert _code(_saved(tmp_path, octets)) == "not-xport"


def test_two_members_are_refused(tmp_path: Path, xport: XportWriter) -> None:
    """A file with two data sets is not read as one."""
    octets = xport(_WIDTHS, _ROWS)
    second = octets[octets.index(b"HEADER RECORD*******MEMBER") :]
    assert _code(_saved(tmp_path, octets + second)) == "several-members"


@pytest.mark.parametrize(
    ("at", "octets"),
    [(0, b"\0\3"), (4, b"\0\0"), (84, b"\0\0\0\2")],
    ids=["type", "length", "position"],
)
def test_variables_must_fit_together(
    tmp_path: Path, xport: XportWriter, at: int, octets: bytes
) -> None:
    """Types, lengths and positions that contradict each other are damage."""
    given = bytearray(xport(_WIDTHS, _ROWS))
    start = given.index(b"HEADER RECORD*******NAMESTR") + 80 + at
    given[start : start + len(octets)] = octets
    assert _code(_saved(tmp_path, bytes(given))) == "damaged-header"


@pytest.mark.parametrize("name", [b"MEMBER", b"DSCRPTR", b"NAMESTR", b"OBS"])
def test_headers_must_be_in_their_place(tmp_path: Path, xport: XportWriter, name: bytes) -> None:
    """A file without one of its headers is damaged."""
    octets = xport(_WIDTHS, _ROWS).replace(b"*******" + name, b"*******" + b"X" * len(name))
    assert _code(_saved(tmp_path, octets)) == "damaged-header"


def test_other_encodings_are_not_guessed(tmp_path: Path, xport: XportWriter) -> None:
    """Text that is no UTF-8 is refused without a trace of the text."""
    octets = xport(_WIDTHS, _ROWS).replace(b"text 7 ", b"\xb5mol/L ")
    with pytest.raises(FormatError) as caught:
        list(xport_table(_saved(tmp_path, octets)).rows)
    assert caught.value.code == "not-utf8"
    assert "mol" not in str(caught.value)


def test_utf8_is_read(tmp_path: Path, xport: XportWriter) -> None:
    """A micro sign in UTF-8 stays one."""
    assert _cells(_saved(tmp_path, xport({"U": 12}, [["µmol/L"]]))) == [["µmol/L"]]


def test_blank_rows_at_the_end_are_not_lost_unseen(tmp_path: Path, xport: XportWriter) -> None:
    """Rows that pyreadstat leaves out are missed, not dropped."""
    path = _saved(tmp_path, xport({"A": 100}, [["x"], [""]]))
    assert _code(path) == "row-count"


def test_padding_is_shorter_than_a_record(xport: XportWriter) -> None:
    """80 blanks at the end are a blank row, not padding."""
    octets = xport({"A": 80}, [["x"], [""]])
    assert layout(io.BytesIO(octets), "dm.xpt").row_count == 2
