"""The shape of `mappings/<trial>/sources/*.toml`: where each attribute stands in an export.

No expressions and no logic: an attribute is a column, a column read through a table of codes.toml,
or a constant with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterator


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

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.subject,)


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

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.performed,)


class DoseSource(FactSource):
    """Where the administrations of a study product stand."""

    entity: Literal["dose"]
    product: Place
    status: Place
    amount: str = ""
    unit: Place | None = None
    route: Place | None = None
    start: str
    planned: str = ""
    """The planned date: the only one of a dose that was not given."""
    end: str = ""
    form_of_product: str = ""
    schedule: str = ""
    cycle: Place | None = None
    lot: str = ""
    reason: str = ""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return tuple(place.column for place in (self.product, self.status) if place.column)


class Part(Declared):
    """One of several values that a single row holds of one item, such as systolic pressure."""

    item: str
    column: str


class ItemPlace(Declared):
    """One item of a wide table: its field, and the fields of its reference range.

    An item of `parts` has no field of its own; each part has (a blood pressure of two).
    """

    item: str
    column: str = ""
    by: Place | None = None
    """Where another field decides which item it is; `item` where that field does not say."""
    low: str = ""
    high: str = ""
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

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.value,) if self.value else tuple(c for i in self.items for c in i.columns)


class DeviationSource(FactSource):
    """Where people record protocol deviations (SDTM: DV)."""

    entity: Literal["deviation"]
    status: Place
    category: str
    """The column of the kind of deviation, in the source's own words or codes."""
    description: str
    occurred: str = ""
    severity: Place | None = None
    reason: str = ""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.category, self.description)


EntitySource = Annotated[
    SubjectSource | SurgerySource | DoseSource | MeasurementSource | DeviationSource,
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


#: Names of string keys that hold no column.
_NO_COLUMNS = frozenset({"entity", "table", "form", "item_table", "system", "constant", "reason"})


def columns(source: EntitySource) -> dict[str, set[str]]:
    """Return the columns that a source names, by table ("" is REDCap's only one)."""
    named: dict[str, set[str]] = {source.table: set(_columns(source))}
    for state in source.states if isinstance(source, SubjectSource) else ():
        named.setdefault(state.table or source.table, set()).update(_columns(state))
    return named


def _columns(declared: Declared) -> Iterator[str]:
    for name in type(declared).model_fields:
        value = getattr(declared, name)
        if isinstance(value, Attribute):
            yield from [value.column] if value.column else []
        elif isinstance(value, tuple):
            for part in value:
                if isinstance(part, ItemPlace):
                    yield from part.columns
                if isinstance(part, ItemPlace | NumberSource):
                    yield from _columns(part)
        elif isinstance(value, str) and value and _is_column(declared, name):
            yield value


def _is_column(declared: Declared, name: str) -> bool:
    if isinstance(declared, ItemPlace) and name == "item":
        return False
    if isinstance(declared, FactSource):
        return name not in _NO_COLUMNS - {"reason"}
    return name not in _NO_COLUMNS or (isinstance(declared, StateSource) and name == "reason")
