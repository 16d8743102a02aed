"""The data dictionary: both header styles, columns derived from fields, contradictions refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netfhir.errors import FormatError
from netfhir.sources.dictionary import read_dictionary

if TYPE_CHECKING:
    from pathlib import Path

_PAGE = (
    '"Variable / Field Name","Form Name","Field Type","Field Label",'
    '"Choices, Calculations, OR Slider Labels","Text Validation Type OR Show Slider Number",'
    '"Text Validation Min","Text Validation Max",Identifier?\n'
)
_API = (
    "field_name,form_name,field_type,field_label,select_choices_or_calculations,"
    "text_validation_type_or_show_slider_number,text_validation_min,text_validation_max,"
    "identifier\n"
)
_ROWS = (
    "record_id,enrolment,text,Record,,,,,\n"
    "initials,enrolment,text,Initials,,,,,y\n"
    'sites,enrolment,checkbox,Sites,"1, Liver | -2, Bone, other | LN, Node",,,,\n'
    "weight,vitals,text,Weight (kg),,number,30,200,\n"
    "note,vitals,descriptive,Read this,,,,,\n"
    "fit,vitals,yesno,Fit?,,,,,\n"
)


def _saved(folder: Path, text: str) -> Path:
    path = folder / "dictionary.csv"
    path.write_text(text, encoding="utf-8")
    return path


def _error(path: Path) -> FormatError:
    with pytest.raises(FormatError) as caught:
        read_dictionary(path)
    return caught.value


@pytest.mark.parametrize("header", [_PAGE, _API])
def test_both_header_styles(tmp_path: Path, header: str) -> None:
    """The web page's headers and the API's give the same fields."""
    dictionary = read_dictionary(_saved(tmp_path, header + _ROWS))
    weight = dictionary.fields["weight"]
    assert dictionary.record_field == "record_id"
    assert dictionary.forms == ("enrolment", "vitals")
    assert (weight.form, weight.validation, weight.minimum) == ("vitals", "number", "30")
    assert [field.name for field in dictionary.fields.values() if field.identifier] == ["initials"]


def test_choices_are_code_and_label(tmp_path: Path) -> None:
    """A label may hold commas; a code may be negative or letters."""
    fields = read_dictionary(_saved(tmp_path, _API + _ROWS)).fields
    assert fields["sites"].choices == {"1": "Liver", "-2": "Bone, other", "LN": "Node"}
    assert set(fields["fit"].choices) == {"0", "1"}


def test_columns_of_an_export(tmp_path: Path) -> None:
    """Checkboxes have a column a choice (and a missing-data code), descriptive texts none."""
    columns = read_dictionary(_saved(tmp_path, _API + _ROWS)).columns(["NASK"])
    assert list(columns) == [
        "record_id",
        "initials",
        "sites___1",
        "sites____2",
        "sites___ln",
        "sites___nask",
        "weight",
        "fit",
    ]
    assert set(columns["sites___ln"].choices) == {"0", "1"}


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("a,b\n1,2\n", "not-a-dictionary", "dictionary.csv:1:field_name"),
        (_API, "bad-dictionary", "dictionary.csv:2"),
        (_API + _ROWS + "weight,vitals,text,,,,,,\n", "bad-dictionary", "dictionary.csv:8:weight"),
        (_API + "a,f,radio,A,,,,,\n", "bad-dictionary", "dictionary.csv:2:a"),
        (_API + "a,,text,A,,,,,\n", "bad-dictionary", "dictionary.csv:2"),
        (_API + "a,f,text\n", "bad-dictionary", "dictionary.csv:2"),
    ],
    ids=["headers", "no fields", "twice", "no choices", "no form", "ragged"],
)
def test_dictionaries_that_cannot_be(tmp_path: Path, text: str, code: str, where: str) -> None:
    """What is no dictionary, or contradicts itself, stops with its place."""
    error = _error(_saved(tmp_path, text))
    assert (error.code, error.where) == (code, where)
