"""What a rule may answer of a subject, and the answer itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from netfhir.trial.schedule.occurrences import Occurrence

Bound = date | Decimal | None
"""A day, or a number in the rule's unit."""


class Verdict(StrEnum):
    """The closed set of answers."""

    IN_WINDOW = "in window"
    EARLY = "early"
    LATE = "late"
    MISSING = "missing"
    NOT_YET_DUE = "not yet due"
    NOT_EVALUABLE = "not evaluable"
    NOT_APPLICABLE = "not applicable"
    WITHIN_LIMITS = "within limits"
    BELOW = "below"
    ABOVE = "above"
    IMPLAUSIBLE = "implausible"
    NOT_ALLOWED = "not allowed"


#: The answers that say that the protocol was not kept.
DEVIATING: Final = frozenset(
    {
        Verdict.EARLY,
        Verdict.LATE,
        Verdict.MISSING,
        Verdict.BELOW,
        Verdict.ABOVE,
        Verdict.IMPLAUSIBLE,
        Verdict.NOT_ALLOWED,
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule says of one subject, or of one thing that took place."""

    rule: str
    title: str
    verdict: Verdict
    reason: str = ""
    low: Bound = None
    """The least that is allowed; of a partial anchor, the widest reading."""
    high: Bound = None
    unit: str = ""
    """UCUM, where the bounds and the actual value are numbers."""
    actual: str = ""
    """As the source has it: a date of any precision, or digits."""
    found: Occurrence | None = None
