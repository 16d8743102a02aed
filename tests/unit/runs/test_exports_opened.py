"""A declared export, opened: its columns are checked before any row is read."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import FormatError, RecordError
from netfhir.runs.exports import opened
from netfhir.sources.row import Row
from netfhir.trial.export import Export
from tiny_trial import source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DM = {"entity": "subject", "table": "DM", "subject": "ID", "site": "SITE", "states": [{}]}
DM |= {"states": [{"table": "DS", "subject": "ID", "state": "DECOD"}]}
CONSTANT = {"constant": "final", "reason": "locked"}
RECORD = {
    "entity": "subject",
    "subject": "record_id",
    "site": "site",
    "states": [{"state": {"constant": "screening", "reason": "all are"}, "since": "consented"}],
}
LAB = {
    "entity": "measurement",
    "form": "lab",
    "subject": "record_id",
    "item_table": "lab",
    "measured": "day",
    "status": CONSTANT,
    "status_without_value": CONSTANT,
    "items": [{"item": "hb", "column": "hb"}],
}
HEADER = [
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    '"Choices',
    " Calculations",
    ' OR Slider Labels"',
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
]
FIELDS = {"record_id": "", "site": "", "consented": "date_ymd", "day": "date_ymd", "hb": "integer"}
COLUMNS = ["record_id", "redcap_repeat_instrument", "redcap_repeat_instance", "site", "consented"]
COLUMNS += ["visit_complete", "day", "hb", "lab_complete"]


def sdtm(**more: Any) -> Export:
    """Return a declared SDTM export of subjects."""
    return Export(format="sdtm", title="t", entities=(source(**DM),), **more)


def redcap() -> Export:
    """Return a declared REDCap export of subjects and one laboratory form."""
    return Export(
        format="redcap",
        title="t",
        missing={"UNK": "absent-unknown"},
        entities=(source(**RECORD), source(**LAB)),
    )


def written(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def domains(tmp_path: Path) -> Path:
    """Return a folder with DM of two rows and DS of one."""
    written(tmp_path / "dm.csv", [["ID", "SITE"], ["S1", "01"], ["S2", "01"]])
    written(tmp_path / "ds.csv", [["ID", "DECOD"], ["S1", "IC"]])
    return tmp_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a REDCap export beside its dictionary: one plain row, two of the laboratory."""
    head = ",".join(HEADER).replace('"Choices, Calculations, OR Slider Labels"', "CHOICES")
    columns = [
        name.replace("CHOICES", "Choices, Calculations, OR Slider Labels")
        for name in (head.split(","))
    ]
    lines = [
        [name, "visit" if name in COLUMNS[:5] else "lab", "", "text", name, "", "", kind]
        + [""] * 10
        for name, kind in FIELDS.items()
    ]
    written(tmp_path / "dictionary.csv", [columns, *lines])
    rows = [
        ["S1", "", "", "01", "2024-01-01", "2", "", "", ""],
        ["S1", "lab", "1", "", "", "", "2024-02-01", "137", "2"],
        ["S1", "lab", "2", "", "", "", "2024-03-01", "", "0"],
    ]
    return written(tmp_path / "data.csv", [COLUMNS, *rows])


def numbers(records: Any) -> list[int]:
    """Return the line numbers of rows, 0 for a rejection."""
    return [record.number if isinstance(record, Row) else 0 for record in records]


def test_each_row_of_a_domain_may_be_a_fact(domains: Path) -> None:
    """SDTM: the source's domain, and another one by name."""
    export = sdtm()
    tables = opened(export, domains, None, None)
    assert len(list(tables.rows(export.entities[0]))) == 2
    assert len(list(tables.table("DS"))) == 1


def test_a_missing_column_stops_before_any_row(domains: Path) -> None:
    """File and column are named, also of another table that tells the states."""
    written(domains / "ds.csv", [["ID", "TERM"], ["S1", "IC"]])
    with pytest.raises(FormatError) as caught:
        opened(sdtm(), domains, None, None)
    assert (caught.value.code, caught.value.where) == ("missing-column", "ds.csv:1:DECOD")


def test_a_stated_number_of_rows_is_checked(domains: Path) -> None:
    """What the sender states and the file does not hold stops the run."""
    export = sdtm(rows={"DM": 3})
    with pytest.raises(FormatError, match="row-count"):
        list(opened(export, domains, None, None).rows(export.entities[0]))


def test_sdtm_expects_nothing_of_a_cell(domains: Path) -> None:
    """SDTM has no dictionary of its own."""
    assert opened(sdtm(), domains, None, None).check("DECOD", "anything") == ""


def test_a_form_holds_facts_where_a_field_is_filled(project: Path) -> None:
    """Rows of other instruments, and rows whose fields are blank, hold none."""
    export = redcap()
    tables = opened(export, project, None, None)
    assert numbers(tables.rows(export.entities[1])) == [3]


def test_a_record_is_gathered_from_every_row(project: Path) -> None:
    """Without a form, all rows are given, each once."""
    export = redcap()
    assert numbers(opened(export, project, None, None).rows(export.entities[0])) == [2, 3, 4]


def test_a_cell_is_checked_by_its_dictionary(project: Path) -> None:
    """The field's validation says what it expects; a missing-data code always fits."""
    tables = opened(redcap(), project, None, None)
    assert tables.check("hb", "137") == ""
    assert tables.check("hb", "UNK") == ""
    assert tables.check("hb", "abc") != ""


def test_a_value_on_a_wrong_row_is_told_once(project: Path) -> None:
    """A laboratory row with a site is a rejection when all rows are read, and only then."""
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace("S1,lab,1,,", "S1,lab,1,01,"), encoding="utf-8")
    export = redcap()
    tables = opened(export, project, None, None)
    told = [
        record.code
        for entity in export.entities
        for record in tables.rows(entity)
        if isinstance(record, RecordError)
    ]
    assert told == ["misplaced-value"]


def test_a_missing_dictionary_is_named(project: Path) -> None:
    """The dictionary lies beside the export, or where it is said to lie."""
    (project.parent / "dictionary.csv").rename(project.parent / "other.csv")
    with pytest.raises(FormatError) as caught:
        opened(redcap(), project, None, None)
    assert (caught.value.code, caught.value.where) == ("missing-file", "dictionary.csv")
    assert opened(redcap(), project, None, project.parent / "other.csv").check("hb", "1") == ""
