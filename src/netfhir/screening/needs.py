"""The kinds of question that a criterion may ask of a record; closed, each with its own keys.

A need is true, false or unknown for one patient. Nothing here converts a unit: a comparison has one
threshold for each unit in which the result may come.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from netfhir.trial.places import Declared

ResourceType = Literal[
    "AllergyIntolerance",
    "Condition",
    "DiagnosticReport",
    "ImagingStudy",
    "MedicationAdministration",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Procedure",
]
Source = Literal["allergies", "conditions", "medications", "procedures"]
Operator = Literal["below", "at_most", "above", "at_least"]
SYMBOLS: dict[Operator, str] = {"below": "<", "at_most": "<=", "above": ">", "at_least": ">="}


def _exact(given: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    """Refuse a binary float: a threshold is written as text, `"8.0"`, and stays exact."""
    if isinstance(given, float):
        raise ValueError('a number in quotes, such as "8.0", so that it stays exact')  # noqa: TRY004 - pydantic reads ValueError
    return Decimal(given) if isinstance(given, str) and given else given


Exact = Annotated[Decimal, BeforeValidator(_exact)]
Days = Annotated[int, Field(ge=0)]


class Window(Declared):
    """Days around the latest event of a concept set: `from_days = -42, to_days = 0`."""

    anchor: str
    from_days: int
    to_days: int

    @model_validator(mode="after")
    def _forward(self) -> Window:
        if self.from_days > self.to_days:
            raise ValueError("from_days must not come after to_days")
        return self


class Document(Declared):
    """A document that may hold the answer: if the record has one, it is named in the question."""

    concept: str
    ask: str
    """The question; `{date}` stands for the date of the latest such document."""
    cost: Annotated[int, Field(ge=1, le=9)]


class Need(Declared):
    """What all needs have in common: what to ask, and how dear the answer is (1 to 9)."""

    ask: str = Field(min_length=1)
    cost: Annotated[int, Field(ge=1, le=9)]
    document: Document | None = None
    note: str = ""


class Facts(Need):
    """A need that facts answer: of which concept sets, from which resources, of when."""

    concepts: tuple[str, ...] = Field(min_length=1)
    window: Window | None = None
    fresh_days: Days | None = None
    """How old a fact may be at the date of the screening; older ones are stale, not absent."""
    current: bool = False
    """Leave out what the record says is over (a resolved condition)."""
    covered_by: tuple[Source, ...] = ()
    """Absence is an answer only where the site declares all of these sources complete."""


class Value(Facts):
    """The latest result, compared: per unit, with its own upper limit of normal, or its range."""

    kind: Literal["value"]
    operator: Operator | Literal["within_range"]
    thresholds: dict[str, Exact] = Field(default_factory=dict)
    """UCUM unit -> threshold in this unit; `"1"` is for scores and classes without a unit."""
    multiple_of_upper_limit: Exact | None = None

    @model_validator(mode="after")
    def _one_way_to_compare(self) -> Value:
        given = [bool(self.thresholds), self.multiple_of_upper_limit is not None]
        wanted = 0 if self.operator == "within_range" else 1
        if sum(given) != wanted:
            raise ValueError(
                "within_range takes no threshold; every other operator takes either "
                "`thresholds` or `multiple_of_upper_limit`"
            )
        return self


class Presence(Facts):
    """True where a fact of `concepts` is recorded; false only by a fact of `against`."""

    kind: Literal["presence"]
    against: tuple[str, ...] = ()


class Recent(Facts):
    """True where the latest fact is less than so many days old: it lifts on a date."""

    kind: Literal["recent"]
    less_than_days: Annotated[int, Field(ge=1)]
    older_decides: bool = False
    """Whether an older fact makes it false; else only a covered source can."""


class Age(Need):
    """True where the completed years of age are at least so many."""

    kind: Literal["age"]
    at_least_years: Annotated[int, Field(ge=1)]


class Person(Need):
    """Nothing in a record decides this: a person does."""

    kind: Literal["person"]


AnyNeed = Annotated[Value | Presence | Recent | Age | Person, Field(discriminator="kind")]
