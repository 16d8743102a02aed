"""The limits that a trial declares of its criteria: each of one kind, in a unit that fits."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from netfhir.errors import DeclarationError
from netfhir.settings import shipped_mappings
from netfhir.terminology.concepts import Terminology
from netfhir.trial.declared_limits import DeclaredLimit, Limits, limited
from netfhir.trial.study_design import Criterion, Eligibility

TERMS = Terminology.load([shipped_mappings()])
ONE = Eligibility(criteria=(Criterion(kind="exclusion", number=1, text="Hb <5.0 mmol/L"),))
BELOW_FIVE = {"criterion": "E1", "below": "5.0", "unit": "mmol/L"}


def declared(**limit: Any) -> Eligibility:
    """Return the one criterion with one limit."""
    said = Limits(limit=(DeclaredLimit.model_validate(limit),))
    return limited(ONE, said, TERMS, "t/eligibility.toml")


def test_a_limit_belongs_to_its_criterion() -> None:
    """It is found by the number of the criterion within its kind."""
    (criterion,) = declared(**BELOW_FIVE, concept="haemoglobin-substance").criteria
    (limit,) = criterion.limits
    assert (str(limit.below), limit.unit) == ("5.0", "mmol/L")
    assert limit.concept is not None


@pytest.mark.parametrize(
    "limit",
    [
        {},
        {"below": "5"},
        {"truth": True, "unit": "mmol/L"},
        {"below": "5", "above": "7", "unit": "mmol/L"},
        {"low": "1", "value": "grade-g3", "unit": "1"},
        {"below": "5", "unit": "mmol/L", "near": "5"},
    ],
)
def test_a_limit_is_of_one_kind(limit: dict[str, Any]) -> None:
    """A range, a comparison, a value or a truth; a number with its unit, and nothing misspelt."""
    with pytest.raises(ValidationError):
        DeclaredLimit.model_validate({"criterion": "E1"} | limit)


@pytest.mark.parametrize(
    ("limit", "code", "where"),
    [
        (BELOW_FIVE | {"criterion": "E2"}, "unknown-criterion", "limit"),
        (BELOW_FIVE | {"concept": "haemoglobin-mass"}, "unit-of-another-kind", "E1"),
        (BELOW_FIVE | {"unit": "mmol/l"}, "unknown-key", "E1"),
        (BELOW_FIVE | {"concept": "haemoglobinn"}, "unknown-key", "E1"),
        ({"criterion": "E1", "value": "grade-g9"}, "unknown-key", "E1"),
    ],
)
def test_what_does_not_fit_is_refused(limit: dict[str, Any], code: str, where: str) -> None:
    """A criterion, concept or unit that is not known; a unit of another kind of quantity."""
    with pytest.raises(DeclarationError) as caught:
        declared(**limit)
    assert (caught.value.code, caught.value.where) == (code, f"t/eligibility.toml:{where}")
