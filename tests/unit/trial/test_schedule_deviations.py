"""Answers that deviate become facts of the trial."""

from __future__ import annotations

from clock_rules import SUBJECT, amount, answers, course, limit, one, schedule, window
from netfhir.fhir.dates import LocalTime
from netfhir.trial.entities import Link
from netfhir.trial.schedule.deviations import deviations

RULES = schedule(windows={"scan": window()}, limits={"amount": limit()})
SURGERY = one("surgery", "2024-08-19")


def test_what_is_late_names_what_was_late() -> None:
    """The rule, its window, the date on record, the resource, and the version of the rules."""
    late = one("scan", "2024-10-15", event="m1")
    subject = course(SURGERY, late)
    (found,) = deviations(RULES, subject, answers(RULES, subject))
    assert found.key == late.key._replace(form="deviation", item="scan/scan/")
    assert (found.rule, found.kind, found.version) == ("scan", "late", "7")
    assert (found.low, found.high) == (LocalTime("2024-09-16"), LocalTime("2024-10-14"))
    assert (found.actual, found.occurred) == (late.when, late.when)
    assert found.links == (Link(element="focus", to="surgery", key=late.key),)
    assert (found.origin, found.status) == ("scan.csv:2", "final")


def test_what_is_missing_has_no_resource_and_the_last_day_it_could_have_been() -> None:
    """Its place in the source is the subject's own record."""
    subject = course(SURGERY)
    (found,) = deviations(RULES, subject, answers(RULES, subject, "2024-10-15"))
    assert found.key == SUBJECT._replace(form="deviation", item="scan")
    assert (found.links, found.actual) == ((), None)
    assert found.occurred == LocalTime("2024-10-14")
    assert found.origin == "subjects.csv:2"


def test_an_amount_keeps_its_digits_and_its_unit() -> None:
    """Limits and actual value as amounts."""
    dose = one("dose", "2024-09-30", amount=amount("4.60"))
    subject = course(SURGERY, one("scan", "2024-09-30"), dose)
    (found,) = deviations(RULES, subject, answers(RULES, subject))
    assert (found.low, found.high) == (amount("6.66"), amount("8.14"))
    assert found.actual == amount("4.60")
    assert (found.kind, found.reason) == ("below", "planned 7.4 GBq")


def test_what_the_dates_do_not_decide_is_no_deviation() -> None:
    """Nor is what is not yet due, nor what is in order."""
    for subject in (course(SURGERY, one("scan", "2024-09")), course(SURGERY), course()):
        assert list(deviations(RULES, subject, answers(RULES, subject))) == []


def test_two_facts_have_two_deviations() -> None:
    """Keys do not meet: the rule stands with the key of the fact."""
    doses = [one("dose", day, amount=amount("4.60")) for day in ("2024-09-30", "2024-11-25")]
    subject = course(SURGERY, one("scan", "2024-09-30"), *doses)
    found = list(deviations(RULES, subject, answers(RULES, subject)))
    assert len({deviation.key for deviation in found}) == 2


def test_a_partial_anchor_gives_the_widest_window() -> None:
    """Late even for the last day that the anchor may have been."""
    subject = course(one("surgery", "2024-08"), one("scan", "2024-11-01"))
    (found,) = deviations(RULES, subject, answers(RULES, subject))
    assert (found.low, found.high) == (LocalTime("2024-08-29"), LocalTime("2024-10-26"))
