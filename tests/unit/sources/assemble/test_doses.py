"""Doses: given, stopped, or not given."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import DeclarationError, RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.sources.assemble import dose, entities
from netfhir.trial.entities import Amount, Dose
from tiny_trial import LONDON, Export, source

if TYPE_CHECKING:
    from netfhir.sources.row import Row

EX = Export(
    source(
        entity="dose",
        table="EX",
        subject="ID",
        event="VISIT",
        repeat="SEQ",
        product={"column": "TRT", "values": "product"},
        status={"column": "STAT", "values": "status"},
        amount="DOSE",
        unit="DOSU",
        route={"constant": "intravenous", "reason": "the protocol"},
        planned="PLAN",
        start="FROM",
        end="TO",
        cycle="CYCLE",
        lot="LOT",
        schedule="FRQ",
        form_of_product="FORM",
        reason="WHY",
    ),
    missing={"UNK": "absent-unknown"},
)


def row(**cells: str) -> Row:
    """Return a row of a dose that was given."""
    return EX.row("", 2, **{"ID": "S1", "TRT": "LU", "STAT": "1", "DOSU": "GBq"} | cells)


def given(**cells: str) -> Dose:
    """Return the dose of a row."""
    (found,) = dose.entities(EX.source, EX.assembly(row(**cells)))
    assert isinstance(found, Dose), found
    return found


def refused(**cells: str) -> tuple[str, str]:
    """Return code and place of a row's rejection."""
    (found,) = dose.entities(EX.source, EX.assembly(row(**cells)))
    assert isinstance(found, RecordError), found
    return found.code, found.where


def test_a_dose_is_read_whole() -> None:
    """Each attribute comes from its column, through its table where it has one."""
    found = given(VISIT="Cycle 1", SEQ="4", DOSE="7.40", LOT="L1", FRQ="ONCE", FORM="INFUSION")
    assert found.key.text() == "tiny|s1|cycle%201|dose|lutetium|4"
    assert (found.product, found.route, found.zone) == ("lutetium", "intravenous", LONDON)
    assert (found.lot, found.schedule, found.form) == ("L1", "ONCE", "INFUSION")


def test_the_amount_keeps_its_digits_and_its_unit() -> None:
    """7.40 GBq is neither 7.4 nor another unit."""
    found = given(DOSE="7.40").amount
    assert found == Amount(value=Decimal("7.40"), ucum="GBq", unit="GBq")
    assert str(found.value if found else "") == "7.40"


def test_a_blank_amount_is_none() -> None:
    """Missing stays missing, and no unit is asked for."""
    assert given(DOSE="", DOSU="").amount is None


def test_a_comparator_before_an_amount_is_refused() -> None:
    """An administered amount is known, or it is not."""
    assert refused(DOSE="<7.4") == ("comparator", "main.csv:2:DOSE")


@pytest.mark.parametrize("unit", ["Ci", "", "gbq"])
def test_an_unknown_unit_is_refused(unit: str) -> None:
    """A unit is taken as declared, or not at all: case counts in UCUM."""
    assert refused(DOSE="200", DOSU=unit)[0] == "unknown-unit"


def test_text_where_an_amount_stands_is_refused() -> None:
    """The refusal names the column."""
    assert refused(DOSE="abc") == ("not-a-number", "main.csv:2:DOSE")


def test_a_dose_that_was_given_starts_when_it_started() -> None:
    """The planned date is no date of a dose that was given."""
    found = given(PLAN="2024-08-01", FROM="2024-08-05 12:10", TO="2024-08-05 12:38")
    assert found.start == LocalTime("2024-08-05", "12:10")
    assert found.end == LocalTime("2024-08-05", "12:38")


def test_a_dose_that_was_not_given_has_its_planned_date() -> None:
    """The only date of such a dose is the one it was planned for."""
    found = given(STAT="3", PLAN="2024-08-01", WHY="platelets")
    assert (found.status, found.start, found.end) == ("not-done", LocalTime("2024-08-01"), None)
    assert found.reason == "platelets"


@pytest.mark.parametrize("cell", ["", "UNK"])
def test_a_status_is_never_assumed(cell: str) -> None:
    """A blank or missing status is refused."""
    assert refused(STAT=cell) == ("missing-value", "main.csv:2:STAT")


def test_a_value_that_no_table_lists_is_refused() -> None:
    """A product that codes.toml does not list is no product."""
    assert refused(TRT="PLACEBO") == ("unknown-value", "main.csv:2:TRT")


@pytest.mark.parametrize(("cell", "cycle"), [("2", 2), ("", None)])
def test_a_cycle_is_a_number_or_none(cell: str, cycle: int | None) -> None:
    """A blank cycle is none."""
    assert given(CYCLE=cell).cycle == cycle


@pytest.mark.parametrize("cell", ["two", "1.5", "-1", "²"])
def test_a_cycle_that_is_no_number_is_refused(cell: str) -> None:
    """Only digits count cycles; a superscript is none."""
    assert refused(CYCLE=cell) == ("not-a-number", "main.csv:2:CYCLE")


def test_a_missing_code_is_no_lot() -> None:
    """A missing-data code is no text."""
    assert given(LOT="UNK").lot is None


def test_an_unknown_subject_is_refused() -> None:
    """A dose of nobody is no fact."""
    assert refused(ID="S2") == ("unknown-subject", "main.csv:2:ID")


def test_a_dose_of_a_rejected_subject_says_so() -> None:
    """The remedy is to mend the subject first."""
    assembly = EX.assembly(row(ID="S2"))
    assembly.rejected.add("S2")
    (found,) = dose.entities(EX.source, assembly)
    assert isinstance(found, RecordError)
    assert found.code == "subject-rejected"


def test_one_bad_row_stops_no_other() -> None:
    """Each row is judged alone, in its order."""
    lost = RecordError("ragged-row", where="main.csv:3")
    facts = list(dose.entities(EX.source, EX.assembly(row(DOSE="x"), lost, row(DOSE="1"))))
    assert [isinstance(fact, Dose) for fact in facts] == [False, False, True]


def test_an_entity_is_named_in_what_is_yielded() -> None:
    """The module's name is the entity's."""
    assert [name for name, _ in entities(EX.assembly(row()), (EX.source,))] == ["dose"]


def test_a_constant_that_is_no_concept_is_the_declarations_fault() -> None:
    """No row is blamed for a wrong declaration, and the run stops."""
    wrong = EX.source.model_copy(
        update={"route": EX.source.route.model_copy(update={"constant": "by-mouth"})}
    )
    with pytest.raises(DeclarationError, match="by-mouth"):
        list(dose.entities(wrong, EX.assembly(row())))
