"""Questionnaires, deaths and the versions of measurements as resources."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import death, measurement, questionnaire_response
from netfhir.trial.entities import Amount, Link, Measurement
from netfhir.trial.outcomes import Answer, Death, QuestionnaireResponse
from tiny_trial import BASE, LONDON, coding, site

SITE = site()
KEY = SourceKey("TINY", "S1", "m12", "questionnaire_response", "q")
ANSWERS = (
    Answer(link="1", value=3, coded=True),
    Answer(link="2", value=None, coded=True, absent="absent-refused"),
    Answer(link="vas", value=73, coded=False),
)


def response() -> dict[str, Any]:
    """Return the one resource of a questionnaire."""
    entity = QuestionnaireResponse(
        key=KEY,
        origin="q.csv:2",
        subject="S1",
        zone=LONDON,
        questionnaire="https://trial.example/Questionnaire/q|1.0",
        instrument="q",
        status="completed",
        authored=LocalTime("2025-09-16"),
        answers=ANSWERS,
    )
    (draft,) = questionnaire_response.drafts(entity, SITE)
    return draft.body


def died(**attributes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return Observation and Task of a death."""
    given: dict[str, Any] = {"died": LocalTime("2025-09-02"), "zone": LONDON}
    key = SourceKey("TINY", "S1", "", "death")
    entity = Death(key=key, origin="d.csv:2", subject="S1", **(given | attributes))
    observation, task = death.drafts(entity, SITE)
    return observation.body, task.body


def measured(**attributes: Any) -> list[dict[str, Any]]:
    """Return the resources of a score."""
    given: dict[str, Any] = {
        "item_table": "lab",
        "item": "hb",
        "status": "final",
        "value": Amount(value=Decimal(26), ucum="g/L", unit="g/L"),
        "measured": LocalTime("2025-09-16"),
        "zone": LONDON,
    }
    key = SourceKey("TINY", "S1", "m12", "lab", "hb")
    entity = Measurement(key=key, origin="m.csv:2", subject="S1", **(given | attributes))
    return [draft.body for draft in measurement.drafts(entity, SITE)]


def test_a_questionnaire_is_numbers_alone() -> None:
    """No text anywhere: an item's number, and a code or a number as its answer."""
    body = response()
    assert body["identifier"] == SITE.naming.identifier(KEY)
    assert body["questionnaire"] == "https://trial.example/Questionnaire/q|1.0"
    assert (body["status"], body["authored"]) == ("completed", "2025-09-16")
    first, _, vas = body["item"]
    assert first == {
        "linkId": "1",
        "answer": [{"valueCoding": {"system": f"{BASE}/item/q", "code": "3"}}],
    }
    assert vas == {"linkId": "vas", "answer": [{"valueInteger": 73}]}
    assert "text" not in str(body)
    assert "display" not in str(body)


def test_an_open_item_has_no_answer_but_a_reason() -> None:
    """The reason stands on the item."""
    item = response()["item"][1]
    assert item["extension"][0]["valueCode"] == "refused"
    assert "answer" not in item


def test_a_death_is_observed_and_proposed() -> None:
    """The Patient is never changed: a Task proposes the date."""
    observation, task = died(cause="high", words="Sepsis", recorded=LocalTime("2025-09-03"))
    cause = observation["valueCodeableConcept"]
    assert cause["coding"][-1] == coding("high")
    assert (cause["text"], observation["effectiveDateTime"]) == ("Sepsis", "2025-09-02")
    assert (task["status"], task["intent"]) == ("requested", "proposal")
    assert task["for"] == SITE.naming.patient("S1")
    assert "subject" not in task
    assert task["focus"] == {"reference": f"Observation/{observation['id']}"}
    assert task["authoredOn"] == "2025-09-03"
    assert task["input"][0]["valueDateTime"] == "2025-09-02"


def test_a_death_of_unknown_cause_says_so() -> None:
    """obs-6: no value, and the reason."""
    observation, _ = died()
    assert observation["dataAbsentReason"]["coding"] == [coding("absent-unknown")]
    worded, _ = died(words="Sepsis")
    assert worded["valueCodeableConcept"] == {"text": "Sepsis"}


def test_a_partial_date_of_death_stays_partial() -> None:
    """A month is never padded with a day."""
    observation, task = died(died=LocalTime("2025-09"))
    assert observation["effectiveDateTime"] == "2025-09"
    assert task["input"][0]["valueDateTime"] == "2025-09"


def test_the_method_tells_its_version() -> None:
    """In the text, beside the codes of the method; without a method, alone."""
    (body,) = measured(method="high", version="2.0")
    assert body["method"] == {"coding": [coding("high")], "text": "The high, version 2.0"}
    assert measured(version="2.0")[0]["method"] == {"text": "version 2.0"}
    assert "method" not in measured()[0]


def test_what_it_was_measured_with_is_a_device_of_its_version() -> None:
    """One Device for each kind and version, shared by all results."""
    device, body = measured(device="high", version="2.0")
    assert body["device"] == {"reference": f"Device/{device['id']}"}
    assert device["identifier"][0]["value"] == "tiny|||device|high|2.0"
    assert device["version"] == [{"value": "2.0"}]
    assert device["type"]["coding"] == [coding("high")]


def test_a_material_is_named_where_no_specimen_is_referred_to() -> None:
    """A reference to the specimen says more."""
    assert measured(material="high")[0]["specimen"] == {"display": "The high"}
    key = SourceKey("TINY", "S1", "m12", "lab", "other")
    link = Link(element="specimen", to="measurement", key=key)
    (linked,) = measured(material="high", links=(link,))
    assert set(linked["specimen"]) == {"reference"}
