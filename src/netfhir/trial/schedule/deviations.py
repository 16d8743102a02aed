"""Answers that deviate, as facts of the trial."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from netfhir.fhir.dates import LocalTime
from netfhir.trial.derived import Deviation
from netfhir.trial.entities import Amount, Link
from netfhir.trial.schedule.verdicts import DEVIATING, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netfhir.fhir.identity import SourceKey
    from netfhir.trial.derived import Told
    from netfhir.trial.schedule.language import ScheduleFile
    from netfhir.trial.schedule.occurrences import Course
    from netfhir.trial.schedule.verdicts import Answer, Bound


def deviations(
    schedule: ScheduleFile, course: Course, answers: Iterable[Answer]
) -> Iterator[Deviation]:
    """Yield a Deviation for each answer that says that the protocol was not kept."""
    for answer in answers:
        if answer.verdict in DEVIATING and course.key is not None:
            yield _deviation(schedule, course, course.key, answer)


def _deviation(
    schedule: ScheduleFile, course: Course, subject: SourceKey, answer: Answer
) -> Deviation:
    found = answer.found
    cited = found if found is not None and found.refer else None
    missing = answer.verdict is Verdict.MISSING
    return Deviation(
        key=_key(subject, answer),
        origin=found.origin if found else course.origin,
        subject=course.subject,
        zone=course.zone,
        status=schedule.derived_status,
        rule=answer.rule,
        title=answer.title,
        kind=answer.verdict,
        occurred=_told(answer.high, "") if missing else (found.when if found else None),
        links=(Link(element="focus", to=cited.entity, key=cited.key),) if cited else (),
        low=_told(answer.low, answer.unit),
        high=_told(answer.high, answer.unit),
        actual=_actual(answer),
        reason=answer.reason,
        version=schedule.version,
    )


def _key(subject: SourceKey, answer: Answer) -> SourceKey:
    """Return the rule's name with the key of the fact that deviates."""
    if answer.found is None:
        return subject._replace(event="", form="deviation", item=answer.rule, repeat="")
    fact = answer.found.key
    return fact._replace(form="deviation", item=f"{answer.rule}/{fact.form}/{fact.item}")


def _told(bound: Bound, unit: str) -> Told:
    if isinstance(bound, date):
        return LocalTime(bound.isoformat())
    return Amount(value=bound, ucum=unit, unit=unit) if bound is not None else None


def _actual(answer: Answer) -> Told:
    if answer.verdict is Verdict.MISSING or not answer.actual:
        return None
    if answer.unit:
        return Amount(value=Decimal(answer.actual), ucum=answer.unit, unit=answer.unit)
    return answer.found.when if answer.found else None
