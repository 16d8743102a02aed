"""Dataset-JSON: digits kept, documents checked to their end, bad rows apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import FormatError, RecordError
from netfhir.sources.dataset_json import dataset_json_table, dataset_ndjson_table
from netfhir.sources.row import Row

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS = [
    {"itemOID": f"IT.{name}", "name": name, "label": name, "dataType": kind}
    for name, kind in (("USUBJID", "string"), ("LBSTRESN", "double"))
]


def _document(**changes: Any) -> dict[str, Any]:
    given = {
        "datasetJSONVersion": "1.1.0",
        "records": 2,
        "columns": _COLUMNS,
        "rows": [["S1", 84], ["S2", None]],
    }
    return given | changes


def _saved(folder: Path, text: str, name: str = "lb.json") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _lines(document: dict[str, Any]) -> str:
    rows = document.pop("rows")
    return "".join(json.dumps(line) + "\n" for line in (document, *rows))


def _error(path: Path) -> FormatError:
    read = dataset_ndjson_table if path.suffix == ".ndjson" else dataset_json_table
    with pytest.raises(FormatError) as caught:
        list(read(path).rows)
    return caught.value


def test_document_and_lines_give_equal_cells(tmp_path: Path) -> None:
    """The two spellings of a data set differ in nothing but the file's name."""
    one = dataset_json_table(_saved(tmp_path, json.dumps(_document())))
    other = dataset_ndjson_table(_saved(tmp_path, _lines(_document()), "lb.ndjson"))
    assert one.columns == other.columns == ("USUBJID", "LBSTRESN")
    assert list(one.rows) == [
        Row("lb.json", 1, {"USUBJID": "S1", "LBSTRESN": "84"}),
        Row("lb.json", 2, {"USUBJID": "S2", "LBSTRESN": ""}),
    ]
    assert [row.cells for row in other.rows if isinstance(row, Row)] == [
        row.cells for row in one.rows if isinstance(row, Row)
    ]


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ("84.0", "84"),
        ("39.50", "39.5"),
        ("0.30000000000000004", "0.3"),
        ("1e3", "1000"),
        ("12345678901234567", "12345678901234567"),
        ('"7.40"', "7.40"),
        ("true", "true"),
        ("false", "false"),
        ("null", ""),
    ],
)
def test_cells_are_text(tmp_path: Path, literal: str, text: str) -> None:
    """Numbers take the 15-digit form, decimals given as text stay as they are."""
    document = json.dumps(_document(records=1, rows=[["S1", "@"]])).replace('"@"', literal)
    (row,) = dataset_json_table(_saved(tmp_path, document)).rows
    assert isinstance(row, Row)
    assert row.cells["LBSTRESN"] == text


def test_rows_may_stand_before_columns(tmp_path: Path) -> None:
    """The order of keys in an object has no meaning."""
    given = _document()
    text = json.dumps({"rows": given.pop("rows"), **given}, indent=1)
    assert len(list(dataset_json_table(_saved(tmp_path, text)).rows)) == 2


@pytest.mark.parametrize(
    ("row", "where"),
    [(["S1"], "lb.json:1"), ("S1", "lb.json:1"), (["S1", [1]], "lb.json:1:LBSTRESN")],
)
def test_a_bad_row_does_not_stop_the_others(tmp_path: Path, row: Any, where: str) -> None:
    """A row that is ragged or holds no cells travels as an error."""
    text = json.dumps(_document(rows=[row, ["S2", 1]]))
    bad, good = dataset_json_table(_saved(tmp_path, text)).rows
    assert isinstance(bad, RecordError)
    assert bad.where == where
    assert isinstance(good, Row)
    assert good.number == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"datasetJSONVersion": "1.0.0"}, "not-dataset-json"),
        ({"datasetJSONVersion": None}, "not-dataset-json"),
        ({"records": None}, "not-dataset-json"),
        ({"records": 3}, "row-count"),
        ({"columns": []}, "not-dataset-json"),
        ({"columns": ["USUBJID", "LBSTRESN"]}, "not-dataset-json"),
        ({"columns": [_COLUMNS[0], _COLUMNS[0]]}, "duplicate-column"),
        ({"columns": [_COLUMNS[0], _COLUMNS[1] | {"dataType": "number"}]}, "not-dataset-json"),
    ],
)
@pytest.mark.parametrize("name", ["lb.json", "lb.ndjson"])
def test_metadata_that_does_not_hold(
    tmp_path: Path, changes: dict[str, Any], code: str, name: str
) -> None:
    """Version, records and columns are checked in both spellings."""
    document = _document(**changes)
    text = json.dumps(document) if name == "lb.json" else _lines(document)
    assert _error(_saved(tmp_path, text, name)).code == code


def test_a_column_of_version_1_0_is_explained(tmp_path: Path) -> None:
    """ITEMGROUPDATASEQ gives away a file of version 1.0 that calls itself 1.1."""
    old = {"itemOID": "ITEMGROUPDATASEQ", "name": "ITEMGROUPDATASEQ", "label": "Record"}
    error = _error(_saved(tmp_path, json.dumps(_document(columns=[old, *_COLUMNS]))))
    assert error.where == "lb.json:columns:ITEMGROUPDATASEQ"
    assert "version 1.0" in error.remedy


def test_every_cut_of_a_document_is_refused(tmp_path: Path) -> None:
    """A document that ends early is no document, wherever it is cut."""
    text = json.dumps(_document())
    for at in range(len(text)):
        error = _error(_saved(tmp_path, text[:at]))
        assert error.code == "bad-json", at
        assert "S1" not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        '{"records": 1, "records": 1}',
        "[]",
        '{"rows": [[NaN]]}',
        '{"rows": [[1e999]]}',
        json.dumps(_document()) + " {}",
    ],
    ids=["a key twice", "no object", "no number", "too large", "more than one"],
)
def test_what_is_no_json_document(tmp_path: Path, text: str) -> None:
    """Repeated keys, NaN and a second value are refused."""
    assert _error(_saved(tmp_path, text)).code == "bad-json"


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    """A document made to exhaust the stack is an unusable file, not a crash."""
    assert _error(_saved(tmp_path, '{"rows": [' + "[" * 200_000)).code == "bad-json"


def test_lines_that_end_early(tmp_path: Path) -> None:
    """NDJSON that lacks its last row is found by the number of records."""
    text = _lines(_document())
    assert _error(_saved(tmp_path, text[: text.rindex("[")], "lb.ndjson")).code == "row-count"


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    """A line that is no JSON is named by its number."""
    error = _error(_saved(tmp_path, _lines(_document())[:-3], "lb.ndjson"))
    assert (error.code, error.where) == ("bad-json", "lb.ndjson:3")


@pytest.mark.parametrize("name", ["lb.json", "lb.ndjson"])
def test_not_utf8(tmp_path: Path, name: str) -> None:
    """Bytes in another encoding are refused with their line."""
    path = tmp_path / name
    path.write_bytes(b'{"label":\n"\xb5mol"}' if name == "lb.json" else b'{"label": "\xb5mol"}\n')
    error = _error(path)
    assert (error.code, error.where.partition(":")[0]) == ("not-utf8", name)
