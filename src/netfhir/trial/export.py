"""The shape of `mappings/<trial>/sources/*.toml`: where each attribute stands in an export."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from netfhir.trial.care_sources import (
    ConsentSource,
    DiagnosisSource,
    SessionSource,
    SpecimenSource,
    TreatmentSource,
    VisitSource,
)
from netfhir.trial.entities import DoseStatus, MeasurementStatus, SubjectState, SurgeryStatus
from netfhir.trial.outcome_sources import OutcomeSource
from netfhir.trial.places import (
    Column,
    ConceptPlace,
    Declared,
    FactSource,
    Names,
    OneOf,
    Place,
    columns,
)

_STATES = OneOf(frozenset(get_args(SubjectState)))
_SURGERY = OneOf(frozenset(get_args(SurgeryStatus)))
_DOSE = OneOf(frozenset(get_args(DoseStatus)))
_MEASUREMENT = OneOf(frozenset(get_args(MeasurementStatus)))


class StateSource(Declared):
    """Where a state of the subject is told: a column of states, or a constant and its date."""

    table: str = ""
    """Another domain, or form, that tells the states, one a row; empty: the subject's own rows."""
    subject: Column = ""
    state: Annotated[Place, _STATES]
    since: Column = ""
    reason: Column = ""
    order: Column = ""
    """The column that orders states of one day."""


class NumberSource(Declared):
    """A further number of the subject, and the system that issued it."""

    column: Column
    system: str


class SubjectSource(FactSource):
    """Where subjects stand. In REDCap the attributes are gathered from all rows of a record."""

    entity: Literal["subject"]
    site: Annotated[Place, Names("site")]
    other_numbers: tuple[NumberSource, ...] = ()
    arm: Annotated[Place | None, Names("arm")] = None
    actual_arm: Annotated[Place | None, Names("arm")] = None
    consented: Column = ""
    randomised: Column = ""
    randomisation_number: Column = ""
    states: tuple[StateSource, ...] = Field(min_length=1)


class SurgerySource(FactSource):
    """Where the liver resection stands."""

    entity: Literal["surgery"]
    procedure: ConceptPlace
    status: Annotated[Place, _SURGERY]
    performed: Column
    body_site: Annotated[Place | None, Names("concept")] = None
    number: Column = ""
    residual_tumour: Annotated[Place | None, Names("concept")] = None

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.performed,)


class DoseSource(FactSource):
    """Where the administrations of a study product stand."""

    entity: Literal["dose"]
    product: ConceptPlace
    status: Annotated[Place, _DOSE]
    amount: Column = ""
    unit: Place | None = None
    kind_of_amount: str = ""
    """The kind of quantity that its unit has to measure, as in units.toml."""
    route: Annotated[Place | None, Names("concept")] = None
    start: Column
    planned: Column = ""
    """The planned date: the only one of a dose that was not given."""
    end: Column = ""
    form_of_product: Column = ""
    schedule: Column = ""
    cycle: Place | None = None
    lot: Column = ""
    expires: Column = ""
    category: Annotated[Place | None, Names("concept")] = None
    reason: Column = ""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return tuple(place.column for place in (self.product, self.status) if place.column)


class Part(Declared):
    """One of several values that a single row holds of one item, such as systolic pressure."""

    item: str
    column: Column


class ItemPlace(Declared):
    """One item of a wide table: its field, and the fields of its reference range.

    An item of `parts` has no field of its own; each part has (a blood pressure of two).
    """

    item: str
    column: Column = ""
    by: Place | None = None
    """Where another field decides which item it is; `item` where that field does not say."""
    measured: Column = ""
    """Its own time; by default that of the row."""
    low: Column = ""
    high: Column = ""
    parts: tuple[Part, ...] = ()

    @model_validator(mode="after")
    def _field_or_parts(self) -> ItemPlace:
        if bool(self.column) == bool(self.parts):
            raise ValueError("an item names its `column`, or its `parts`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the fields that hold the item's value or values."""
        return (self.column,) if self.column else tuple(part.column for part in self.parts)


class MeasurementSource(FactSource):
    """Where measurements stand: an item a row (`item`, `value`), or an item a field (`items`)."""

    entity: Literal["measurement"]
    item: Column = ""
    value: Column = ""
    items: tuple[ItemPlace, ...] = ()
    item_table: str
    """The table `items.<name>` of codes.toml that says what each item is."""
    unit: Column = ""
    low: Column = ""
    high: Column = ""
    measured: Column
    until: Column = ""
    """The end, of what is measured over a time."""
    status: Annotated[Place, _MEASUREMENT]
    """The Observation's status where there is a value."""
    status_without_value: Annotated[Place, _MEASUREMENT]
    interpretation: Annotated[Place | None, Names("concept")] = None
    absent: Annotated[Place | None, Names("concept")] = None
    """Why there is no value: an absent reason's key, where the source says so."""
    position: Annotated[Place | None, Names("concept")] = None
    body_site: Annotated[Place | None, Names("concept")] = None
    method: Annotated[Place | None, Names("concept")] = None
    version: Place | None = None
    device: Annotated[Place | None, Names("concept")] = None
    material: Annotated[Place | None, Names("concept")] = None
    timepoint: Column = ""
    note: Place | None = None

    @model_validator(mode="after")
    def _long_or_wide(self) -> MeasurementSource:
        if bool(self.items) == bool(self.item):
            raise ValueError("name either `item` and `value` (a row an item) or `items`")
        if self.item and not self.value:
            raise ValueError("`item` needs `value`, the column of the result")
        return self

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.value,) if self.value else tuple(c for i in self.items for c in i.columns)


class DeviationSource(FactSource):
    """Where people record protocol deviations (SDTM: DV)."""

    entity: Literal["deviation"]
    status: Annotated[Place, _MEASUREMENT]
    category: Column
    """The column of the kind of deviation, in the source's own words or codes."""
    description: Column
    occurred: Column = ""
    severity: Annotated[Place | None, Names("concept")] = None
    reason: Column = ""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.category, self.description)


EntitySource = Annotated[
    SubjectSource
    | ConsentSource
    | VisitSource
    | DiagnosisSource
    | SurgerySource
    | SessionSource
    | DoseSource
    | TreatmentSource
    | SpecimenSource
    | MeasurementSource
    | OutcomeSource
    | DeviationSource,
    Field(discriminator="entity"),
]


class Export(Declared):
    """One declared export of a trial."""

    format: Literal["redcap", "sdtm"]
    title: str
    rows: dict[str, int] = Field(default_factory=dict)
    """The expected number of rows of a table, where the sender states it."""
    missing: dict[str, str] = Field(default_factory=dict)
    """REDCap: the project's missing-data codes, each with the key of its absent reason."""
    allowed_absent: tuple[str, ...] = ()
    """Fields of the dictionary that the export may lack, by the rights of the exporting user."""
    entities: tuple[EntitySource, ...] = Field(min_length=1)


def columns_by_table(source: FactSource) -> dict[str, set[str]]:
    """Return the columns that a source names, by table ("" is REDCap's only one)."""
    states = source.states if isinstance(source, SubjectSource) else ()
    own = [state for state in states if state.table in {"", source.table}]
    plain = source.model_copy(update={"states": tuple(own)}) if states else source
    named: dict[str, set[str]] = {source.table: columns(plain)}
    for state in states:
        named.setdefault(state.table or source.table, set()).update(columns(state))
    return named
