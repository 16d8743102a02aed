"""`netfhir check --source`: what the protocol's clock says of each subject of an export."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netfhir import clock
from netfhir.errors import RecordError
from netfhir.runs import opening
from netfhir.trial.schedule import declared, evaluation
from netfhir.trial.schedule.days import local_day
from netfhir.trial.schedule.occurrences import Courses

if TYPE_CHECKING:
    from datetime import date

    from netfhir.runs.opening import Input
    from netfhir.trial.declaration import Trial
    from netfhir.trial.schedule.occurrences import Course
    from netfhir.trial.schedule.verdicts import Answer, Verdict

FORMAT_VERSION = 1
_NO_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Checked:
    """One subject, and what each rule says at the end of a day."""

    course: Course
    as_of: date
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All subjects that were asked for, in the source's order, and the facts not read."""

    trial: str
    subjects: tuple[Checked, ...]
    rejects: tuple[RecordError, ...]

    def verdicts(self) -> Counter[Verdict]:
        """Return how often each verdict was given."""
        return Counter(answer.verdict for one in self.subjects for answer in one.answers)

    def statuses(self) -> set[int]:
        """Return the exit statuses: what the rules find is data, a fact not read is left over."""
        return {65} if self.rejects else set()


def run(trial: Trial, given: Input, as_of: date | None) -> Report:
    """Read an export and answer all rules as of a day; without one, of today at each site."""
    schedule = declared.needed(trial)
    courses, rejects = Courses(schedule.activities), []
    for name, fact in opening.facts(trial, given):
        if isinstance(fact, RecordError):
            rejects.append(fact)
        elif given.selection.takes(fact.subject):
            courses.take(name, fact)
    if not rejects:
        opening.all_met(given)
    now = clock.now()
    checked = []
    for course in courses.by_subject.values():
        day = as_of or local_day(now, course.zone or _NO_ZONE)
        checked.append(Checked(course, day, tuple(evaluation.answers(schedule, course, day))))
    return Report(trial.name, tuple(checked), tuple(rejects))


def document(report: Report) -> dict[str, Any]:
    """Return the document `check --source --json`; its keys are listed in docs/formats.md."""
    return {
        "version": FORMAT_VERSION,
        "trial": report.trial,
        "verdicts": {str(verdict): n for verdict, n in sorted(report.verdicts().items())},
        "subjects": [_subject(one) for one in report.subjects],
        "rejects": [error.as_record() for error in report.rejects],
    }


def _subject(one: Checked) -> dict[str, Any]:
    return {
        "subject": one.course.subject,
        "arm": one.course.arm,
        "as_of": one.as_of.isoformat(),
        "answers": [_answer(answer) for answer in one.answers],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "rule": answer.rule,
        "title": answer.title,
        "verdict": str(answer.verdict),
        "reason": answer.reason,
        "low": None if answer.low is None else str(answer.low),
        "high": None if answer.high is None else str(answer.high),
        "unit": answer.unit,
        "actual": answer.actual,
        "where": answer.found.origin if answer.found else "",
    }
