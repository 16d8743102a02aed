"""A subject as ResearchSubject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import subject
from netfhir.trial.entities import StateChange, Subject
from tiny_trial import BASE, FILE, site

if TYPE_CHECKING:
    from netfhir.mappers import MappingSite

SITE = site()
HISTORY = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ResearchSubject.progress"
KEY = SourceKey("TINY", "S1", form="subject")


def change(state: Any, since: str = "", reason: str = "") -> StateChange:
    """Return a state since a day."""
    when = LocalTime(since) if since else None
    return StateChange(state=state, since=when, reason=reason)


def mapped(*states: StateChange, at: MappingSite = SITE, **attributes: Any) -> dict[str, Any]:
    """Return the one resource of a subject."""
    given = {"states": states or (change("on-study", "2024-02-01"),)} | attributes
    entity = Subject(key=KEY, origin="dm.csv:2", subject="S1", **given)
    (draft,) = subject.drafts(entity, at)
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


def progress(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each entry of the history as `{part: value}`, codes as `system's last word#code`."""
    entries = []
    for extension in body["extension"]:
        assert extension["url"] == HISTORY
        entries.append({part["url"]: _value(part) for part in extension["extension"]})
    return entries


def _value(part: dict[str, Any]) -> str:
    if "valueDateTime" in part:
        return str(part["valueDateTime"])
    concept = part["valueCodeableConcept"]
    codes = [
        f"{row['system'].rpartition('/')[2]}#{row['code']}" for row in concept.get("coding", ())
    ]
    return codes[0] if codes else str(concept["text"])


def test_every_state_is_told_until_the_next() -> None:
    """The history keeps each state with its reason, from its day to that of the next."""
    body = mapped(
        change("screening", "2024-01-01"),
        change("on-study", "2024-02-01"),
        change("withdrawn", "2024-03", reason="moved away"),
    )
    enrolled = {"type": "research-subject-state-type#Enrollment"}
    assert progress(body) == [
        enrolled
        | {"subjectState": "research-subject-state#screening"}
        | {"startDate": "2024-01-01", "endDate": "2024-02-01"},
        enrolled
        | {"subjectState": "research-subject-state#on-study"}
        | {"startDate": "2024-02-01", "endDate": "2024-03"},
        enrolled
        | {"subjectState": "research-subject-state#withdrawn"}
        | {"reason": "moved away", "startDate": "2024-03"},
    ]


def test_the_randomisation_is_a_milestone() -> None:
    """It stands apart from the states, on its day."""
    (_, milestone) = progress(mapped(randomised=LocalTime("2024-02-03", "10:00")))
    assert milestone == {
        "type": "research-subject-state-type#Milestone",
        "milestone": "codes.example#milestone-randomised",
        "startDate": "2024-02-03",
    }


def test_in_r5_the_status_is_the_records_and_the_arm_joins_by_its_id() -> None:
    """The state stands in the history; the arm's id is that of the study's comparison group."""
    body = mapped(at=site("r5"), arm="a", actual_arm="b")
    assert body["status"] == "active"
    assert body["assignedComparisonGroup"] == "arm-a"
    assert body["actualComparisonGroup"] == "arm-b"
    assert "assignedArm" not in body


@pytest.mark.parametrize("fhir", ["r4", "r5"])
def test_a_withheld_arm_is_told_nowhere(fhir: Any) -> None:
    """Neither by name nor by a state that only one arm has."""
    at = site(fhir, withhold_arms=True)
    body = mapped(change("on-study-intervention", "2024-02-01"), at=at, arm="a", actual_arm="a")
    assert [name for name in body if "arm" in name.lower() or "group" in name.lower()] == []
    assert "intervention" not in str(body)
    assert body["status"] == ("on-study" if fhir == "r4" else "active")


def test_a_subject_belongs_to_its_sites_own_study() -> None:
    """Where the site declares one; else to the whole study."""
    own = FILE["sites"] | {"02": {"name": "Own", "study": {"status": "RECRUITING"}}}
    at = site(sites=own)
    part = at.naming.reference("ResearchStudy", at.naming.key(form="site-study", item="02"))
    assert mapped(at=at, site="02")["study"] == part
    assert mapped(at=at, site="01")["study"] == at.study()
