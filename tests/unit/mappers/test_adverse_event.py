"""An adverse event as AdverseEvent, by the research profile's extensions."""

from __future__ import annotations

from typing import Any

import pytest

from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import adverse_event
from netfhir.trial.entities import Link
from netfhir.trial.outcomes import AdverseEvent, SourceCode
from tiny_trial import BASE, LONDON, coding, site

SITE = site()
KEY = SourceKey("TINY", "S1", "log", "adverse_event", "", "1")
DOSE = SourceKey("TINY", "S1", "c1", "dose", "lutetium")
GUIDE = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/"


def mapped(**attributes: Any) -> dict[str, Any]:
    """Return the one resource of an event."""
    given: dict[str, Any] = {
        "status": "completed",
        "verbatim": "Sick after the infusion",
        "start": LocalTime("2024-10-01"),
        "seriousness": "non-serious",
        "outcome": "present",
        "zone": LONDON,
    }
    entity = AdverseEvent(key=KEY, origin="ae.csv:2", subject="S1", **(given | attributes))
    (draft,) = adverse_event.drafts(entity, SITE)
    return draft.body


def extensions(name: str, **attributes: Any) -> list[dict[str, Any]]:
    """Return the extensions of that name, without their URL."""
    found = [e for e in mapped(**attributes)["extension"] if e["url"] == GUIDE + name]
    return [{key: value for key, value in one.items() if key != "url"} for one in found]


def test_an_event_is_whole() -> None:
    """What the profile needs, and nothing else; the identifier is one, as R4 has it."""
    subject = SITE.naming.key("S1", form="subject")
    assert mapped() == {
        "resourceType": "AdverseEvent",
        "id": SITE.naming.id(KEY),
        "identifier": {"system": BASE, "value": "tiny|s1|log|adverse_event||1"},
        "modifierExtension": [{"url": f"{GUIDE}status", "valueCode": "completed"}],
        "extension": [
            {
                "url": f"{GUIDE}research-subject-ref",
                "valueReference": SITE.naming.reference("ResearchSubject", subject),
            }
        ],
        "actuality": "actual",
        "event": {"text": "Sick after the infusion"},
        "subject": SITE.naming.patient("S1"),
        "date": "2024-10-01",
        "seriousness": {
            "coding": [coding("seriousness-non-serious")],
            "text": "The seriousness-non-serious",
        },
        "outcome": {"coding": [coding("present")], "text": "The present"},
        "study": [SITE.study()],
    }


def test_the_codes_of_the_source_stand_before_ours() -> None:
    """The reporter's words are the text, whatever the codes say."""
    code = SourceCode(system="https://www.meddra.org", code="10028813", version="26.0")
    event = mapped(term="high", codes=(code,))["event"]
    assert event["coding"] == [
        {"system": "https://www.meddra.org", "code": "10028813", "version": "26.0"},
        coding("high"),
    ]
    assert event["text"] == "Sick after the infusion"


def test_a_grade_is_no_severity() -> None:
    """R4's severity has three codes; a grade stands in the profile's extension."""
    (grade,) = extensions("ae-grade", grade="high")
    assert grade["valueCodeableConcept"]["coding"] == [coding("high")]
    assert "severity" not in mapped(grade="high")


def test_each_criterion_is_an_extension() -> None:
    """Criteria of a serious event are told one by one."""
    found = extensions("seriousness-criteria", seriousness="serious", criteria=("high", "r0"))
    assert [one["extension"][0]["valueCodeableConcept"]["coding"] for one in found] == [
        [coding("high")],
        [coding("r0")],
    ]
    assert all(
        one["extension"][1] == {"url": "criterionPresent", "valueBoolean": True} for one in found
    )


def test_the_suspected_dose_is_referred_to_with_its_causality() -> None:
    """The base element suspectEntity is forbidden: the extension refers to the administration."""
    links = (Link(element="suspectEntity", to="dose", key=DOSE),)
    (suspect,) = extensions("suspect-entity", links=links, causality="high", suspect="lutetium")
    instance, causality = suspect["extension"]
    assert instance["valueReference"] == SITE.naming.reference("MedicationAdministration", DOSE)
    assert causality["extension"][0]["valueCodeableConcept"]["coding"] == [coding("high")]
    assert "suspectEntity" not in mapped(links=links)


def test_a_suspected_dose_without_a_judgement_says_so() -> None:
    """The profile needs a causality: an unknown one is said to be unknown."""
    links = (Link(element="suspectEntity", to="dose", key=DOSE),)
    (suspect,) = extensions("suspect-entity", links=links)
    relatedness = suspect["extension"][1]["extension"][0]["valueCodeableConcept"]
    assert relatedness["extension"][0]["valueCode"] == "unknown"


def test_a_causality_without_a_dose_is_that_of_the_treatment() -> None:
    """Without a judgement nothing is suspected."""
    (suspect,) = extensions("suspect-entity", causality="high", suspect="lutetium")
    assert suspect["extension"][0]["valueCodeableConcept"]["coding"] == [coding("lutetium")]
    assert extensions("suspect-entity", suspect="lutetium") == []


@pytest.mark.parametrize(("answer", "value"), [("yes", True), ("no", False)])
def test_answers_are_booleans(answer: str, value: bool) -> None:  # noqa: FBT001 - the expected value
    """A question that was not answered is not there."""
    assert extensions("expected-in-research-study", expected=answer) == [{"valueBoolean": value}]
    name = "caused-subject-to-discontinue-study"
    assert extensions(name, discontinued=answer) == [{"valueBoolean": value}]
    assert extensions(name) == []


def test_an_end_keeps_its_precision_and_its_time() -> None:
    """A time that has no offset stands beside the date."""
    assert extensions("resolve-date", end=LocalTime("2024-10")) == [{"valueDateTime": "2024-10"}]
    (timed,) = extensions("resolve-date", end=LocalTime("2024-10-03", "08:30"))
    assert timed == {"valueDateTime": "2024-10-03T08:30:00+01:00"}
    (local,) = extensions("resolve-date", end=LocalTime("2024-10-03", "08:30"), zone=None)
    assert local["valueDateTime"] == "2024-10-03"
    assert local["_valueDateTime"]["extension"][0]["valueTime"] == "08:30:00"


def test_an_action_and_a_note_are_kept() -> None:
    """What was done, and what was written beside it."""
    (action,) = extensions("mitigating-action", action="high")
    assert action["extension"][0]["valueCodeableConcept"]["coding"] == [coding("high")]
    assert extensions("note", note="Resolved at home") == [
        {"valueAnnotation": {"text": "Resolved at home"}}
    ]


def test_no_profile_is_claimed() -> None:
    """A profile is the server's to ask for."""
    assert "meta" not in mapped()


def test_mapping_is_pure() -> None:
    """The same event gives the same bytes."""
    assert to_bytes(mapped(grade="high")) == to_bytes(mapped(grade="high"))
