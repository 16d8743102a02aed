"""Concepts and units by their key in `mappings/terminology`: system, code, display, status.

A row without system, code, source, status or licence is refused. Which rows may be shipped is
held by the contract tests; a site's overlay may add `local` and `licensed` ones.
Source of the rows: mappings/terminology/*.toml, where each names its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from netfhir.errors import DeclarationError
from netfhir.terminology import documents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Row = TypeVar("Row", bound=BaseModel)

UCUM = "http://unitsofmeasure.org"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text that says something; an empty one is as good as none."""


class Coding(BaseModel):
    """One code of one system, with where it was found and under which terms it is shipped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: Text
    code: Text
    display: str = ""
    version: str = ""
    source: Text
    status: Literal["V", "V1", "local", "licensed"]
    licence: Text

    def as_fhir(self) -> dict[str, Any]:
        """Return a FHIR Coding."""
        coding = {"system": self.system, "code": self.code}
        if self.display:
            coding["display"] = self.display
        if self.version:
            coding["version"] = self.version
        return coding


class Concept(BaseModel):
    """What is meant, in words, and its codes in order of preference (none is allowed)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Text
    note: str = ""
    property: str = ""
    """What kind of quantity the code stands for, such as `mass-concentration`."""
    coding: tuple[Coding, ...] = ()

    def codeable(self, *first: dict[str, Any], text: str = "") -> dict[str, Any]:
        """Return a CodeableConcept: the source's own codings first, then these, and the text."""
        coding = [*first, *(row.as_fhir() for row in self.coding)]
        return (
            {"coding": coding, "text": text or self.text} if coding else {"text": text or self.text}
        )


class Unit(BaseModel):
    """A UCUM unit that a mapping may name; its key is the UCUM code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    display: Text
    property: Annotated[tuple[Text, ...], Field(min_length=1)]
    """The kinds of quantity that this unit can measure, at least one."""
    source: Text


@dataclass(frozen=True, slots=True)
class Terminology:
    """All concepts and units, by key; an unknown key is a declaration's error."""

    concepts: Mapping[str, Concept]
    units: Mapping[str, Unit]

    @classmethod
    def load(cls, folders: Sequence[Path]) -> Terminology:
        """Read `terminology/concepts.toml` and `units.toml` under `mappings/` and its overlays."""
        return cls(
            concepts=_rows(folders, "terminology/concepts.toml", Concept),
            units=_rows(folders, "terminology/units.toml", Unit),
        )

    def concept(self, key: str, *, where: str) -> Concept:
        """Return the concept named `key`; `where` is the declaration that names it."""
        return _known(self.concepts, key, where, "concepts.toml")

    def unit(self, ucum: str, *, where: str) -> Unit:
        """Return the unit whose UCUM code is `ucum`."""
        return _known(self.units, ucum, where, "units.toml")


def _rows(folders: Sequence[Path], name: str, model: type[Row]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for key, table in documents.read(folders, name).items():
        try:
            rows[key] = model.model_validate(table)
        except ValidationError as error:
            raise documents.invalid(error, f"{name}:{key}") from error
    return rows


def _known(rows: Mapping[str, Row], key: str, where: str, file: str) -> Row:
    if key in rows:
        return rows[key]
    close = ", ".join(get_close_matches(key, rows, n=3))
    raise DeclarationError(
        "unknown-key",
        where=where,
        found=f"`{key}`",
        expected=f"a key of mappings/terminology/{file}" + (f", such as {close}" if close else ""),
        remedy="mend the name, or add the row with its source",
    )
