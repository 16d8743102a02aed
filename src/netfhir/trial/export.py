"""The shape of `mappings/<trial>/sources/*.toml`: where each attribute stands in an export.

No expressions and no logic: an attribute is a column, a column read through a table of codes.toml,
or a constant with its reason.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Declared(BaseModel):
    """A table of a declaration: closed, so that a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Attribute(Declared):
    """Where one attribute comes from: `column` (perhaps through `values`), or `constant`."""

    column: str = ""
    values: str = ""
    """The table `values.<name>` of codes.toml through which the column is read."""
    constant: str = ""
    reason: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Attribute:
        if bool(self.column) == bool(self.constant):
            raise ValueError("an attribute names either a column or a constant")
        if self.constant and not self.reason:
            raise ValueError("a constant needs its reason")
        return self


def _from_text(given: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    return {"column": given} if isinstance(given, str) else given


Place = Annotated[Attribute, BeforeValidator(_from_text)]


class StateSource(Declared):
    """Where a state of the subject is told: a column of states, or a constant and its date."""

    table: str = ""
    """Another table that tells the states, one a row; empty: the subject's own rows."""
    subject: str = ""
    state: Place
    since: str = ""
    reason: str = ""
    order: str = ""
    """The column that orders states of one day."""


class FactSource(Declared):
    """What all entities have in common: which rows, whose, and what names them."""

    table: str = ""
    """SDTM: the domain."""
    form: str = ""
    """REDCap: the instrument; rows of other instruments and blank ones hold no such fact."""
    subject: str
    event: str = ""
    repeat: str = ""
    """The column that tells apart the facts of one subject, event and item."""


class NumberSource(Declared):
    """A further number of the subject, and the system that issued it."""

    column: str
    system: str


class SubjectSource(FactSource):
    """Where subjects stand. In REDCap the attributes are gathered from all rows of a record."""

    entity: Literal["subject"]
    site: Place
    other_numbers: tuple[NumberSource, ...] = ()
    arm: Place | None = None
    actual_arm: Place | None = None
    consented: str = ""
    randomised: str = ""
    randomisation_number: str = ""
    states: tuple[StateSource, ...] = Field(min_length=1)


class SurgerySource(FactSource):
    """Where the liver resection stands."""

    entity: Literal["surgery"]
    procedure: Place
    status: Place
    performed: str
    residual_tumour: Place | None = None


class DoseSource(FactSource):
    """Where the administrations of a study product stand."""

    entity: Literal["dose"]
    product: Place
    status: Place
    amount: str = ""
    unit: Place | None = None
    route: Place | None = None
    start: str
    end: str = ""
    form_of_product: str = ""
    schedule: str = ""
    cycle: Place | None = None
    lot: str = ""
    reason: str = ""


class ItemPlace(Declared):
    """One item of a wide table: its field, and the fields of its reference range."""

    item: str
    column: str
    low: str = ""
    high: str = ""


class MeasurementSource(FactSource):
    """Where measurements stand: an item a row (`item`, `value`), or an item a field (`items`)."""

    entity: Literal["measurement"]
    item: str = ""
    value: str = ""
    items: tuple[ItemPlace, ...] = ()
    item_table: str
    """The table `items.<name>` of codes.toml that says what each item is."""
    unit: str = ""
    low: str = ""
    high: str = ""
    measured: str
    status: Place
    """The Observation's status where there is a value."""
    status_without_value: Place
    interpretation: Place | None = None
    absent: Place | None = None
    """Why there is no value: an absent reason's key, where the source says so."""
    position: Place | None = None
    body_site: Place | None = None
    timepoint: str = ""
    note: Place | None = None

    @model_validator(mode="after")
    def _long_or_wide(self) -> MeasurementSource:
        if bool(self.items) == bool(self.item):
            raise ValueError("name either `item` and `value` (a row an item) or `items`")
        if self.item and not self.value:
            raise ValueError("`item` needs `value`, the column of the result")
        return self


EntitySource = Annotated[
    SubjectSource | SurgerySource | DoseSource | MeasurementSource, Field(discriminator="entity")
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
