"""REDCap exports: rows find their place, headers agree with the dictionary or stop the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import FormatError, RecordError
from netfhir.sources.redcap import RedcapExport, RedcapRecord, open_export

if TYPE_CHECKING:
    from pathlib import Path

_DICTIONARY = (
    "field_name,form_name,field_type,select_choices_or_calculations,"
    "text_validation_type_or_show_slider_number,text_validation_min\n"
    "record_id,enrolment,text,,,\n"
    'sites,enrolment,checkbox,"1, Liver | -2, Bone",,\n'
    "weight,vitals,text,,number,30\n"
    "height,vitals,text,,number_comma_decimal,\n"
    "hb,laboratory,text,,number,\n"
)
_HEADER = (
    "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,"
    "redcap_data_access_group,enrolment_timestamp,sites___1,sites____2,enrolment_complete,"
    "weight,height,vitals_complete,hb,laboratory_complete\n"
)
_ROWS = (
    '001,base_arm_1,,,lund,2024-01-01 10:00:00,1,0,2,80.5,"181,5",2,,\n'
    "001,base_arm_1,laboratory,1,lund,,0,0,,,,,7.40,2\n"
    "001,cycle_arm_1,,2,lund,,0,0,,NASK,,2,,\n"
)


def _export(folder: Path, rows: str = _ROWS, header: str = _HEADER, **options: Any) -> RedcapExport:
    (folder / "data.csv").write_text(header + rows, encoding="utf-8")
    (folder / "dictionary.csv").write_text(_DICTIONARY, encoding="utf-8")
    options.setdefault("missing", {"NASK": "not-asked"})
    return open_export(folder / "data.csv", folder / "dictionary.csv", **options)


def _good(export: RedcapExport) -> list[RedcapRecord]:
    return [record for record in export.records() if isinstance(record, RedcapRecord)]


def _one_error(export: RedcapExport) -> RecordError:
    (error,) = [record for record in export.records() if isinstance(record, RecordError)]
    return error


def _problems(export: RedcapExport) -> list[tuple[str, str]]:
    return [
        (problem.code, problem.where)
        for record in _good(export)
        for problem in export.problems(record)
    ]


def test_rows_find_their_place(tmp_path: Path) -> None:
    """Record, event, instrument and instance of plain, repeating and repeated-event rows."""
    found = [
        (record.record_id, record.event, record.instrument, record.instance, record.group)
        for record in _good(_export(tmp_path))
    ]
    assert found == [
        ("001", "base_arm_1", "", "", "lund"),
        ("001", "base_arm_1", "laboratory", "1", "lund"),
        ("001", "cycle_arm_1", "", "2", "lund"),
    ]


def test_a_repeating_row_holds_its_form_only(tmp_path: Path) -> None:
    """On another form a blank means not applicable, not unanswered."""
    plain, laboratory, _ = _good(_export(tmp_path))
    assert plain.holds("vitals")
    assert laboratory.holds("laboratory")
    assert not laboratory.holds("vitals")


def test_good_rows_have_no_problems(tmp_path: Path) -> None:
    """Missing-data codes stand in any field; zeros of other forms' checkboxes are nothing."""
    assert _problems(_export(tmp_path)) == []


def test_missing_codes_have_their_reason(tmp_path: Path) -> None:
    """A code is known before its cell is read as anything else."""
    export = _export(tmp_path)
    cell = _good(export)[2].row.cells["weight"]
    assert export.absent(cell) == "not-asked"
    assert export.absent("80.5") is None


def test_an_undeclared_code_is_a_problem(tmp_path: Path) -> None:
    """A code that the project did not declare is text where a number stands."""
    export = _export(tmp_path, missing={})
    assert _problems(export) == [("not-as-the-dictionary-says", "data.csv:4:weight")]
    assert export.check("weight", "NASK") == "a number with a decimal point"
    assert export.check("redcap_event_name", "anything") == ""


def test_decimal_commas_become_points(tmp_path: Path) -> None:
    """The number of a field with a decimal comma is given with a point."""
    assert _good(_export(tmp_path))[0].row.cells["height"] == "181.5"


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("1,e,,,,,2,0,2,,,,,", "sites___1"),
        ("1,e,,,,,1,0,3,,,,,", "enrolment_complete"),
        ("1,e,,,,,,,,abc,,,,", "weight"),
        ("1,e,,,,,,,,,1.2.3,,,", "height"),
    ],
)
def test_values_that_their_field_does_not_allow(tmp_path: Path, cells: str, column: str) -> None:
    """A cell that does not fit is named by file, line and column; its row is read."""
    assert _problems(_export(tmp_path, cells + "\n")) == [
        ("not-as-the-dictionary-says", f"data.csv:2:{column}")
    ]


def test_a_value_on_another_form(tmp_path: Path) -> None:
    """A value in a row that repeats another instrument has no place."""
    export = _export(tmp_path, "1,e,laboratory,1,,,1,0,,81,,,7.4,2\n")
    assert _problems(export) == [
        ("misplaced-value", "data.csv:2:sites___1"),
        ("misplaced-value", "data.csv:2:weight"),
    ]


def test_limits_warn_and_reject_nothing(tmp_path: Path) -> None:
    """A value below its minimum is told and stays; a missing-data code is no such value."""
    rows = "1,e,,,,,,,,29,,,,\n2,e,,,,,,,,-99,,,,\n"
    export = _export(tmp_path, rows, missing={"-99": "unknown"})
    assert _problems(export) == []
    assert [told for record in _good(export) for told in export.warnings(record)] == [
        "data.csv:2:weight: below its minimum 30"
    ]


@pytest.mark.parametrize(
    ("cells", "code", "where"),
    [
        (",e,,,,,,,,,,,,", "unplaced-row", "data.csv:2:record_id"),
        ("1,,,,,,,,,,,,,", "unplaced-row", "data.csv:2:redcap_event_name"),
        ("1,e,Laboratory,1,,,,,,,,,,", "unplaced-row", "data.csv:2:redcap_repeat_instrument"),
        ("1,e,laboratory,,,,,,,,,,,", "unplaced-row", "data.csv:2:redcap_repeat_instance"),
        ("1,e,,first,,,,,,,,,,", "unplaced-row", "data.csv:2:redcap_repeat_instance"),
        ("1,e", "ragged-row", "data.csv:2"),
    ],
)
def test_rows_that_belong_nowhere(tmp_path: Path, cells: str, code: str, where: str) -> None:
    """Such a row is an error of its own, and the next row is read."""
    export = _export(tmp_path, cells + "\n2,e,,,,,,,,,,,,\n")
    error = _one_error(export)
    assert (error.code, error.where) == (code, where)
    assert [record.record_id for record in _good(export)] == ["2"]


def test_a_row_given_twice(tmp_path: Path) -> None:
    """The second row of one record, event, instrument and instance is refused."""
    error = _one_error(_export(tmp_path, _ROWS + _ROWS.splitlines()[1] + "\n"))
    assert (error.code, error.where) == ("duplicate-record", "data.csv:5")
    assert "line 3" in error.found


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        (",hb,", ",", "hb"),
        (",sites____2,", ",", "sites____2"),
        (",hb,", ",hb,mystery,", "mystery"),
        (",hb,", ",Haemoglobin (g/dL),", "Haemoglobin (g/dL)"),
        ("record_id,", "Record ID,", "record_id"),
        ("vitals_complete", "vital_complete", "vital_complete"),
    ],
)
def test_a_header_that_the_dictionary_does_not_match(
    tmp_path: Path, old: str, new: str, column: str
) -> None:
    """A column too many or too few stops the run, named with its remedy."""
    with pytest.raises(FormatError) as caught:
        _export(tmp_path, "", _HEADER.replace(old, new))
    assert caught.value.code == "dictionary-mismatch"
    assert caught.value.where == f"data.csv:1:{column}"
    assert caught.value.remedy


@pytest.mark.parametrize("allowed", ["sites", "sites____2"])
def test_declared_absences_are_allowed(tmp_path: Path, allowed: str) -> None:
    """A field, or one column of it, may be declared absent."""
    header = _HEADER.replace(",sites____2,", ",")
    export = _export(tmp_path, "", header, allowed_absent=[allowed])
    assert "sites____2" not in export.fields


def test_checkbox_columns_in_another_spelling(tmp_path: Path) -> None:
    """Case and dashes of a choice's code may differ between dictionary and export."""
    export = _export(tmp_path, "", _HEADER.replace("sites____2", "sites___-2"))
    assert export.fields["sites___-2"].form == "enrolment"


def test_columns_of_missing_codes(tmp_path: Path) -> None:
    """A checkbox may have a column for a missing-data code, if that is declared."""
    header = _HEADER.replace(",sites____2,", ",sites____2,sites___nask,")
    assert "sites___nask" in _export(tmp_path, "", header).fields
    with pytest.raises(FormatError, match="sites___nask"):
        _export(tmp_path, "", header, missing={})


def test_semicolons_are_named_or_declared(tmp_path: Path) -> None:
    """Another delimiter is refused with its remedy, unless the caller names it."""
    header = _HEADER.replace(",", ";")
    with pytest.raises(FormatError, match="other-delimiter"):
        _export(tmp_path, "", header)
    assert _export(tmp_path, "", header, delimiter=";").table.columns[0] == "record_id"


def test_a_file_without_header_gives_no_value_away(tmp_path: Path) -> None:
    """Where the first line holds values, the refusal repeats none of them."""
    with pytest.raises(FormatError) as caught:
        _export(tmp_path, "", "MARKED,base_arm_1,7.4\n")
    assert "MARKED" not in str(caught.value)


def test_no_error_holds_a_value(tmp_path: Path) -> None:
    """Errors of records name places and expectations only."""
    cell = "MARKED"
    rows = f"1,e,{cell},1,,,,,,,,,,\n2,e,,{cell},,,,,,,,,,\n3,e,,,,,{cell},,,{cell},,,{cell},\n"
    export = _export(tmp_path, rows)
    errors = [record for record in export.records() if isinstance(record, RecordError)]
    errors += [problem for record in _good(export) for problem in export.problems(record)]
    assert len(errors) == 5
    assert not any(cell in str(error) for error in errors)
