"""A subject as ResearchSubject."""

from __future__ import annotations

from typing import Any

import pytest

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import subject
from netfhir.trial.entities import StateChange, Subject
from tiny_trial import BASE, site

SITE = site()
KEY = SourceKey("TINY", "S1", form="subject")


def change(state: Any, since: str = "") -> StateChange:
    """Return a state since a day."""
    return StateChange(state=state, since=LocalTime(since) if since else None)


def mapped(*states: StateChange, **attributes: Any) -> dict[str, Any]:
    """Return the one resource of a subject."""
    given = {"states": states or (change("on-study", "2024-02-01"),)} | attributes
    entity = Subject(key=KEY, origin="dm.csv:2", subject="S1", **given)
    (draft,) = subject.drafts(entity, SITE)
    assert (draft.resource_type, draft.where, draft.subject) == (
        "ResearchSubject",
        "dm.csv:2",
        "S1",
    )
    assert draft.id == draft.body["id"]
    return draft.body


def test_the_status_is_the_last_state() -> None:
    """The present state is the last one told."""
    body = mapped(change("screening", "2024-01-01"), change("on-study", "2024-02-01"))
    assert body["status"] == "on-study"


def test_the_subject_belongs_to_the_study_and_to_a_patient() -> None:
    """The study is ours by reference; the patient is the hospital's, named by our number."""
    body = mapped()
    assert body["study"] == SITE.study()
    assert body["individual"] == {
        "identifier": {"system": f"{BASE}/subject", "value": "S1"},
        "type": "Patient",
    }


def test_the_identifiers_are_key_number_and_further_ones() -> None:
    """The source key first, then the subject's number, others, and the randomisation's."""
    body = mapped(other_numbers=((f"{BASE}/subjid", "0001"),), randomisation_number="R-7")
    assert body["identifier"] == [
        {"system": BASE, "value": "tiny|s1||subject||"},
        {"system": f"{BASE}/subject", "value": "S1"},
        {"system": f"{BASE}/subjid", "value": "0001"},
        {"system": f"{BASE}/randomisation", "value": "R-7"},
    ]


def test_arms_have_the_names_of_the_registry() -> None:
    """Assigned and actual arm are the names that ResearchStudy.arm has."""
    body = mapped(arm="a", actual_arm="b")
    assert (body["assignedArm"], body["actualArm"]) == ("Arm A", "Arm B")


def test_no_arm_is_written_for_none() -> None:
    """A screen failure has neither arm."""
    body = mapped(change("ineligible", "2024-01-05"))
    assert {"assignedArm", "actualArm"} & set(body) == set()


def test_the_period_begins_with_the_consent() -> None:
    """The consent stands before the first state, which serves where no consent is told."""
    states = (change("on-study", "2024-02-01"),)
    assert mapped(*states, consented=LocalTime("2024-01-01"))["period"] == {"start": "2024-01-01"}
    assert mapped(*states)["period"] == {"start": "2024-02-01"}


@pytest.mark.parametrize("state", ["off-study", "ineligible", "not-registered", "withdrawn"])
def test_the_period_ends_with_a_state_that_ends(state: str) -> None:
    """Who has left has an end, on the day of the last state."""
    body = mapped(change("screening", "2024-01-01"), change(state, "2024-09-01"))
    assert body["period"] == {"start": "2024-01-01", "end": "2024-09-01"}


def test_the_period_of_who_stays_is_open() -> None:
    """Follow-up goes on."""
    body = mapped(change("screening", "2024-01-01"), change("follow-up", "2024-09-01"))
    assert "end" not in body["period"]


def test_an_undated_subject_has_no_period() -> None:
    """No date is assumed."""
    assert "period" not in mapped(change("screening"))


def test_a_time_of_consent_leaves_the_day() -> None:
    """A period counts days: the time of a consent has no offset to be sent with."""
    body = mapped(consented=LocalTime("2024-01-01", "09:30"))
    assert body["period"]["start"] == "2024-01-01"
