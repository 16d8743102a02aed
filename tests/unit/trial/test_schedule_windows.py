"""Rules with a window: what was due at an offset from an anchor, or how often."""

from __future__ import annotations

from typing import Any

import pytest

from clock_rules import SAID, answer, answers, course, one, schedule, verdict, window
from netfhir.trial.schedule.verdicts import Verdict

RULE = schedule(windows={"scan": window()})
SURGERY = one("surgery", "2024-08-19")


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2024-09-15", Verdict.EARLY),
        ("2024-09-16", Verdict.IN_WINDOW),
        ("2024-10-14", Verdict.IN_WINDOW),
        ("2024-10-15", Verdict.LATE),
    ],
)
def test_the_28th_and_the_56th_day_are_in_the_window(day: str, expected: Verdict) -> None:
    """Both ends belong to it, the days beside them do not."""
    assert verdict(RULE, course(SURGERY, one("scan", day))) is expected


def test_an_answer_tells_the_window_and_what_was_found() -> None:
    """First and last day allowed, the date on record and its place."""
    found = answer(RULE, course(SURGERY, one("scan", "2024-09-30")))
    assert (str(found.low), str(found.high), found.actual) == (
        "2024-09-16",
        "2024-10-14",
        "2024-09-30",
    )
    assert found.found is not None
    assert found.found.origin == "scan.csv:2"


@pytest.mark.parametrize(
    ("surgery", "scan", "expected"),
    [
        ("2024-08", "2024-09-30", Verdict.NOT_EVALUABLE),
        ("2024-08", "2024-11-01", Verdict.LATE),
        ("2024-08", "2024-08-28", Verdict.EARLY),
        ("2024", "2024-12-31", Verdict.NOT_EVALUABLE),
        ("2024-08-19", "2024-09", Verdict.NOT_EVALUABLE),
        ("2024-08-19", "2024-11", Verdict.LATE),
        ("2024-08-04", "2024-09", Verdict.NOT_EVALUABLE),
        ("2024-08-03", "2024-09", Verdict.NOT_EVALUABLE),
    ],
)
def test_a_partial_date_decides_only_what_all_its_days_say(
    surgery: str, scan: str, expected: Verdict
) -> None:
    """A month is all its days, never its first."""
    found = answer(RULE, course(one("surgery", surgery), one("scan", scan)))
    assert found.verdict is expected
    assert bool(found.reason) == (expected is Verdict.NOT_EVALUABLE)


def test_a_month_that_lies_in_the_window_whole_is_in_it() -> None:
    """September is within 28 and 60 days of 3 August, each of its days."""
    rules = schedule(windows={"scan": window(latest="60 d")})
    assert verdict(rules, course(one("surgery", "2024-08-03"), one("scan", "2024-09"))) is (
        Verdict.IN_WINDOW
    )


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2024-10-14", Verdict.NOT_YET_DUE), ("2024-10-15", Verdict.MISSING)],
)
def test_what_is_not_on_record_is_missing_the_day_after_the_window(
    as_of: str, expected: Verdict
) -> None:
    """Until the end of the last day it may still come."""
    assert verdict(RULE, course(SURGERY), as_of) is expected


def test_without_its_anchor_nothing_is_due() -> None:
    """Not yet due; and what took place without it cannot be judged."""
    assert verdict(RULE, course()) is Verdict.NOT_YET_DUE
    found = answer(RULE, course(one("scan", "2024-09-30")))
    assert (found.verdict, found.reason) == (Verdict.NOT_EVALUABLE, "Surgery: not on record")


@pytest.mark.parametrize("surgeries", [[None], ["2024-08-19", "2024-09-01"]])
def test_an_anchor_without_one_day_is_no_anchor(surgeries: list[str | None]) -> None:
    """Without a day, or with two: not evaluable, and why."""
    subject = course(*(one("surgery", day) for day in surgeries), one("scan", "2024-09-30"))
    found = answer(RULE, subject)
    assert found.verdict is Verdict.NOT_EVALUABLE
    assert found.reason.startswith("Surgery: ")


def test_what_took_place_on_no_known_day_is_not_evaluable() -> None:
    """It is on record, so it is not missing."""
    found = answer(RULE, course(SURGERY, one("scan", None)), "2030-01-01")
    assert (found.verdict, found.reason) == (Verdict.NOT_EVALUABLE, "its day is not on record")


def test_what_is_said_not_to_be_done_is_missing_with_that_reason() -> None:
    """The record that it was not done is what the answer points to."""
    said = one("scan", "2024-09-30")
    found = answer(RULE, course(SURGERY, not_done=(said,)), "2024-12-01")
    assert (found.verdict, found.reason) == (Verdict.MISSING, "recorded as not done")
    assert (found.found, found.actual) == (said, "")


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ("2024-10-14", Verdict.NOT_APPLICABLE),
        ("2024-10-15", Verdict.MISSING),
        ("2024-10", Verdict.NOT_EVALUABLE),
        ("2024-09", Verdict.NOT_APPLICABLE),
        (None, Verdict.NOT_EVALUABLE),
    ],
)
def test_who_has_left_owes_nothing_that_was_still_open(gone: str | None, expected: Verdict) -> None:
    """A window that closed before the subject left stays missing; a partial day may not decide."""
    assert verdict(RULE, course(SURGERY, one("gone", gone)), "2025-01-01") is expected


def test_of_two_ways_to_leave_an_undated_one_may_have_come_first() -> None:
    """One after the window, one on no known day: nobody can say."""
    subject = course(SURGERY, one("gone", "2024-12-01"), one("gone", None))
    assert verdict(RULE, subject, "2025-01-01") is Verdict.NOT_EVALUABLE


def test_what_took_place_is_judged_although_the_subject_has_left() -> None:
    """Leaving excuses what is missing, not what was early."""
    subject = course(SURGERY, one("scan", "2024-09-01"), one("gone", "2024-09-02"))
    assert verdict(RULE, subject) is Verdict.EARLY


def test_who_left_before_the_anchor_owes_nothing() -> None:
    """A screen failure is not told that a scan is not yet due."""
    assert verdict(RULE, course(one("gone", "2024-09-13"), arm=None)) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("arm", "expected"),
    [("a", Verdict.NOT_APPLICABLE), ("b", Verdict.NOT_YET_DUE), (None, Verdict.NOT_YET_DUE)],
)
def test_a_rule_of_one_arm(arm: str | None, expected: Verdict) -> None:
    """It says nothing of the other; before the arm is drawn it is not yet due."""
    rules = schedule(windows={"scan": window(arms=["b"])})
    assert verdict(rules, course(SURGERY, arm=arm)) is expected


# ── A window that a linked event extends ──────────────────────────────────────────────────────

EXTENDED = schedule(
    windows={
        "scan": window(extension={"latest": "112 d", "needs": "toxicity", "text": "For toxicity."})
    }
)


@pytest.mark.parametrize(
    ("day", "toxicity", "expected"),
    [
        ("2024-10-14", "2024-08-20", Verdict.IN_WINDOW),
        ("2024-10-15", "2024-08-20", Verdict.IN_WINDOW),
        ("2024-12-09", "2024-08-20", Verdict.IN_WINDOW),
        ("2024-12-10", "2024-08-20", Verdict.LATE),
        ("2024-10-15", "2024-10-15", Verdict.IN_WINDOW),
        ("2024-10-15", "2024-10-16", Verdict.LATE),
        ("2024-10-15", "2024-10", Verdict.NOT_EVALUABLE),
        ("2024-10-15", "2024-09", Verdict.IN_WINDOW),
        ("2024-12-10", "2024-12", Verdict.LATE),
    ],
)
def test_a_linked_event_extends_a_window(day: str, toxicity: str, expected: Verdict) -> None:
    """To 112 days and no further, and only by what had begun by then."""
    subject = course(SURGERY, one("scan", day), one("toxicity", toxicity))
    assert verdict(EXTENDED, subject) is expected


def test_without_the_linked_event_there_is_no_extension() -> None:
    """Late, and the reason says what is not on record."""
    found = answer(EXTENDED, course(SURGERY, one("scan", "2024-10-15")))
    assert found.verdict is Verdict.LATE
    assert found.reason == "no extension: A linked toxicity not on record"


def test_the_event_has_to_refer_to_the_fact_that_is_named() -> None:
    """Toxicity of something else extends nothing."""
    extension = {"latest": "112 d", "needs": "toxicity", "text": "T.", "linked_to": "surgery"}
    rules = schedule(windows={"scan": window(extension=extension)})
    late = one("scan", "2024-10-15")
    linked = one("toxicity", "2024-08-20", links=(SURGERY.key,))
    other = one("toxicity", "2024-08-20", links=(late.key,))
    assert verdict(rules, course(SURGERY, late, linked)) is Verdict.IN_WINDOW
    assert verdict(rules, course(SURGERY, late, other)) is Verdict.LATE


def test_beyond_the_extension_the_reason_says_so() -> None:
    """Nothing allows more than 112 days."""
    found = answer(EXTENDED, course(SURGERY, one("scan", "2024-12-10")))
    assert found.reason == "beyond 112 d, which nothing allows"


def test_a_linked_event_without_a_day_leaves_it_open() -> None:
    """It may have begun later."""
    subject = course(SURGERY, one("scan", "2024-10-15"), one("toxicity", None))
    assert verdict(EXTENDED, subject) is Verdict.NOT_EVALUABLE


# ── Several offsets ───────────────────────────────────────────────────────────────────────────

_SERIES: dict[str, Any] = {"at": ["3 mo", "6 mo"], "before": "1 mo", "after": "1 mo"}
BY_LABEL = schedule(windows={"scan": window(match="label", labels=["m3", "m6"], **_SERIES)})
BY_DATE = schedule(windows={"scan": window(match="date", **_SERIES)})


def test_each_offset_is_judged_by_the_fact_of_its_label() -> None:
    """Named by the rule and the offset; a fact of another label counts nowhere."""
    subject = course(
        SURGERY,
        one("scan", "2024-11-19", label="m3"),
        one("scan", "2025-04-01", label="m6"),
        one("scan", "2025-02-19", label="unplanned"),
    )
    assert [(found.rule, found.verdict) for found in answers(BY_LABEL, subject)] == [
        ("scan/3-mo", Verdict.IN_WINDOW),
        ("scan/6-mo", Verdict.LATE),
    ]


def test_of_several_facts_of_one_label_one_in_the_window_is_enough() -> None:
    """A repeated scan does not make the visit late."""
    subject = course(
        SURGERY, one("scan", "2025-01-19", label="m3"), one("scan", "2024-11-19", label="m3")
    )
    assert answers(BY_LABEL, subject)[0].verdict is Verdict.IN_WINDOW


def test_by_date_a_fact_belongs_to_the_window_it_lies_in() -> None:
    """What lies in none leaves both unmet."""
    subject = course(SURGERY, one("scan", "2025-02-19"), one("scan", "2025-12-01"))
    found = answers(BY_DATE, subject, "2025-12-31")
    assert [one.verdict for one in found] == [Verdict.MISSING, Verdict.IN_WINDOW]


def test_by_date_an_unknown_day_leaves_an_unmet_window_open() -> None:
    """It may have been then."""
    found = answers(BY_DATE, course(SURGERY, one("scan", None)), "2025-12-31")
    assert {one.verdict for one in found} == {Verdict.NOT_EVALUABLE}


def test_an_open_beginning() -> None:
    """Before surgery, however long; on its day still."""
    rule = window(at=["0 d"], earliest=None, latest="0 d", match="date")
    rules = schedule(windows={"scan": {name: value for name, value in rule.items() if value}})
    assert verdict(rules, course(SURGERY, one("scan", "2023-01-01"))) is Verdict.IN_WINDOW
    assert verdict(rules, course(SURGERY, one("scan", "2024-08-19"))) is Verdict.IN_WINDOW
    late = course(SURGERY, one("scan", "2024-08-20"))
    assert verdict(rules, late, "2024-08-20") is Verdict.MISSING


# ── How often ─────────────────────────────────────────────────────────────────────────────────

COUNT = schedule(
    counts={"scans": SAID | {"activity": "scan", "anchor": "surgery", "expected": 2, "by": "3 mo"}}
)


@pytest.mark.parametrize(
    ("events", "as_of", "expected"),
    [
        (("a", "b"), "2024-09-01", Verdict.IN_WINDOW),
        (("a", "b", "c"), "2024-09-01", Verdict.IN_WINDOW),
        (("a", "a"), "2024-11-19", Verdict.NOT_YET_DUE),
        (("a", "a"), "2024-11-20", Verdict.MISSING),
    ],
)
def test_a_number_of_visits_by_some_time(
    events: tuple[str, ...], as_of: str, expected: Verdict
) -> None:
    """Two facts of one event are one visit; too few is missing only once the time has passed."""
    subject = course(SURGERY, *(one("scan", "2024-08-30", event=event) for event in events))
    assert verdict(COUNT, subject, as_of) is expected


def test_a_number_of_visits_of_who_has_left() -> None:
    """Not applicable, or missing if it had to be complete before."""
    assert verdict(COUNT, course(SURGERY, one("gone", "2024-09-01"))) is Verdict.NOT_APPLICABLE
    assert verdict(COUNT, course(SURGERY, one("gone", None))) is Verdict.NOT_EVALUABLE
    subject = course(SURGERY, one("gone", "2024-12-01"))
    assert verdict(COUNT, subject, "2024-12-31") is Verdict.MISSING


def test_a_number_without_its_anchor() -> None:
    """Not yet due without it, not evaluable where its day is not known."""
    assert verdict(COUNT, course()) is Verdict.NOT_YET_DUE
    assert verdict(COUNT, course(one("surgery", None))) is Verdict.NOT_EVALUABLE
