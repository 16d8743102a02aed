"""Answers of the rules without a window: amounts, durations, order, and what an arm may have."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from netfhir.trial.schedule import timing
from netfhir.trial.schedule.anchoring import anchor_of
from netfhir.trial.schedule.verdicts import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.trial.entities import Amount
    from netfhir.trial.schedule.language import Exclusive, Limit, Order, ScheduleFile
    from netfhir.trial.schedule.occurrences import Course, Occurrence


def measured(name: str, rule: Limit, schedule: ScheduleFile, course: Course) -> Iterator[Answer]:
    """Yield an answer for each fact of the rule's activities, or one for their total."""
    if rule.measure == "total":
        yield _total(name, rule, course)
        return
    for activity in rule.activities:
        for one in course.found.get(activity, []):
            title = f"{rule.title}, {schedule.activities[activity].title}"
            yield _Measure(name, title, rule).of(one)


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    title: str
    rule: Limit

    def of(self, one: Occurrence) -> Answer:
        value, why = self._value(one)
        if value is None:
            return self._says(Verdict.NOT_EVALUABLE, why, None, one)
        return self._says(*within(self.rule, value), value, one)

    def _value(self, one: Occurrence) -> tuple[Decimal | None, str]:
        if self.rule.measure == "minutes":
            value = Decimal(one.minutes) if one.minutes is not None else None
            return value, "start and end are not both instants on record"
        return in_unit(self.rule, one.amount)

    def _says(
        self, verdict: Verdict, reason: str, value: Decimal | None, one: Occurrence
    ) -> Answer:
        rule = self.rule
        return Answer(
            f"{self.name}/{one.activity}",
            self.title,
            verdict,
            reason,
            low=rule.low,
            high=rule.high,
            unit=rule.unit,
            actual="" if value is None else format(value, "f"),
            found=one,
        )


def in_unit(rule: Limit, amount: Amount | None) -> tuple[Decimal | None, str]:
    """Return an amount in the rule's unit by a declared factor, or why there is none."""
    if amount is None:
        return None, "no amount on record"
    if amount.comparator or amount.ucum not in rule.units:
        return None, "an amount with a comparator, or in a unit without a declared factor"
    return amount.value * rule.units[amount.ucum], ""


def within(rule: Limit, value: Decimal) -> tuple[Verdict, str]:
    """Return where a value lies, and in words against what."""
    low, high = rule.plausible_low, rule.plausible_high
    if (low is not None and value < low) or (high is not None and value > high):
        return Verdict.IMPLAUSIBLE, f"outside {low} to {high} {rule.unit}: is the unit right?"
    if value < rule.low:
        return Verdict.BELOW, f"planned {rule.nominal} {rule.unit}"
    if value > rule.high:
        return Verdict.ABOVE, f"planned {rule.nominal} {rule.unit}"
    return Verdict.WITHIN_LIMITS, ""


def _total(name: str, rule: Limit, course: Course) -> Answer:
    """Sum what was given; it is too little only when no more of it can come."""
    given = [one for activity in rule.activities for one in course.found.get(activity, [])]
    read = [in_unit(rule, one.amount) for one in given]
    total = sum((value for value, _ in read if value is not None), Decimal(0))
    unknown = next((why for value, why in read if value is None), "")
    complete = all(
        course.found.get(activity) or course.not_done.get(activity) for activity in rule.activities
    )
    verdict, reason = within(rule, total)
    if unknown and verdict is not Verdict.ABOVE:
        verdict, reason = Verdict.NOT_EVALUABLE, unknown
    elif not complete and verdict is not Verdict.ABOVE:
        verdict, reason = Verdict.NOT_YET_DUE, "not all parts are on record"
    told = format(total, "f") if given else ""
    return Answer(
        name, rule.title, verdict, reason, rule.low, rule.high, rule.unit, told, _last(given)
    )


def _last(given: list[Occurrence]) -> Occurrence | None:
    return given[-1] if given else None


def ordered(name: str, rule: Order, schedule: ScheduleFile, course: Course) -> Iterator[Answer]:
    """Yield for each fact of the activities whether it came before what it must not."""
    title = schedule.activities[rule.not_before].title
    anchor = anchor_of(course, rule.not_before)
    for activity in rule.activities:
        for one in course.found.get(activity, []):
            told = str(one.when) if one.when else ""
            rule_id = f"{name}/{activity}"
            if isinstance(anchor, str) or one.days is None:
                why = (
                    f"{title}: {anchor}" if isinstance(anchor, str) else "its day is not on record"
                )
                yield Answer(
                    rule_id, rule.title, Verdict.NOT_EVALUABLE, why, actual=told, found=one
                )
                continue
            verdict, reason = _ORDERED[timing.in_order(anchor, one.days)]
            yield Answer(
                rule_id,
                rule.title,
                verdict,
                reason.format(title),
                low=anchor.lo,
                actual=told,
                found=one,
            )


_ORDERED = {
    True: (Verdict.IN_WINDOW, ""),
    False: (Verdict.NOT_ALLOWED, "before: {}"),
    None: (Verdict.NOT_EVALUABLE, "a partial date does not decide"),
}


def exclusive(name: str, rule: Exclusive, course: Course) -> Iterator[Answer]:
    """Yield what a subject has that belongs to another arm, or whose arm is not known."""
    if course.arm in rule.arms:
        return
    for activity in rule.activities:
        for one in course.found.get(activity, []):
            known = course.arm is not None
            yield Answer(
                f"{name}/{activity}",
                rule.title,
                Verdict.NOT_ALLOWED if known else Verdict.NOT_EVALUABLE,
                "belongs to another arm" if known else "no arm on record",
                actual=str(one.when) if one.when else "",
                found=one,
            )
