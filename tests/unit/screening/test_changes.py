"""Whose verdict changed between two screenings, and why."""

from __future__ import annotations

from typing import Any

from netfhir.screening.changes import changes


def row(patient: str, criterion: str, status: str, fact: str = "1") -> dict[str, Any]:
    """Return a row of verdicts.ndjson."""
    evidence = [{"type": "Observation", "id": fact, "version": "1", "value": "7.9"}]
    found = {"patient": patient, "criterion": criterion, "status": status}
    return found | {"cause": None, "evidence": evidence}


def test_only_what_changed_is_listed() -> None:
    """The same verdict is no news."""
    assert not list(changes([row("a", "E8", "met")], [row("a", "E8", "met")], amended=True))


def test_the_reason_is_what_differs() -> None:
    """Another fact: the record; the same fact: the amended criteria, else the day alone."""
    before = [row("a", "E8", "met"), row("b", "E8", "met")]
    after = [row("a", "E8", "not-met"), row("b", "E8", "not-met", fact="2")]
    assert [one["why"] for one in changes(before, after, amended=True)] == ["criteria", "record"]
    assert [one["why"] for one in changes(before, after, amended=False)] == ["day", "record"]


def test_a_new_criterion_and_a_new_patient_are_listed() -> None:
    """What was not there before has nothing before."""
    before = [row("a", "E8", "met"), row("c", "E8", "met")]
    after = [row("a", "E8", "met"), row("a", "E18", "met"), row("b", "E8", "met")]
    found = list(changes(before, after, amended=False))
    assert [(one["patient"], one["criterion"]) for one in found] == [
        ("a", "E18"),
        ("b", "E8"),
        ("c", "E8"),
    ]
    assert [one["before"] for one in found[:2]] == [None, None]
    assert found[2]["after"] is None


def test_a_night_tells_of_nobody_that_it_has_not_judged() -> None:
    """Who is not among the touched has not gone."""
    before = [row("a", "E8", "met"), row("c", "E8", "met")]
    after = [row("a", "E8", "not-met")]
    found = list(changes(before, after, amended=False, partial=True))
    assert [one["patient"] for one in found] == ["a"]
