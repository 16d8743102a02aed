"""Measurements: an item a row (SDTM findings), or an item a field (REDCap forms)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import DeclarationError, RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.sources.assemble import measurement
from netfhir.trial.entities import Amount, Measurement, Part
from tiny_trial import LONDON, Export, source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sources.assemble import Fact

MISSING = {"REF": "absent-refused", "UNK": "absent-unknown"}
LB = Export(
    source(
        entity="measurement",
        table="LB",
        subject="ID",
        event="VISIT",
        repeat="SEQ",
        item="TESTCD",
        item_table="lab",
        value="ORRES",
        unit="ORRESU",
        low="LO",
        high="HI",
        measured="DTC",
        absent={"column": "STAT", "values": "not-done"},
        interpretation={"column": "IND", "values": "range"},
        position="POS",
        body_site="LOC",
        timepoint="TPT",
        note="NOTE",
        status={"constant": "final", "reason": "locked"},
        status_without_value={"constant": "cancelled", "reason": "not done"},
    ),
    missing=MISSING,
)
FORM = Export(
    source(
        entity="measurement",
        form="lab_form",
        subject="ID",
        item_table="lab",
        measured="DAY",
        status={"column": "COMPLETE", "values": "form"},
        status_without_value={"column": "COMPLETE", "values": "form"},
        items=[
            {"item": "cga", "column": "CGA", "high": "CGA_HI"},
            {
                "item": "glucose",
                "column": "GLUC",
                "by": {"column": "FASTING", "values": "fasting"},
            },
            {
                "item": "bp",
                "parts": [{"item": "sys", "column": "SYS"}, {"item": "dia", "column": "DIA"}],
            },
            {"item": "ecog", "column": "ECOG"},
        ],
    ),
    missing=MISSING,
)


def of_row(**cells: str) -> Fact:
    """Return what becomes of a row of haemoglobin."""
    cells = {"ID": "S1", "TESTCD": "hb", "ORRESU": "g/L"} | cells
    (found,) = measurement.entities(LB.source, LB.assembly(LB.row("", 2, **cells)))
    return found


def read(**cells: str) -> Measurement:
    """Return the measurement of a row."""
    found = of_row(**cells)
    assert isinstance(found, Measurement), found
    return found


def refused(**cells: str) -> tuple[str, str]:
    """Return code and place of a row's rejection."""
    found = of_row(**cells)
    assert isinstance(found, RecordError), found
    return found.code, found.where


def of_form(**cells: str) -> Iterator[Fact]:
    """Return what becomes of a completed form of subject S1."""
    row = FORM.row("", 2, **{"ID": "S1", "COMPLETE": "2"} | cells)
    return measurement.entities(FORM.source, FORM.assembly(row))


def one(**cells: str) -> Measurement:
    """Return the one measurement of a form."""
    (found,) = of_form(**cells)
    assert isinstance(found, Measurement), found
    return found


def test_a_result_is_read_whole() -> None:
    """Value, unit, limits, time and key are those of the row."""
    found = read(ORRES="137.0", LO="120", HI="160", DTC="2024-08-07T08:50", VISIT="WEEK 2", SEQ="3")
    assert found.value == Amount(value=Decimal("137.0"), ucum="g/L", unit="g/L")
    assert found.low == Amount(value=Decimal(120), ucum="g/L", unit="g/L")
    assert found.high == Amount(value=Decimal(160), ucum="g/L", unit="g/L")
    assert (found.measured, found.zone) == (LocalTime("2024-08-07", "08:50"), LONDON)
    assert (found.status, found.absent) == ("final", None)
    assert (found.key.text(), found.origin) == ("tiny|s1|week%202|lb|hb|3", "main.csv:2:ORRES")


def test_the_words_around_a_result_are_kept() -> None:
    """Interpretation, position, site, time point and note come from their columns."""
    found = read(ORRES="1", IND="HIGH", POS="standing", LOC="arm-site", TPT="AFTER 1 MIN", NOTE="n")
    assert (found.interpretation, found.position, found.body_site) == (
        "high",
        "standing",
        "arm-site",
    )
    assert (found.timepoint, found.note) == ("AFTER 1 MIN", "n")


def test_a_unit_keeps_its_spelling() -> None:
    """The UCUM code stands beside the source's own spelling."""
    found = read(ORRES="13.7", ORRESU="g/dl").value
    assert isinstance(found, Amount)
    assert (found.ucum, found.unit) == ("g/dL", "g/dl")


@pytest.mark.parametrize("unit", ["mm[Hg]", "NO UNITS", "GBq"])
def test_a_unit_that_is_not_the_items_is_refused(unit: str) -> None:
    """A known unit of another kind is as wrong as an unknown one."""
    assert refused(ORRES="137", ORRESU=unit) == ("unit-not-of-item", "main.csv:2:ORRESU")


@pytest.mark.parametrize("unit", ["G/L", "", "mg"])
def test_an_unknown_unit_of_a_result_is_refused(unit: str) -> None:
    """Units are taken as declared: nothing is guessed from case, or from a blank."""
    assert refused(ORRES="137", ORRESU=unit) == ("unknown-unit", "main.csv:2:ORRESU")


def test_an_item_without_unit_has_the_declared_one() -> None:
    """Where the source says that there is no unit, the item's own dimensionless code stands."""
    found = read(TESTCD="ph", ORRES="6.5", ORRESU="NO UNITS").value
    assert found == Amount(value=Decimal("6.5"), ucum="[pH]", unit="NO UNITS")


def test_a_declared_comparator_is_kept() -> None:
    """`<0.2` stays `<` and 0.2."""
    found = read(TESTCD="cga", ORRES="<0.2", ORRESU="ug/L").value
    assert isinstance(found, Amount)
    assert (found.comparator, str(found.value)) == ("<", "0.2")


def test_an_undeclared_comparator_is_refused() -> None:
    """Where no comparator is expected, one is a mistake."""
    assert refused(ORRES="<5") == ("comparator", "main.csv:2:ORRES")


@pytest.mark.parametrize("cell", ["abc", "1,5", "1e5", "5 >", "=<5", "NaN", "--5", "."])
def test_text_where_a_number_stands_is_refused(cell: str) -> None:
    """Only digits with a point, perhaps after a comparator, are a number."""
    assert refused(ORRES=cell) == ("not-a-number", "main.csv:2:ORRES")


def test_a_test_that_was_not_done_says_why() -> None:
    """No value, the reason, and the status of a test without one."""
    found = read(STAT="NOT DONE")
    assert (found.value, found.absent, found.status) == (None, "absent-not-performed", "cancelled")


def test_a_result_of_a_test_that_was_not_done_contradicts() -> None:
    """A value and NOT DONE cannot both hold."""
    assert refused(ORRES="137", STAT="NOT DONE") == ("contradiction", "main.csv:2:ORRES")


def test_a_blank_result_is_unknown() -> None:
    """Where nothing says why, the reason is that it is not known."""
    assert (read().absent, read().status) == ("absent-unknown", "cancelled")


def test_a_missing_data_code_gives_its_reason() -> None:
    """A refusal is a reason, and stands before what the status column says."""
    assert read(ORRES="REF").absent == "absent-refused"


def test_no_limits_without_a_value() -> None:
    """A reference range without a result is not written."""
    found = read(STAT="NOT DONE", LO="120", HI="160")
    assert (found.low, found.high) == (None, None)


def test_text_stays_text() -> None:
    """A text item is taken in the source's words, comparators and all."""
    assert read(TESTCD="colour", ORRES="<YELLOW>").value == "<YELLOW>"


def test_an_answer_becomes_its_concept() -> None:
    """An item of concepts takes its listed answers."""
    assert read(TESTCD="blood", ORRES="+").value == "present"


def test_an_answer_that_is_not_listed_is_refused() -> None:
    """No nearest answer is chosen."""
    assert refused(TESTCD="blood", ORRES="++") == ("unknown-value", "main.csv:2:ORRES")


@pytest.mark.parametrize(("cell", "value"), [("1", 1), ("0", 0), ("2.0", 2)])
def test_a_whole_number_is_an_integer(cell: str, value: int) -> None:
    """2.0 is whole."""
    found = read(TESTCD="ecog", ORRES=cell).value
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("cell", ["1.5", "<1"])
def test_what_is_not_whole_is_refused(cell: str) -> None:
    """A fraction or a comparator is no score."""
    assert refused(TESTCD="ecog", ORRES=cell) == ("not-a-whole-number", "main.csv:2:ORRES")


def test_an_unknown_item_is_refused() -> None:
    """An item that codes.toml does not declare has no meaning."""
    assert refused(TESTCD="zzz", ORRES="1") == ("unknown-item", "main.csv:2:TESTCD")


def test_a_subject_that_nobody_declares_is_refused() -> None:
    """A result of nobody is no fact."""
    assert refused(ID="S2", ORRES="1") == ("unknown-subject", "main.csv:2:ID")


def test_an_impossible_date_is_refused() -> None:
    """The result is not moved to another day."""
    assert refused(ORRES="1", DTC="2024-08-UN") == ("bad-date", "main.csv:2:DTC")


def test_each_filled_field_is_a_fact() -> None:
    """A blank field is none; the facts are in the items' order."""
    found = list(of_form(ECOG="1", CGA="20"))
    assert [fact.item for fact in found if isinstance(fact, Measurement)] == ["cga", "ecog"]


def test_a_field_has_the_unit_of_its_item() -> None:
    """REDCap exports no unit: the form's spelling and its UCUM code are the item's."""
    found = one(CGA=">1000", CGA_HI="100")
    assert found.value == Amount(value=Decimal(1000), ucum="ug/L", unit="mcg/L", comparator=">")
    assert found.high == Amount(value=Decimal(100), ucum="ug/L", unit="mcg/L")
    assert found.low is None


@pytest.mark.parametrize(("cell", "status"), [("2", "final"), ("0", "preliminary")])
def test_the_form_tells_the_status(cell: str, status: str) -> None:
    """A form that nobody has marked complete holds preliminary results."""
    assert one(CGA="20", COMPLETE=cell).status == status


@pytest.mark.parametrize(("fasting", "item"), [("1", "glucose-fasting"), ("", "glucose")])
def test_another_field_decides_which_item_it_is(fasting: str, item: str) -> None:
    """Fasting glucose is another test; unanswered, it is the one that does not say."""
    found = one(GLUC="5.4", FASTING=fasting)
    assert found.item == item
    assert found.key.item == "glucose"


def test_a_panel_has_its_parts() -> None:
    """One fact with two values, and none of its own."""
    found = one(SYS="120", DIA="80")
    assert [part.item for part in found.parts] == ["sys", "dia"]
    assert (found.item, found.value, found.absent) == ("bp", None, None)


@pytest.mark.parametrize(("cell", "reason"), [("", "absent-unknown"), ("REF", "absent-refused")])
def test_a_part_without_value_says_why(cell: str, reason: str) -> None:
    """One part of a panel may be missing, with its reason."""
    assert one(SYS="120", DIA=cell).parts[1] == Part(item="dia", value=None, absent=reason)


def test_one_bad_field_stops_no_other() -> None:
    """Each field of a form is judged alone."""
    found = list(of_form(CGA="abc", GLUC="5.4", SYS="x", DIA="80", ECOG="1"))
    assert [isinstance(fact, Measurement) for fact in found] == [False, True, False, True]


def test_an_unknown_table_of_items_is_the_declarations_fault() -> None:
    """No row is blamed, and the run stops."""
    wrong: Any = LB.source.model_copy(update={"item_table": "labb"})
    with pytest.raises(DeclarationError, match="labb"):
        list(measurement.entities(wrong, LB.assembly()))
