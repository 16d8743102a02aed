"""Answers of the rules that count: how often an activity takes place by some time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfhir.trial.schedule import timing
from netfhir.trial.schedule.anchoring import (
    LEFT,
    NOT_ON_RECORD,
    PARTIAL,
    UNSURE,
    anchor_of,
    left,
    never_due,
)
from netfhir.trial.schedule.verdicts import Answer, Verdict

if TYPE_CHECKING:
    from datetime import date

    from netfhir.trial.schedule.language import Count, ScheduleFile
    from netfhir.trial.schedule.occurrences import Course


def counted(name: str, rule: Count, schedule: ScheduleFile, course: Course, as_of: date) -> Answer:
    """Return whether an activity took place as often as it should by some time."""
    anchor = anchor_of(course, rule.anchor)
    events = {(one.key.event, one.key.repeat) for one in course.found.get(rule.activity, [])}
    answer = Answer(name, rule.title, Verdict.IN_WINDOW, actual=f"{len(events)}/{rule.expected}")
    if isinstance(anchor, str):
        why = f"{schedule.activities[rule.anchor].title}: {anchor}"
        verdict = Verdict.NOT_EVALUABLE
        if anchor == NOT_ON_RECORD:
            verdict, why = never_due(schedule, course, why)
        return replace(answer, verdict=verdict, reason=why)
    window = timing.Window(None, rule.by, schedule.calendar.month_end)
    answer = replace(answer, high=window.closes(anchor.hi))
    if len(events) >= rule.expected:
        return answer
    gone = left(schedule, course, window, anchor)
    if gone is not False:
        verdict = Verdict.NOT_APPLICABLE if gone else Verdict.NOT_EVALUABLE
        return replace(answer, verdict=verdict, reason=LEFT if gone else UNSURE)
    verdict = timing.unmet(window, anchor, as_of)
    few = f"{len(events)} of {rule.expected} on record"
    reason = PARTIAL if verdict is Verdict.NOT_EVALUABLE else few
    return replace(answer, verdict=verdict, reason=reason)
