"""One row read as its declaration says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from netfhir.errors import DeclarationError, RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.sources.reading import Number, Reader
from netfhir.sources.row import Row
from netfhir.trial.places import Attribute

READER = Reader(
    values={"arm": {"A": "a", "B": "b"}},
    ignored={"arm": {"FAIL": "no arm"}},
    missing={"UNK": "absent-unknown"},
    check=lambda column, cell: "a day" if column == "day" and cell == "soon" else "",
)
ARM = Attribute(column="arm", values="arm")


def row(**cells: str) -> Row:
    """Return line 7 of a file."""
    return Row("data.csv", 7, cells)


def test_a_cell_is_its_text() -> None:
    """Nothing is stripped or changed."""
    assert READER.text(row(a=" x "), "a") == " x "


def test_no_column_has_no_text() -> None:
    """An attribute that is not declared is blank."""
    assert READER.text(row(), "") == ""


def test_a_missing_data_code_is_no_text() -> None:
    """Its reason is told apart from its absence."""
    assert READER.text(row(a="UNK"), "a") == ""
    assert READER.absent(row(a="UNK"), "a") == "absent-unknown"
    assert READER.absent(row(a=""), "a") is None


def test_a_cell_that_its_field_does_not_allow_is_refused() -> None:
    """The dictionary's word is passed on, the cell's text is not."""
    with pytest.raises(RecordError) as caught:
        READER.text(row(day="soon"), "day")
    error = caught.value
    assert (error.code, error.where) == ("not-as-the-dictionary-says", "data.csv:7:day")
    assert error.expected == "a day"
    assert "soon" not in str(error)


@pytest.mark.parametrize("cell", ["", "UNK"])
def test_a_required_cell_is_never_assumed(cell: str) -> None:
    """A blank or missing one is refused with its place."""
    with pytest.raises(RecordError) as caught:
        READER.required(row(a=cell), "a")
    assert (caught.value.code, caught.value.where) == ("missing-value", "data.csv:7:a")


def test_a_date_is_read() -> None:
    """A blank is none, a date keeps its precision."""
    assert READER.when(row(a="2024-08"), "a") == LocalTime("2024-08")
    assert READER.when(row(a=""), "a") is None


def test_a_bad_date_is_refused_without_its_text() -> None:
    """The cell may hold anything, a name too: the refusal describes it."""
    with pytest.raises(RecordError) as caught:
        READER.when(row(a="Tuesday"), "a")
    assert (caught.value.code, caught.value.where) == ("bad-date", "data.csv:7:a")
    assert "Tuesday" not in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "digits", "comparator"),
    [
        ("7.40", "7.40", None),
        ("<0.2", "0.2", "<"),
        ("<= 5", "5", "<="),
        (">=5", "5", ">="),
        (">1000", "1000", ">"),
        ("-1.5", "-1.5", None),
        (".5", "0.5", None),
    ],
)
def test_a_number_keeps_digits_and_comparator(
    cell: str, digits: str, comparator: str | None
) -> None:
    """The two are kept apart, each as given."""
    found = READER.number(row(a=cell), "a")
    assert found == Number(Decimal(digits), comparator)
    assert str(found.digits if found else "") == digits


def test_a_blank_number_is_none() -> None:
    """Missing stays missing."""
    assert READER.number(row(a=""), "a") is None


def test_text_is_no_number_and_is_not_shown() -> None:
    """The refusal describes what was found."""
    with pytest.raises(RecordError) as caught:
        READER.number(row(a="Smith"), "a")
    assert caught.value.found == "text where a number stands"
    assert "Smith" not in str(caught.value)


def test_a_coded_cell_is_what_its_table_says() -> None:
    """The table gives the meaning; an ignored value has none."""
    assert READER.coded(row(arm="A"), ARM) == "a"
    assert READER.coded(row(arm="FAIL"), ARM) is None
    assert READER.coded(row(arm=""), ARM) is None


def test_an_unlisted_value_is_refused_without_its_text() -> None:
    """What the table lists is shown, what the cell holds is not."""
    with pytest.raises(RecordError) as caught:
        READER.coded(row(arm="Zebra"), ARM)
    assert (caught.value.code, caught.value.where) == ("unknown-value", "data.csv:7:arm")
    assert caught.value.expected == "one of `A`, `B`"
    assert "Zebra" not in str(caught.value)


def test_a_constant_needs_no_cell() -> None:
    """A constant is declared, whatever the row."""
    assert READER.coded(row(), Attribute(constant="final", reason="locked")) == "final"


def test_no_place_gives_nothing() -> None:
    """An attribute that is not declared is none."""
    assert READER.coded(row(), None) is None


def test_an_unknown_table_is_the_declarations_fault() -> None:
    """No row is blamed for it."""
    with pytest.raises(DeclarationError, match=r"values = `arms`"):
        READER.coded(row(arm="A"), Attribute(column="arm", values="arms"))


def test_a_choice_is_one_of_the_allowed() -> None:
    """A table that leads elsewhere is wrong: the declaration is named, the run stops."""
    assert READER.choice(row(arm="A"), ARM, {"a"}) == "a"
    with pytest.raises(DeclarationError) as caught:
        READER.choice(row(arm="B"), ARM, {"a"})
    assert caught.value.where == "codes.toml: values.arm"


def test_a_needed_choice_is_never_assumed() -> None:
    """A blank is refused where one is needed."""
    with pytest.raises(RecordError) as caught:
        READER.needed(row(arm=""), ARM, {"a"})
    assert caught.value.code == "missing-value"


def test_a_free_column_where_a_name_is_needed_is_not_shown() -> None:
    """A column without a table may hold anything: its text is no part of the error."""
    with pytest.raises(DeclarationError) as caught:
        READER.choice(row(name="Jane Doe"), Attribute(column="name"), {"a"})
    assert "Jane" not in str(caught.value)
