"""The facts of a trial, typed: what the mappers read and the sources assemble.

Every entity carries its key (how the fact is named) and its origin (where it stands in the
source). Values are the source's own: decimals keep their digits, dates their precision.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey

SubjectState = Literal[
    "candidate",
    "eligible",
    "follow-up",
    "ineligible",
    "not-registered",
    "off-study",
    "on-study",
    "on-study-intervention",
    "on-study-observation",
    "pending-on-study",
    "potential-candidate",
    "screening",
    "withdrawn",
]
#: States in which a subject takes no part any more: the last of a day, whatever the source's order.
ENDED = frozenset({"off-study", "ineligible", "not-registered", "withdrawn"})

Comparator = Literal["<", "<=", ">=", ">"]
MeasurementStatus = Literal["final", "preliminary", "registered", "cancelled", "unknown"]
SurgeryStatus = Literal["completed", "stopped", "not-done", "unknown"]
DoseStatus = Literal["completed", "stopped", "not-done", "in-progress", "on-hold", "unknown"]


class Link(BaseModel):
    """Another fact of the subject that this one refers to."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    element: str
    """The element of the resource that holds the reference."""
    to: str
    """The entity referred to."""
    key: SourceKey
    required: bool = False


class Entity(BaseModel):
    """A fact of the trial about one subject."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    key: SourceKey
    origin: str
    """`file:row:column` of the source."""
    subject: str
    """The trial's number of the subject."""
    zone: str | None = None
    """The IANA zone of the subject's site, where the trial declares one."""
    links: tuple[Link, ...] = ()


class StateChange(BaseModel):
    """A state of a subject in the trial, and since when."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    state: SubjectState
    since: LocalTime | None
    reason: str = ""


class Subject(Entity):
    """A person in the trial: the arm drawn and taken, and the states in their order."""

    states: tuple[StateChange, ...]
    """At least one; the last is the present one."""
    site: str = ""
    """The key of the subject's site in trial.toml."""
    other_numbers: tuple[tuple[str, str], ...] = ()
    """Further identifiers: system, value."""
    arm: str | None = None
    actual_arm: str | None = None
    consented: LocalTime | None = None
    randomised: LocalTime | None = None
    randomisation_number: str | None = None


class Given(BaseModel):
    """A quantity as the source has it, beside the one that it was converted to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Decimal
    ucum: str
    unit: str


class Amount(BaseModel):
    """A measured quantity: digits as given, UCUM code, and the unit in the source's spelling.

    One that was converted by a declared factor keeps what was `given`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Decimal
    ucum: str
    unit: str
    comparator: Comparator | None = None
    given: Given | None = None


class Surgery(Entity):
    """A liver resection: the anchor of the first treatment window."""

    status: SurgeryStatus
    procedure: str
    """Key of the concept."""
    performed: LocalTime
    body_site: str | None = None
    number: str = ""
    """The number of the operation in the theatre's own records."""
    residual_tumour: str | None = None
    """Key of the concept: R0, R1, R2 or RX."""


class Dose(Entity):
    """One administration of a study product, or the record that it was not given."""

    product: str
    """Key of the concept."""
    status: DoseStatus
    start: LocalTime | None
    end: LocalTime | None = None
    amount: Amount | None = None
    route: str | None = None
    form: str = ""
    schedule: str = ""
    """The dosing frequency in the source's words."""
    cycle: int | None = None
    lot: str | None = None
    expires: LocalTime | None = None
    """The last day of the lot."""
    category: str | None = None
    """Key of the concept."""
    reason: str = ""
    """Why it was stopped or not done, in the source's words."""


Value = Amount | int | str | None


class Part(BaseModel):
    """One value of a measurement that has several, or why there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    value: Value
    absent: str | None = None


class Measurement(Entity):
    """A laboratory result, a vital sign or a performance status: a value, or why there is none."""

    item_table: str
    item: str
    """The local code of what was measured, a key of `items.<item_table>` in codes.toml."""
    status: MeasurementStatus
    value: Value
    """An amount, a count or score, a text, or a concept's key (as the item declares)."""
    absent: str | None = None
    """Key of the data-absent reason, exactly where there is no value."""
    parts: tuple[Part, ...] = ()
    """The values of a panel, which has none of its own."""
    measured: LocalTime | None
    until: LocalTime | None = None
    """The end, of what is measured over a time."""
    low: Amount | None = None
    high: Amount | None = None
    interpretation: str | None = None
    position: str | None = None
    body_site: str | None = None
    method: str | None = None
    version: str = ""
    """The version of the method: of a kit, an algorithm or a scoring."""
    device: str | None = None
    """Key of the concept of what it was measured with, of that version."""
    material: str | None = None
    """Key of the concept: what was measured in, where no link names the specimen."""
    timepoint: str = ""
    note: str = ""
