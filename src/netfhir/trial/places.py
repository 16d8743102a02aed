"""The words in which a declaration says where things stand: attributes, columns, links.

No expressions and no logic: an attribute is a column, a column read through a table of codes.toml,
or a constant with its reason. What an attribute may come to is written beside its field, so that
`netfhir check` needs no list of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo


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


class OneOf(NamedTuple):
    """Beside an attribute: the closed words that it may come to."""

    words: frozenset[str]


class Names(NamedTuple):
    """Beside an attribute: what kind of declared thing its words name."""

    kind: Literal["concept", "arm", "site", "visit"]


class _IsColumn(NamedTuple):
    """Beside a text: it is the name of a column."""


def _from_text(given: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    return {"column": given} if isinstance(given, str) else given


Column = Annotated[str, _IsColumn()]
Place = Annotated[Attribute, BeforeValidator(_from_text)]
ConceptPlace = Annotated[Place, Names("concept")]


class LinkSource(Declared):
    """A fact that this one refers to, found by its key: of the same subject.

    `to` is the entity, `element` the element of the resource that holds the reference. Its event
    is the fact's own unless `event` says another; its item is read from `item`.
    """

    element: str
    to: str
    form: str = ""
    """The form in the key of what is referred to, where that is not the entity's own name."""
    event: Place | None = None
    item: Place | None = None
    repeat: Column = ""
    required: bool = False
    """Whether a fact without it is refused; otherwise the reference is left out.

    A row in which a named column is blank refers to nothing, and is not refused.
    """


class FactSource(Declared):
    """What all entities have in common: which rows, whose, and what names them."""

    table: str = ""
    """SDTM: the domain."""
    form: str = ""
    """REDCap: the instrument; rows of other instruments and blank ones hold no such fact."""
    subject: Column
    event: Column = ""
    repeat: Column = ""
    """The column that tells apart the facts of one subject, event and item."""
    links: tuple[LinkSource, ...] = ()

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.subject,)


def columns(declared: Declared) -> set[str]:
    """Return the columns that a table of a declaration names, itself and in what it holds."""
    return set(_columns(declared))


def attributes(declared: Declared) -> Iterator[tuple[str, Attribute, OneOf | Names | None]]:
    """Yield each attribute by name, with what it may come to; None: anything."""
    for name, field in type(declared).model_fields.items():
        value = getattr(declared, name)
        if isinstance(value, Attribute):
            yield name, value, _allowed(field)
        for part in value if isinstance(value, tuple) else ():
            if isinstance(part, Declared):
                yield from attributes(part)


def _allowed(field: FieldInfo) -> OneOf | Names | None:
    return next((m for m in field.metadata if isinstance(m, OneOf | Names)), None)


def _columns(declared: Declared) -> Iterator[str]:
    for name, field in type(declared).model_fields.items():
        value = getattr(declared, name)
        if isinstance(value, Attribute):
            yield from [value.column] if value.column else []
        elif isinstance(value, Declared):
            yield from _columns(value)
        elif isinstance(value, tuple):
            for part in value:
                if isinstance(part, Declared):
                    yield from _columns(part)
        elif value and any(isinstance(m, _IsColumn) for m in field.metadata):
            yield str(value)
