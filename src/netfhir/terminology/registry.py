"""The enums and fields of a ClinicalTrials.gov record in FHIR's codes: `terminology/registry.toml`.

Looks up, and says why a value has no code; it knows neither a record nor a resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from netfhir.terminology import documents
from netfhir.terminology.concepts import Coding, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE: Final = "terminology/registry.toml"

#: The keys of the file that are no table of terms.
_EXTENSION_BASE: Final = "extension_base"
_TEXT_TABLES: Final = ("not_carried", "notes", "countries")


class Term(BaseModel):
    """One value of an enum: its words, its codes, and what is lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Text
    coding: tuple[Coding, ...] = ()
    r5: tuple[Coding, ...] = ()
    """Further codings, of code systems that only R5 has."""
    element: dict[str, str] = Field(default_factory=dict)
    """Codes of R4 elements that hold a bare code, by the element's name."""
    source: str = ""
    """Where the codes of `element` come from."""
    reason: str = ""
    """Why there is no coding."""
    lossy: str = ""
    """What the R4 code loses or bends."""
    system: str = ""
    """The identifier system of a number of this kind; "" stands for our own base."""

    @model_validator(mode="after")
    def _says_why(self) -> Term:
        if not (self.coding or self.element or self.reason or self.r5):
            raise ValueError("a row needs a coding, an element's code, or the reason why not")
        if self.element and not self.source:
            raise ValueError("the codes of `element` need their source")
        return self

    def codeable(self, text: str = "") -> dict[str, Any]:
        """Return a CodeableConcept: the codings, and these words or the row's."""
        concept: dict[str, Any] = {"text": text or self.text}
        if self.coding:
            concept["coding"] = [row.as_fhir() for row in self.coding]
        return concept


@dataclass(frozen=True, slots=True)
class RegistryTerms:
    """The whole file: a table an enum, the fields that are not carried, notes and countries."""

    tables: Mapping[str, Mapping[str, Term]]
    not_carried: Mapping[str, str]
    """Path of a field or of a module -> why it is not carried."""
    notes: Mapping[str, str]
    """Path of a field that becomes a note -> the note's label."""
    countries: Mapping[str, str]
    """The registry's name of a country -> ISO 3166-1 alpha-2."""
    extension_base: str
    """Where this site's server knows the extensions for R5's elements."""

    @classmethod
    def load(cls, folders: Sequence[Path]) -> RegistryTerms:
        """Read `terminology/registry.toml` under `mappings/` and its overlays."""
        document = documents.read(folders, FILE)
        base = document.pop(_EXTENSION_BASE, "")
        texts = {name: document.pop(name, {}) for name in _TEXT_TABLES}
        try:
            tables = {name: _table(rows, name) for name, rows in document.items()}
            return cls(tables=tables, extension_base=_Base(url=base).url, **texts)
        except ValidationError as error:
            raise documents.invalid(error, FILE) from error

    def term(self, table: str, value: str) -> Term | None:
        """Return what a value of an enum means; None if the file does not know it."""
        return self.tables.get(table, {}).get(value)

    def codeable(self, table: str, value: str, text: str = "") -> dict[str, Any]:
        """Return the CodeableConcept of a value; of an unknown one, its own text."""
        term = self.term(table, value)
        return term.codeable(text) if term else {"text": text or value}

    def element(self, table: str, value: str, name: str) -> str:
        """Return the code of an R4 element that holds a bare code; "" if there is none."""
        term = self.term(table, value)
        return term.element.get(name, "") if term else ""


class _Base(BaseModel):
    url: Text


def _table(rows: Mapping[str, Any], name: str) -> dict[str, Term]:
    table: dict[str, Term] = {}
    for value, row in rows.items():
        try:
            table[value] = Term.model_validate(row)
        except ValidationError as error:
            raise documents.invalid(error, f"{FILE}:{name}.{value}") from error
    return table
