"""From what a rule counts, and until when it asks: anchors, and subjects who have left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.trial.schedule import timing
from netfhir.trial.schedule.verdicts import Verdict

if TYPE_CHECKING:
    from netfhir.trial.schedule.days import Days
    from netfhir.trial.schedule.language import ScheduleFile
    from netfhir.trial.schedule.occurrences import Course

NOT_ON_RECORD: Final = "not on record"
LEFT: Final = "the subject left before the window closed"
PARTIAL: Final = "a partial date does not decide"
UNSURE: Final = "the day on which the subject left is not certain"


def anchor_of(course: Course, activity: str) -> Days | str:
    """Return the days of an anchor, or why they are not known."""
    found = course.found.get(activity, [])
    if not found:
        return NOT_ON_RECORD
    days = {one.days for one in found}
    first = days.pop()
    if days:
        return f"{len(found)} on record, of different days"
    return "its day is not on record" if first is None else first


def left(
    schedule: ScheduleFile, course: Course, window: timing.Window, anchor: Days
) -> bool | None:
    """Tell whether the subject left before a window had closed; None where it is not certain."""
    stops = [one for name in schedule.stops.activities for one in course.found.get(name, [])]
    if not stops:
        return False
    known = timing.first_of(one.days for one in stops if one.days is not None)
    gone = timing.ended(window, anchor, known) if known else None
    if gone:
        return True
    return None if any(one.days is None for one in stops) else gone


def never_due(schedule: ScheduleFile, course: Course, why: str) -> tuple[Verdict, str]:
    """Return the answer of a rule whose condition has not come about: it may yet, or no more."""
    if any(course.found.get(name) for name in schedule.stops.activities):
        return Verdict.NOT_APPLICABLE, LEFT
    return Verdict.NOT_YET_DUE, why
