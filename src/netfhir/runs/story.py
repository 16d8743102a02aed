"""One subject's way through the trial, in the order of the days, as a nurse would tell it.

What took place with the verdict of each rule on it, what is open or missing, and a few series of
results that schedule.toml names. Patient data: for the eyes of who asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from netfhir import clock
from netfhir.errors import RecordError
from netfhir.runs import opening
from netfhir.trial.entities import Amount, Measurement
from netfhir.trial.schedule import declared, evaluation
from netfhir.trial.schedule.days import local_day
from netfhir.trial.schedule.occurrences import Courses
from netfhir.trial.schedule.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netfhir.runs.opening import Input
    from netfhir.trial.declaration import Trial
    from netfhir.trial.schedule.language import ScheduleFile
    from netfhir.trial.schedule.occurrences import Course, Occurrence
    from netfhir.trial.schedule.verdicts import Answer

_NO_ZONE = "UTC"
_IN_ORDER = frozenset({Verdict.IN_WINDOW, Verdict.WITHIN_LIMITS})
_OPEN = frozenset({Verdict.MISSING, Verdict.NOT_YET_DUE, Verdict.NOT_EVALUABLE})


@dataclass(frozen=True, slots=True)
class Line:
    """Something that took place, or is due: the day, what it was, and what the rules say."""

    when: str
    what: str
    detail: str = ""
    due: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Results of some items by day: `rows` hold a day, then a text an item."""

    items: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Story:
    """All of it."""

    subject: str
    arm: str
    as_of: date
    lines: tuple[Line, ...]
    open: tuple[Line, ...]
    series: Series


@dataclass(slots=True)
class _Results:
    """Day -> item -> what was found, of the items that a story shows."""

    shown: Mapping[str, tuple[str, ...]]
    units: Mapping[str, str]
    by_day: dict[str, dict[str, str]] = field(default_factory=dict)

    def take(self, fact: Measurement) -> None:
        if fact.item not in self.shown.get(fact.item_table, ()) or fact.measured is None:
            return
        row = self.by_day.setdefault(fact.measured.date, {})
        said = _value(fact, self.units.get(fact.item, ""))
        earlier = row.get(fact.item)
        row[fact.item] = f"{earlier}, {said}" if earlier else said

    def series(self) -> Series:
        items = [item for table in self.shown.values() for item in table]
        used = [item for item in items if any(item in row for row in self.by_day.values())]
        rows = [(day, *(row.get(item, "") for item in used)) for day, row in self.by_day.items()]
        heads = tuple(f"{item} {self.units.get(item, '')}".strip() for item in used)
        return Series(heads, tuple(sorted(rows)))


def run(trial: Trial, given: Input, as_of: date | None) -> list[Story]:
    """Return the story of each subject that the input takes, rejected facts left out."""
    schedule = declared.needed(trial)
    courses, results = Courses(schedule.activities), dict[str, _Results]()
    units = _units(trial, schedule)
    for name, fact in opening.facts(trial, given):
        if isinstance(fact, RecordError) or not given.selection.takes(fact.subject):
            continue
        courses.take(name, fact)
        own = results.setdefault(fact.subject, _Results(schedule.story, units))
        if isinstance(fact, Measurement):
            own.take(fact)
    opening.all_met(given)
    return [
        _story(trial, schedule, course, results[course.subject], as_of)
        for course in courses.by_subject.values()
    ]


def _story(
    trial: Trial, schedule: ScheduleFile, course: Course, results: _Results, as_of: date | None
) -> Story:
    day = as_of or local_day(clock.now(), course.zone or _NO_ZONE)
    answers = list(evaluation.answers(schedule, course, day))
    lines = [_told(schedule, facts, answers) for facts in _facts(schedule, course)]
    return Story(
        course.subject,
        trial.file.arms[course.arm].name if course.arm else "no arm",
        day,
        tuple(sorted(lines, key=lambda line: (line.when or "9999", line.what))),
        tuple(_open(answers)),
        results.series(),
    )


def _facts(schedule: ScheduleFile, course: Course) -> Iterable[list[Occurrence]]:
    """Return what took place, fact by fact; the first activity declared comes first."""
    facts: dict[tuple[object, ...], list[Occurrence]] = {}
    for name in schedule.activities:
        for one in course.found.get(name, []):
            facts.setdefault((one.key, one.when), []).append(one)
    return facts.values()


def _told(schedule: ScheduleFile, facts: list[Occurrence], answers: Iterable[Answer]) -> Line:
    about = [
        answer
        for answer in answers
        if answer.found in facts and answer.verdict is not Verdict.MISSING
    ]
    spans = [_span(answer) for answer in about if isinstance(answer.high, date)]
    first = facts[0]
    return Line(
        str(first.when) if first.when else "",
        schedule.activities[first.activity].title,
        _detail(first),
        "; ".join(spans),
        "; ".join(dict.fromkeys(_said(about))),
    )


def _said(about: Iterable[Answer]) -> Iterator[str]:
    """Yield what is in order by its verdict alone, anything else with the rule's title."""
    for answer in sorted(about, key=lambda one: one.verdict not in _IN_ORDER):
        in_order = answer.verdict in _IN_ORDER
        yield str(answer.verdict) if in_order else f"{answer.title}: {answer.verdict}"


def _detail(one: Occurrence) -> str:
    told = [one.told] if one.told else []
    told += [f"{one.amount.value} {one.amount.unit}"] if one.amount else []
    told += [f"{one.minutes} min"] if one.minutes is not None else []
    return ", ".join(told)


def _open(answers: Iterable[Answer]) -> Iterator[Line]:
    for answer in answers:
        if answer.verdict in _OPEN and not answer.unit:
            yield Line("", answer.title, answer.reason, _span(answer), answer.verdict)


def _span(answer: Answer) -> str:
    low, high = ("" if bound is None else str(bound) for bound in (answer.low, answer.high))
    return f"{low} .. {high}".strip() if low or high else ""


def _units(trial: Trial, schedule: ScheduleFile) -> dict[str, str]:
    """Return the unit of each item shown, where it has but one."""
    items = [
        (name, trial.codes.items[table][name])
        for table, names in schedule.story.items()
        for name in names
    ]
    return {name: item.units[0] for name, item in items if len(item.units) == 1}


def _value(fact: Measurement, unit: str) -> str:
    value = fact.value
    if not isinstance(value, Amount):
        return str(value) if value is not None else "-"
    digits = f"{value.comparator or ''}{value.value}"
    return digits if value.ucum == unit else f"{digits} {value.unit}"
