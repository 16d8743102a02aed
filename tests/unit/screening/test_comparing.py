"""One result against a threshold, in its own unit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hospital_records import asked
from netfhir.screening.engines.comparing import compare
from netfhir.screening.facts import Fact
from netfhir.screening.needs import Value


def need(criterion: str, name: str) -> Value:
    """Return a need of the trial."""
    found = asked().file.criteria[criterion].needs[name]
    assert isinstance(found, Value)
    return found


def result(number: str, unit: str, comparator: str = "", high: str | None = None) -> Fact:
    """Return a result."""
    limit = Decimal(high) if high else None
    return Fact(
        "p",
        "c",
        "Observation",
        "1",
        number=Decimal(number),
        unit=unit,
        comparator=comparator,
        high=limit,
    )


@pytest.mark.parametrize(
    ("number", "unit", "low"),
    [
        ("8.0", "g/dL", False),
        ("7.99", "g/dL", True),
        ("8.03", "g/dL", False),
        ("80", "g/L", False),
        ("79.9", "g/L", True),
        ("5.0", "mmol/L", False),
        ("4.99", "mmol/L", True),
    ],
)
def test_haemoglobin_meets_the_limit_of_its_own_unit(number: str, unit: str, *, low: bool) -> None:
    """8.03 g/dL is 4.98 mmol/L: never converted, it is not below 8.0 g/dL."""
    assert compare(need("E8", "as-printed"), result(number, unit))[0] is low


def test_the_other_reading_of_haemoglobin_is_there() -> None:
    """By the limit of 5.0 mmol/L in all units, 8.03 g/dL is low."""
    assert compare(need("E8", "by-substance"), result("8.03", "g/dL"))[0] is True


@pytest.mark.parametrize(
    ("number", "unit", "high"),
    [
        ("150", "umol/L", False),
        ("151", "umol/L", True),
        ("1.7", "mg/dL", False),
        ("1.71", "mg/dL", True),
    ],
)
def test_creatinine_meets_the_limit_of_its_own_unit(number: str, unit: str, *, high: bool) -> None:
    """150 umol/L is 1.697 mg/dL: a reported 1.7 mg/dL is not above 1.7."""
    assert compare(need("E16", "creatinine-high"), result(number, unit))[0] is high


def test_a_multiple_is_of_the_limit_of_that_very_result() -> None:
    """Without its own reference range a bilirubin answers nothing."""
    bilirubin = need("E11", "bilirubin-high")
    assert compare(bilirubin, result("63.1", "umol/L", high="21"))[0] is True
    assert compare(bilirubin, result("63", "umol/L", high="21"))[0] is False
    assert compare(bilirubin, result("900", "umol/L"))[:2] == (None, "no-reference-range")


@pytest.mark.parametrize(
    ("unit", "cause"),
    [("", "unit-missing"), ("mg/dL", "unit-not-comparable"), ("K", "unit-not-comparable")],
)
def test_a_unit_without_a_threshold_is_no_guess(unit: str, cause: str) -> None:
    """A haemoglobin without a unit, or in one without a limit, is unknown."""
    assert compare(need("E8", "as-printed"), result("7", unit))[:2] == (None, cause)


@pytest.mark.parametrize(
    ("comparator", "number", "low"),
    [
        ("<", "8.0", True),
        ("<", "8.1", None),
        ("<=", "7.9", True),
        ("<=", "8.0", None),
        (">", "8.0", False),
        (">", "7.9", None),
        (">=", "8.0", False),
        (">=", "7.9", None),
        ("ad", "1", None),
    ],
)
def test_a_comparator_makes_an_interval(comparator: str, number: str, *, low: bool | None) -> None:
    """`<8.0` is every number below 8.0; where the limit lies inside, it is unknown."""
    assert compare(need("E8", "as-printed"), result(number, "g/dL", comparator))[0] is low


def test_a_range_is_the_laboratory_s() -> None:
    """A prothrombin time is normal up to its own upper limit, that limit included."""
    normal = need("E12", "prothrombin-normal")
    assert compare(normal, result("14", "s", high="14"))[0] is True
    assert compare(normal, result("14.1", "s", high="14"))[0] is False
    assert compare(normal, result("12", "s"))[:2] == (None, "no-reference-range")
