"""What screening knows of a hospital: narrow rows, whatever resource they come from.

A fact carries the concept set that it belongs to, when it was, its result as an exact number with
unit and the result's own reference range, and what is wrong with it (`defect`). A resource that
could not be read is a gap: it is never taken for absence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

Cause = Literal[
    "ambiguous-protocol",
    "conflicting",
    "data-error",
    "local-code-unmapped",
    "no-data",
    "no-reference-range",
    "not-consented",
    "not-machine-decidable",
    "outside-window",
    "stale",
    "unit-missing",
    "unit-not-comparable",
]


@dataclass(frozen=True, slots=True)
class Fact:
    """One resource as far as it bears on one concept set."""

    patient: str
    concept: str
    type: str
    id: str
    version: str = ""
    updated: str = ""
    """meta.lastUpdated: of two copies of a resource, the later one counts."""
    code: str = ""
    """The code that matched, or the coded result."""
    since: date | None = None
    """The first day of a period."""
    lo: date | None = None
    hi: date | None = None
    """The day of the fact (of a period, its end) as an interval; none where it lasts."""
    number: Decimal | None = None
    comparator: str = ""
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    weak: bool = False
    """Recorded, but not as a thing that happened: an order, a suspicion, a preliminary report."""
    ended: bool = False
    defect: Cause | Literal[""] = ""
    gone: bool = False
    """The record says that it is not so (refuted, in error): it takes back earlier copies."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A resource of this type that says nothing, though it may have said something."""

    patient: str
    """Empty: of nobody knows whom, so perhaps of anybody."""
    type: str
    cause: Cause
    concept: str = ""
    """The set that the words of an unmapped local code name, if they do."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A decision about research: from when, and for which days."""

    permit: bool
    decided: date | None
    start: date | None
    end: date | None
    id: str = ""
    version: str = ""
    updated: str = ""
    stands: bool = True
    """Whether it is in force; one that is not takes back earlier copies."""


@dataclass(frozen=True, slots=True)
class Person:
    """A patient: gender and birth, and what was decided about research."""

    id: str
    version: str = ""
    updated: str = ""
    gender: str = ""
    born_lo: date | None = None
    born_hi: date | None = None
    deceased: bool = False


@dataclass(slots=True)
class Record:
    """Everything that bears on one patient."""

    person: Person
    facts: list[Fact] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)


def newest(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts of each resource as its latest copy has them, in order of their sets."""
    latest: dict[tuple[str, str], dict[str, Fact]] = {}
    for fact in facts:
        held = latest.setdefault((fact.type, fact.id), {})
        other = next(iter(held.values()), None)
        if other is not None and order(other) < order(fact):
            held.clear()
        if other is None or order(other) <= order(fact):
            held.setdefault(fact.concept, fact)
    kept = [fact for held in latest.values() for fact in held.values() if not fact.gone]
    return sorted(kept, key=lambda fact: (fact.concept, fact.type, fact.id))


def order(copy: Fact | Person | Consent) -> tuple[str, int, str]:
    """Return what orders copies of one resource: the time of writing, then the version."""
    return copy.updated, len(copy.version), copy.version


def bare(number: Decimal) -> Decimal:
    """Return a number without trailing zeros."""
    plain = format(number, "f")
    return Decimal(plain.rstrip("0").rstrip(".") if "." in plain else plain)


def text(number: Decimal) -> str:
    """Return a number as it is written in evidence: plain, with the zeros that it came with."""
    return format(number, "f")
