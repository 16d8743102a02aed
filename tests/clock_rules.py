"""A small schedule in memory, and courses to hold against it; no file, no entity."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.trial.entities import Amount
from netfhir.trial.schedule import evaluation
from netfhir.trial.schedule.language import ScheduleFile
from netfhir.trial.schedule.occurrences import Course, Occurrence

if TYPE_CHECKING:
    from netfhir.trial.schedule.verdicts import Answer, Verdict

SUBJECT = SourceKey("TINY", "S1", form="subject")
SAID = {"title": "A rule", "text": "As the protocol says."}
PLACE = {"entity": "dose", "when": "start"}


def activity(title: str, **more: Any) -> dict[str, Any]:
    """Return a declared activity."""
    return {"title": title, "from": [PLACE], **more}


def window(**more: Any) -> dict[str, Any]:
    """Return a rule: scan due 42 days after surgery, from the 28th to the 56th."""
    given = {"activity": "scan", "anchor": "surgery", "at": ["42 d"], "match": "all"}
    if "before" not in more:
        given |= {"earliest": "28 d", "latest": "56 d"}
    return SAID | given | more


def limit(**more: Any) -> dict[str, Any]:
    """Return a rule: 7.4 GBq a dose, ten per cent each way, 1 to 10 plausible."""
    given = {"activities": ["dose"], "measure": "amount", "unit": "GBq", "nominal": "7.4"}
    given |= {"low": "6.66", "high": "8.14", "plausible_low": "1", "plausible_high": "10"}
    return SAID | given | {"units": {"GBq": "1", "MBq": "0.001", "mCi": "0.037"}} | more


def declaration(**rules: Any) -> dict[str, Any]:
    """Return a schedule's document with these rules."""
    return {
        "language": 1,
        "version": "7",
        "protocol": "A protocol",
        "derived_status": "final",
        "calendar": {"month_end": "last-day", "reason": "a month is never left"},
        "activities": {
            "surgery": activity("Surgery", kind="ServiceRequest"),
            "scan": activity("Scan", kind="ServiceRequest"),
            "dose": activity("Dose", kind="MedicationRequest"),
            "toxicity": activity("A linked toxicity"),
            "gone": activity("Left"),
        },
        "stops": {"activities": ["gone"], "text": "They stop.", "reason": "nobody owes a visit"},
        **rules,
    }


def schedule(**rules: Any) -> ScheduleFile:
    """Return the schedule with these rules."""
    return ScheduleFile.model_validate(declaration(**rules))


def amount(value: str, ucum: str = "GBq") -> Amount:
    """Return an amount."""
    return Amount(value=Decimal(value), ucum=ucum, unit=ucum)


def one(name: str, when: str | None, event: str = "", **more: Any) -> Occurrence:
    """Return something that took place."""
    key = SourceKey("TINY", "S1", event or f"{name} {when}", name)
    told = LocalTime(when) if when else None
    return Occurrence(name, key, "surgery", f"{name}.csv:2", told, **more)


def course(
    *found: Occurrence, arm: str | None = "b", not_done: tuple[Occurrence, ...] = ()
) -> Course:
    """Return a subject's course of these."""
    made = Course("S1", "Europe/London", arm, key=SUBJECT, origin="subjects.csv:2")
    for occurrence in found:
        made.found[occurrence.activity].append(occurrence)
    for occurrence in not_done:
        made.not_done[occurrence.activity].append(occurrence)
    return made


def answers(rules: ScheduleFile, subject: Course, as_of: str = "2024-01-01") -> list[Answer]:
    """Return all answers at the end of a day."""
    return list(evaluation.answers(rules, subject, date.fromisoformat(as_of)))


def answer(rules: ScheduleFile, subject: Course, as_of: str = "2024-01-01") -> Answer:
    """Return the only answer."""
    (found,) = answers(rules, subject, as_of)
    return found


def verdict(rules: ScheduleFile, subject: Course, as_of: str = "2024-01-01") -> Verdict:
    """Return the only verdict."""
    return answer(rules, subject, as_of).verdict
