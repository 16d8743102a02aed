"""A verdict: what one criterion says of one patient, why, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from netfhir.screening.facts import text

if TYPE_CHECKING:
    from datetime import date

    from netfhir.screening.facts import Cause, Fact

Status = Literal["met", "not-met", "unknown", "not-applicable"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact as it was when the verdict was given, and what it was held against."""

    type: str
    id: str
    version: str
    value: str
    unit: str
    threshold: str
    start: date | None
    end: date | None

    @classmethod
    def of(cls, fact: Fact, threshold: str = "") -> Evidence:
        """Return a fact as evidence: its number, or the code that it carries."""
        value = fact.comparator + text(fact.number) if fact.number is not None else fact.code
        unit = fact.unit if fact.number is not None else ""
        start = fact.since or fact.lo
        return cls(fact.type, fact.id, fact.version, value, unit, threshold, start, fact.hi)

    def as_row(self) -> dict[str, Any]:
        """Return the evidence as it stands in verdicts.ndjson."""
        return {
            "type": self.type,
            "id": self.id,
            "version": self.version,
            "value": self.value,
            "unit": self.unit,
            "threshold": self.threshold,
            "effective": [_iso(self.start), _iso(self.end)],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a need or a rule says: true, false, or None with a cause and a question."""

    truth: bool | None
    cause: Cause | None = None
    evidence: tuple[Evidence, ...] = ()
    resolves_on: date | None = None
    question: str = ""
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A verdict without its evidence: what the roll-up counts and ranks by."""

    patient: str
    criterion: str
    status: Status
    cause: Cause | None
    resolves_on: date | None
    question: str | None
    cost: int
    evident: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of verdicts.ndjson; `cost` is of the question and stays inside."""

    patient: str
    criterion: str
    status: Status
    cause: Cause | None = None
    evidence: tuple[Evidence, ...] = ()
    resolves_on: date | None = None
    question: str | None = None
    cost: int = 0

    @classmethod
    def of(cls, patient: str, criterion: str, answer: Answer) -> Verdict:
        """Return the verdict that an answer gives."""
        unknown = answer.truth is None
        return cls(
            patient,
            criterion,
            "unknown" if unknown else "met" if answer.truth else "not-met",
            answer.cause if unknown else None,
            answer.evidence,
            answer.resolves_on,
            answer.question if unknown else None,
            answer.cost if unknown else 0,
        )

    @property
    def line(self) -> Line:
        """Return what the roll-up needs to know."""
        return Line(
            self.patient,
            self.criterion,
            self.status,
            self.cause,
            self.resolves_on,
            self.question,
            self.cost,
            evident=bool(self.evidence),
        )

    def as_row(self) -> dict[str, Any]:
        """Return the row; its keys and their order are fixed."""
        return {
            "patient": self.patient,
            "criterion": self.criterion,
            "status": self.status,
            "cause": self.cause,
            "evidence": [one.as_row() for one in self.evidence],
            "resolves_on": _iso(self.resolves_on),
            "question": self.question,
        }


def spoken(day: date) -> str:
    """Return a day as a question names it: 3 May 2026."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
