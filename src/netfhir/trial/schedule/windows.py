"""Answers of the rules with a window: what was due at an offset from an anchor."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from netfhir.trial.schedule.days import Days, MonthEnd, Offset
    from netfhir.trial.schedule.language import Extension, ScheduleFile, Window
    from netfhir.trial.schedule.occurrences import Course, Occurrence

_ORDER = (Verdict.IN_WINDOW, Verdict.NOT_EVALUABLE)
"""Of several facts of one visit, the first of these is the answer."""


@dataclass(frozen=True, slots=True)
class Due:
    """One offset of a rule: what was due there, and when."""

    rule: str
    title: str
    at: Offset
    label: str
    window: timing.Window


def due(name: str, rule: Window, month_end: MonthEnd) -> Iterator[Due]:
    """Yield the offsets of a rule, named `rule` or, of several, `rule/3-mo`."""
    several = len(rule.at) > 1
    for number, at in enumerate(rule.at):
        earliest = at.minus(rule.before) if rule.before is not None else rule.earliest
        latest = at.plus(rule.after) if rule.after is not None else rule.latest
        yield Due(
            f"{name}/{at}".replace(" ", "-") if several else name,
            f"{rule.title}, {at}" if several else rule.title,
            at,
            rule.labels[number] if rule.labels else "",
            timing.Window(earliest, latest, month_end),
        )


def answers(
    name: str, rule: Window, schedule: ScheduleFile, course: Course, as_of: date
) -> Iterator[Answer]:
    """Yield an answer for each offset of the rule."""
    for one in due(name, rule, schedule.calendar.month_end):
        yield _Window(one, rule, schedule, course, as_of).answer()


@dataclass(frozen=True, slots=True)
class _Window:
    """One window of one subject."""

    due: Due
    rule: Window
    schedule: ScheduleFile
    course: Course
    as_of: date

    def answer(self) -> Answer:
        found = self._found()
        anchor = anchor_of(self.course, self.rule.anchor)
        if isinstance(anchor, str):
            return self._unanchored(anchor, found)
        if self.rule.match == "date":
            return self._by_date(anchor, found)
        if found:
            return min((self._judged(anchor, one) for one in found), key=_rank)
        return self._unmet(anchor)

    def _found(self) -> list[Occurrence]:
        return self._labelled(self.course.found)

    def _labelled(self, kept: Mapping[str, list[Occurrence]]) -> list[Occurrence]:
        found = kept.get(self.rule.activity, [])
        if not self.due.label:
            return found
        return [one for one in found if one.label == self.due.label]

    def _says(self, verdict: Verdict, reason: str = "", found: Occurrence | None = None) -> Answer:
        told = str(found.when) if found and found.when and verdict is not Verdict.MISSING else ""
        return Answer(self.due.rule, self.due.title, verdict, reason, actual=told, found=found)

    def _unanchored(self, why: str, found: Sequence[Occurrence]) -> Answer:
        title = self.schedule.activities[self.rule.anchor].title
        nothing = why == NOT_ON_RECORD
        if nothing and (self.rule.match == "date" or not found):
            return self._says(*never_due(self.schedule, self.course, f"{title}: {why}"))
        return self._says(Verdict.NOT_EVALUABLE, f"{title}: {why}", found[0] if found else None)

    def _bounded(self, answer: Answer, anchor: Days, window: timing.Window) -> Answer:
        """Add the widest window that the anchor's date allows."""
        low = window.opens(anchor.lo) if window.earliest is not None else None
        high = window.closes(anchor.hi) if window.latest is not None else None
        return replace(answer, low=low, high=high)

    def _judged(self, anchor: Days, found: Occurrence) -> Answer:
        window = self.due.window
        if found.days is None:
            answer = self._says(Verdict.NOT_EVALUABLE, "its day is not on record", found)
            return self._bounded(answer, anchor, window)
        verdict = timing.judged(window, anchor, found.days)
        reason = PARTIAL if verdict is Verdict.NOT_EVALUABLE else ""
        if self.rule.extension and verdict in {Verdict.LATE, Verdict.NOT_EVALUABLE}:
            verdict, reason, window = self._extended(self.rule.extension, anchor, found.days)
        return self._bounded(self._says(verdict, reason, found), anchor, window)

    def _extended(
        self, extension: Extension, anchor: Days, found: Days
    ) -> tuple[Verdict, str, timing.Window]:
        window = self.due.window
        longer = window.until(extension.latest)
        title = self.schedule.activities[extension.needs].title
        linked = self._linked(extension, found)
        short, long = timing.judged(window, anchor, found), timing.judged(longer, anchor, found)
        if linked:
            beyond = f"beyond {extension.latest}, which nothing allows"
            inside = f"extended to {extension.latest}: {title} on record"
            reason = {Verdict.LATE: beyond, Verdict.IN_WINDOW: inside}.get(long, PARTIAL)
            return long, reason, longer
        if linked is False or short == long:
            reason = f"no extension: {title} not on record" if short is Verdict.LATE else ""
            if long is Verdict.LATE:
                reason = f"beyond {extension.latest}, which nothing allows"
            return short, reason or (PARTIAL if short is Verdict.NOT_EVALUABLE else ""), window
        return Verdict.NOT_EVALUABLE, f"{title}: its day is not certain", window

    def _linked(self, extension: Extension, found: Days) -> bool | None:
        """Tell whether the linked event had begun; None where that is not certain."""
        wanted = {one.key for one in self.course.found.get(extension.linked_to, [])}
        orders = [
            timing.in_order(one.days, found) if one.days else None
            for one in self.course.found.get(extension.needs, [])
            if not extension.linked_to or wanted.intersection(one.links)
        ]
        if any(orders):
            return True
        return None if None in orders else False

    def _unmet(self, anchor: Days) -> Answer:
        verdict = timing.unmet(self.due.window, anchor, self.as_of)
        return self._without(verdict, anchor)

    def _without(self, verdict: Verdict, anchor: Days) -> Answer:
        """Return the answer of what is not on record, unless the subject had left by then."""
        said = self._labelled(self.course.not_done)
        reason = PARTIAL if verdict is Verdict.NOT_EVALUABLE else ""
        if said:
            reason = "recorded as not done"
        answer = self._says(verdict, reason, said[0] if said else None)
        answer = self._bounded(answer, anchor, self.due.window)
        gone = self._gone(anchor)
        if gone is False:
            return answer
        if gone:
            return replace(answer, verdict=Verdict.NOT_APPLICABLE, reason=LEFT)
        return replace(answer, verdict=Verdict.NOT_EVALUABLE, reason=UNSURE)

    def _gone(self, anchor: Days) -> bool | None:
        if not self.rule.stops:
            return False
        return left(self.schedule, self.course, self.due.window, anchor)

    def _by_date(self, anchor: Days, found: Sequence[Occurrence]) -> Answer:
        window = self.due.window
        dated = {one: one.days for one in found if one.days is not None}
        verdict = timing.met_by_any(window, anchor, list(dated.values()), self.as_of)
        inside = [
            one
            for one, days in dated.items()
            if timing.judged(window, anchor, days) is Verdict.IN_WINDOW
        ]
        if verdict is Verdict.IN_WINDOW:
            first = min(inside, key=lambda one: dated[one]) if inside else None
            return self._bounded(self._says(verdict, "", first), anchor, window)
        if len(dated) < len(found):
            answer = self._says(Verdict.NOT_EVALUABLE, "a day is not on record")
            return self._bounded(answer, anchor, window)
        return self._without(verdict, anchor)


def _rank(answer: Answer) -> tuple[int, str]:
    place = _ORDER.index(answer.verdict) if answer.verdict in _ORDER else len(_ORDER)
    return place, answer.actual
