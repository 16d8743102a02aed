"""All answers of one subject, rule by rule as the file has them; pure, the day is passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.trial.schedule import counts, limits, windows
from netfhir.trial.schedule.anchoring import never_due
from netfhir.trial.schedule.verdicts import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from netfhir.trial.schedule.language import Rule, ScheduleFile
    from netfhir.trial.schedule.occurrences import Course


def answers(schedule: ScheduleFile, course: Course, as_of: date) -> Iterator[Answer]:
    """Yield what every rule says of a subject at the end of the day `as_of`.

    A window, a total and a count answer always; a rule on single facts answers once for each.
    """
    for name, window in schedule.windows.items():
        if (refused := _not_for(name, window, schedule, course)) is not None:
            yield refused
        else:
            yield from windows.answers(name, window, schedule, course, as_of)
    for name, limit in schedule.limits.items():
        if limit.measure != "total" or course.arm in limit.arms or not limit.arms:
            yield from limits.measured(name, limit, schedule, course)
    for name, order in schedule.orders.items():
        yield from limits.ordered(name, order, schedule, course)
    for name, exclusive in schedule.exclusive.items():
        yield from limits.exclusive(name, exclusive, course)
    for name, count in schedule.counts.items():
        refused = _not_for(name, count, schedule, course)
        yield refused or counts.counted(name, count, schedule, course, as_of)


def _not_for(name: str, rule: Rule, schedule: ScheduleFile, course: Course) -> Answer | None:
    """Return the answer of a rule that is for other arms; None where it is for the subject's."""
    if not rule.arms or course.arm in rule.arms:
        return None
    if course.arm is None:
        return Answer(name, rule.title, *never_due(schedule, course, "no arm on record"))
    return Answer(name, rule.title, Verdict.NOT_APPLICABLE, "a rule of another arm")
