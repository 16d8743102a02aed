"""What a trial declares of its criteria: the limits that a computer can compare.

Source: mappings/<trial>/eligibility.toml. A criterion without one stays in the record's words.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, model_validator

from netfhir.errors import DeclarationError
from netfhir.trial.study_design import Limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.terminology.concepts import Terminology
    from netfhir.trial.study_design import Criterion, Eligibility


class DeclaredLimit(BaseModel):
    """One `[[limit]]`: exactly one of a range, a comparison, a value and a truth."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: str
    concept: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    below: Decimal | None = None
    above: Decimal | None = None
    unit: str = ""
    value: str = ""
    truth: bool | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> DeclaredLimit:
        is_range = self.low is not None or self.high is not None
        others = (self.below is not None, self.above is not None, self.truth is not None)
        if sum((is_range, bool(self.value), *others)) != 1:
            raise ValueError("a limit is a range, `below`, `above`, `value` or `truth`")
        if bool(self.unit) != (is_range or any(others[:2])):
            raise ValueError("a number has its `unit`, and nothing else has one")
        return self


class Limits(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: tuple[DeclaredLimit, ...] = ()


def limited(
    eligibility: Eligibility, said: Limits, terminology: Terminology, where: str
) -> Eligibility:
    """Return the criteria with their limits; raises DeclarationError for one that is not there."""
    names = [criterion.name for criterion in eligibility.criteria]
    for one in said.limit:
        if one.criterion not in names:
            raise DeclarationError(
                "unknown-criterion",
                where=f"{where}:limit",
                found=f"`{one.criterion}`",
                expected="a criterion of the record: " + ", ".join(names),
            )
    found = [
        criterion.model_copy(update={"limits": tuple(_limits(criterion, said, terminology, where))})
        for criterion in eligibility.criteria
    ]
    return eligibility.model_copy(update={"criteria": tuple(found)})


def _limits(
    criterion: Criterion, said: Limits, terminology: Terminology, where: str
) -> Iterator[Limit]:
    for one in said.limit:
        if one.criterion == criterion.name:
            yield _limit(one, terminology, f"{where}:{one.criterion}")


def _limit(one: DeclaredLimit, terminology: Terminology, where: str) -> Limit:
    concept = terminology.concept(one.concept, where=where) if one.concept else None
    if one.unit:
        unit = terminology.unit(one.unit, where=where)
        if concept and concept.property and concept.property not in unit.property:
            raise DeclarationError(
                "unit-of-another-kind",
                where=where,
                found=f"`{one.unit}`, which measures {' or '.join(unit.property)}",
                expected=f"a unit of {concept.property} ({one.concept})",
                remedy="choose the concept by what was measured, or correct the unit",
            )
    value = terminology.concept(one.value, where=where) if one.value else None
    numbers = one.model_dump(include={"low", "high", "below", "above", "unit", "truth"})
    return Limit(concept=concept, value=value, **numbers)
