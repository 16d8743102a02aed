"""Concept sets: which (system, code) pairs mean one thing that a criterion may ask for.

A code never counts without its system: 2106-3 is a pregnancy test in LOINC and a race in CDC's
code system. Source of the rows: mappings/terminology/concept-sets.toml, where each names its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError, model_validator

from netfhir.errors import DeclarationError
from netfhir.screening.needs import Exact, ResourceType
from netfhir.terminology import documents
from netfhir.terminology.concepts import Coding
from netfhir.trial.places import Declared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from netfhir.terminology.concepts import Terminology

FILE = "terminology/concept-sets.toml"
Code = tuple[str, str]


class Answer(Coding):
    """A coded result and the number for which it stands; none: it says that nobody can tell."""

    number: Exact | None = None


class ConceptSet(Declared):
    """Codes of one meaning, and what its coded results stand for."""

    text: str
    types: tuple[ResourceType, ...] = Field(min_length=1)
    members: tuple[str, ...] = ()
    """Keys of concepts.toml, all codes of which belong."""
    coding: tuple[Answer, ...] = ()
    """Further codes; `number` where the code itself is the result."""
    answers: dict[str, Exact] = Field(default_factory=dict)
    """Key of concepts.toml -> the number for which this coded result stands."""
    answer: tuple[Answer, ...] = ()
    words: tuple[str, ...] = ()
    """How people write it: a local code of such words is named as unmapped, never read."""
    unitless: bool = False
    """Whether the result is a score or a class: compared as the unit `1`."""
    all_of: tuple[str, ...] = ()
    """One resource must carry a code of each of these sets."""
    note: str = ""

    @model_validator(mode="after")
    def _some_codes(self) -> ConceptSet:
        if bool(self.all_of) == bool(self.members or self.coding):
            raise ValueError("either codes (`members`, `coding`) or `all_of`")
        return self


@dataclass(frozen=True, slots=True)
class Row:
    """One code of a set; `number` where it is a result by itself."""

    concept: str
    code: Code
    number: Decimal | None


@dataclass(frozen=True, slots=True)
class ConceptSets:
    """All sets, and their codes spread out for look-up."""

    sets: Mapping[str, ConceptSet]
    rows: tuple[Row, ...]
    answers: Mapping[tuple[str, Code], Decimal | None]
    """(set, code of a result) -> number; None: the result says that nobody can tell."""

    @property
    def systems(self) -> frozenset[str]:
        """Return the code systems that are understood at all."""
        return frozenset(row.code[0] for row in self.rows)

    def by_code(self) -> dict[Code, list[Row]]:
        """Return the rows by (system, code)."""
        found: dict[Code, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.code, []).append(row)
        return found

    def by_words(self) -> dict[str, str]:
        """Return the set's name by its words, in small letters."""
        return {word.lower(): key for key, one in self.sets.items() for word in one.words}

    def unknown(self, names: Sequence[str], where: str) -> list[DeclarationError]:
        """Return an error for each name that is no set."""
        return [
            DeclarationError(
                "unknown-key",
                where=where,
                found=f"`{name}`",
                expected=f"a concept set of mappings/{FILE}",
                remedy="mend the name, or add the set with the source of its codes",
            )
            for name in names
            if name not in self.sets
        ]


def load(folders: Sequence[Path], terminology: Terminology) -> ConceptSets:
    """Read all concept sets, overlaid by the site's folders; raises DeclarationError."""
    sets: dict[str, ConceptSet] = {}
    for key, table in documents.read(folders, FILE).items():
        try:
            sets[key] = ConceptSet.model_validate(table)
        except ValidationError as error:
            raise documents.invalid(error, f"{FILE}:{key}") from error
    rows: list[Row] = []
    answers: dict[tuple[str, Code], Decimal | None] = {}
    for key, one in sets.items():
        rows += _rows(key, one, terminology)
        answers.update(_answers(key, one, terminology))
    found = ConceptSets(sets, tuple(rows), answers)
    for key, one in sets.items():
        for wrong in found.unknown(one.all_of, f"{FILE}:{key}.all_of"):
            raise wrong
    return found


def _rows(key: str, one: ConceptSet, terminology: Terminology) -> list[Row]:
    where = f"{FILE}:{key}.members"
    shared = [c for name in one.members for c in terminology.concept(name, where=where).coding]
    rows = [Row(key, (coding.system, coding.code), None) for coding in shared]
    return rows + [Row(key, (own.system, own.code), own.number) for own in one.coding]


def _answers(
    key: str, one: ConceptSet, terminology: Terminology
) -> dict[tuple[str, Code], Decimal | None]:
    found: dict[tuple[str, Code], Decimal | None] = {
        (key, (own.system, own.code)): own.number for own in one.answer
    }
    for name, number in one.answers.items():
        for coding in terminology.concept(name, where=f"{FILE}:{key}.answers").coding:
            found[key, (coding.system, coding.code)] = number
    return found
