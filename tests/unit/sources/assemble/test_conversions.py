"""Units that a declaration has converted, and those that it has not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netfhir.errors import RecordError
from netfhir.sources.assemble import dose, measurement
from netfhir.sources.assemble.unit import amount
from netfhir.trial.entities import Amount, Dose, Given, Measurement
from tiny_trial import Export, source, trial

TRIAL = trial()
FINAL = {"constant": "final", "reason": "locked"}
LAB = Export(
    source(
        entity="measurement",
        table="LB",
        subject="ID",
        item="TESTCD",
        item_table="lab",
        value="ORRES",
        unit="ORRESU",
        high="HI",
        measured="DTC",
        status=FINAL,
        status_without_value=FINAL,
    )
)
EX = Export(
    source(
        entity="dose",
        table="EX",
        subject="ID",
        product={"constant": "lutetium", "reason": "the form"},
        status={"constant": "completed", "reason": "the form"},
        amount="DOSE",
        unit="DOSU",
        kind_of_amount="activity",
        start="FROM",
    )
)


def measured(**cells: str) -> Measurement:
    """Return the measurement of a row about the vial."""
    row = LAB.row("", 2, **{"ID": "S1", "TESTCD": "vial", "ORRESU": "mCi"} | cells)
    (found,) = measurement.entities(LAB.source, LAB.assembly(row))
    assert isinstance(found, Measurement), found
    return found


def test_a_declared_unit_is_converted_and_what_was_given_is_kept() -> None:
    """200 mCi are 7.400 GBq, to the last digit, and still 200 mCi."""
    assert measured(ORRES="200").value == Amount(
        value=Decimal("7.400"),
        ucum="GBq",
        unit="GBq",
        given=Given(value=Decimal(200), ucum="mCi", unit="mCi"),
    )
    assert str(getattr(measured(ORRES="200").value, "value", "")) == "7.400"


def test_a_dose_is_converted_too() -> None:
    """A dose in mCi is never taken for one in GBq."""
    row = EX.row("", 2, ID="S1", DOSE="200", DOSU="mCi")
    (found,) = dose.entities(EX.source, EX.assembly(row))
    assert isinstance(found, Dose)
    assert found.amount == measured(ORRES="200").value


def test_a_dose_in_a_unit_of_another_kind_is_refused() -> None:
    """Litres are no activity, however well the unit is known."""
    row = EX.row("", 2, ID="S1", DOSE="200", DOSU="g/L")
    (found,) = dose.entities(EX.source, EX.assembly(row))
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("unit-of-another-kind", "main.csv:2:DOSU")
    assert "activity" in found.expected


def test_a_unit_without_a_conversion_stays() -> None:
    """Nothing is converted that was not declared so."""
    assert measured(ORRES="7.40", ORRESU="GBq").value == Amount(
        value=Decimal("7.40"), ucum="GBq", unit="GBq"
    )


def test_a_comparator_stays_before_the_converted_number() -> None:
    """Below 5 mCi is below 0.185 GBq."""
    value = measured(ORRES="<5").value
    assert isinstance(value, Amount)
    assert (value.comparator, value.value) == ("<", Decimal("0.185"))


def test_a_limit_stays_in_its_own_unit() -> None:
    """What the laboratory printed as its limit is not recomputed."""
    high = measured(ORRES="200", HI="210").high
    assert high == Amount(value=Decimal(210), ucum="mCi", unit="mCi")


@given(st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=4))
def test_a_conversion_loses_no_digit(value: Decimal) -> None:
    """The product of decimals is exact: divided again, it is what was given."""
    found = amount(value, "mCi", "mCi", TRIAL)
    assert found.value * 1000 == value * 37
    assert found.given is not None
    assert found.given.value == value


@pytest.mark.parametrize("factor", [0.037, 37, "0", "-1", "much"])
def test_a_factor_is_a_positive_text(factor: Any) -> None:
    """A binary float has lost digits before anybody sees it."""
    with pytest.raises(ValueError, match="factor"):
        trial(
            {"system": "x", "conversions": {"mCi": {"to": "GBq", "factor": factor, "reason": "x"}}}
        )
