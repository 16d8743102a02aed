"""Consents, visits, diagnoses, sessions, other medicines and specimens as resources."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.gate import Gate
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import mapper
from netfhir.runs import opening
from netfhir.settings import DEMO_SITE_KEY
from netfhir.trial.care import Consent, Diagnosis, Session, Specimen, Treatment, Visit
from netfhir.trial.entities import Link
from tiny_trial import BASE, LONDON, coding, site

if TYPE_CHECKING:
    from netfhir.trial.entities import Entity

SITE = site()
DAY = LocalTime("2024-08-05")
TIMES = (LocalTime("2024-09-30", "09:00"), LocalTime("2024-09-30", "15:00"))
STUDY = {
    "url": "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy",
    "valueReference": SITE.study(),
}


def key(form: str, item: str = "") -> SourceKey:
    """Return a key of S1 at the event e1."""
    return SourceKey("TINY", "S1", "e1", form, item)


def common(form: str, item: str = "", *links: Link) -> dict[str, Any]:
    """Return what every entity has."""
    named = {"key": key(form, item), "origin": "main.csv:2", "subject": "S1", "zone": LONDON}
    return named | {"links": links}


def bodies(name: str, entity: Entity) -> list[dict[str, Any]]:
    """Return the resources of an entity, each of which passes the gate."""
    drafts = list(mapper(name)(entity, SITE))
    for draft in drafts:
        assert draft.subject == "S1"
        assert Gate().findings(draft.body) == []
    return [draft.body for draft in drafts]


def named(resource_type: str, of: SourceKey, patient: str = "subject") -> dict[str, Any]:
    """Return type, id, identifier and patient of a resource."""
    return {
        "resourceType": resource_type,
        "id": SITE.naming.id(of),
        "identifier": [{"system": BASE, "value": of.text()}],
        patient: SITE.naming.patient("S1"),
    }


def concept(name: str) -> dict[str, Any]:
    """Return a concept of the tiny trial as FHIR has it."""
    return {"coding": [coding(name)], "text": f"The {name}"}


def local(table: str, name: str) -> dict[str, Any]:
    """Return a concept with the trial's own code first."""
    own = {"system": f"{BASE}/item/{table}", "code": name}
    return {"coding": [own, coding(name)], "text": f"The {name}"}


def consent(**given: Any) -> dict[str, Any]:
    """Return the resource of a consent."""
    told = {"status": "active", "version": "2.0", "given": DAY, "policy": "sheet"} | given
    (body,) = bodies("consent", Consent(**common("consent", "2.0"), **told))
    return body


def test_a_consent_is_of_this_study() -> None:
    """Scope, category, document, policy and study; and nothing else."""
    context = "http://hl7.org/fhir/StructureDefinition/consent-ResearchStudyContext"
    assert consent() == named("Consent", key("consent", "2.0"), "patient") | {
        "extension": [STUDY],
        "status": "active",
        "scope": concept("consent-scope-research"),
        "category": [concept("consent-category-research"), concept("consent-document")],
        "dateTime": "2024-08-05",
        "sourceAttachment": {"title": "Version 2.0"},
        "policyRule": concept("sheet"),
        "provision": {
            "extension": [{"url": context, "valueReference": SITE.study()}],
            "type": "permit",
            "period": {"start": "2024-08-05"},
        },
    }


def test_a_withdrawn_consent_ends_on_its_day() -> None:
    """Inactive, with the day of the withdrawal as the end of what was permitted."""
    body = consent(status="inactive", withdrawn=LocalTime("2025-04-22"))
    assert body["status"] == "inactive"
    assert body["provision"]["period"] == {"start": "2024-08-05", "end": "2025-04-22"}


def visit(form: str = "visit", **given: Any) -> list[dict[str, Any]]:
    """Return the resources of a visit."""
    told = {"code": "screening", "status": "finished", "site": "01"} | given
    return bodies("visit", Visit(**common(form), **told))


CODE = {
    "coding": [
        {"system": f"{BASE}/item/visit", "code": "screening", "display": "Screening"},
    ],
    "text": "Screening",
}


def test_a_visit_that_was_held_is_an_encounter() -> None:
    """Its class, code, period and who provided it; without a plan it stands alone."""
    (body,) = visit(setting="ambulatory", start=DAY)
    assert body == named("Encounter", key("visit")) | {
        "extension": [STUDY],
        "status": "finished",
        "class": coding("ambulatory"),
        "type": [CODE],
        "period": {"start": "2024-08-05"},
        "serviceProvider": SITE.naming.reference(
            "Organization", SITE.naming.key(form="organization", item="The hospital")
        ),
    }


def test_a_planned_visit_that_was_held_fulfils_its_plan() -> None:
    """The plan is a ServiceRequest of its own, completed, on which the Encounter is based."""
    plan, held = visit(setting="ambulatory", start=DAY, planned=LocalTime("2024-08-04"))
    assert plan == named("ServiceRequest", key("visit-plan")) | {
        "status": "completed",
        "intent": "plan",
        "code": CODE,
        "occurrenceDateTime": "2024-08-04",
    }
    assert held["basedOn"] == [{"reference": f"ServiceRequest/{plan['id']}"}]


@pytest.mark.parametrize(("withheld", "told"), [(False, True), (True, False)])
def test_a_plan_follows_the_schedule_of_the_arm(*, withheld: bool, told: bool) -> None:
    """Where readers may be blinded, the schedule would tell the arm."""
    real = opening.trial("NCT05987176")
    file = real.file.model_copy(update={"withhold_arms": withheld})
    blinded = opening.mapping_site(replace(real, file=file), DEMO_SITE_KEY)
    given = {"code": "prrt-1", "status": "planned", "site": "01", "arm": "b"}
    (draft,) = mapper("visit")(Visit(**common("visit-plan"), **given), blinded)
    assert ("instantiatesCanonical" in draft.body) == told


@pytest.mark.parametrize(("status", "plan"), [("planned", "active"), ("cancelled", "revoked")])
def test_a_visit_that_was_not_held_is_a_plan_alone(status: str, plan: str) -> None:
    """The hospital gets no Encounter that never was; the plan keeps its name."""
    (body,) = visit("visit-plan", status=status, planned=DAY, reason="Did not attend")
    assert (body["resourceType"], body["status"]) == ("ServiceRequest", plan)
    assert body["id"] == SITE.naming.id(key("visit-plan"))
    assert body["note"] == [{"text": "Did not attend"}]


def test_a_diagnosis_is_a_condition_without_a_study() -> None:
    """R4 does not let a Condition name its study."""
    told = {"code": "tumour", "verification": "confirmed", "onset": LocalTime("2022-09")}
    entity = Diagnosis(**common("diagnosis", "primary"), **told, recorded=DAY)
    assert bodies("diagnosis", entity) == [
        named("Condition", key("diagnosis", "primary"))
        | {
            "verificationStatus": concept("confirmed"),
            "code": local("diagnosis", "tumour"),
            "onsetDateTime": "2022-09",
            "recordedDate": "2024-08-05",
        }
    ]


def test_r5_needs_a_clinical_status() -> None:
    """What the source does not say is unknown there; R4, which has no such code, is silent."""
    entity = Diagnosis(**common("diagnosis", "primary"), code="tumour", verification="confirmed")
    (r5,) = mapper("diagnosis")(entity, replace(SITE, fhir="r5"))
    assert r5.body["clinicalStatus"] == concept("clinical-unknown")


def test_metastases_name_the_tumour_they_came_from() -> None:
    """The extension condition-related leads to the primary Condition."""
    primary = key("diagnosis", "primary")
    link = Link(element="extension.condition-related", to="diagnosis", key=primary)
    told = {"code": "metastases", "verification": "confirmed", "body_site": "liver"}
    (body,) = bodies("diagnosis", Diagnosis(**common("diagnosis", "secondary", link), **told))
    related = "http://hl7.org/fhir/StructureDefinition/condition-related"
    reference = {"reference": f"Condition/{SITE.naming.id(primary)}"}
    assert body["extension"] == [{"url": related, "valueReference": reference}]
    assert body["bodySite"] == [concept("liver")]


def test_a_session_is_a_procedure() -> None:
    """The trial's own codes, the period with its offset, and the Encounter."""
    link = Link(element="encounter", to="visit", key=key("visit"))
    told = {"procedure": "therapy", "status": "completed", "category": "therapy"}
    entity = Session(**common("session", "therapy", link), **told, start=TIMES[0], end=TIMES[1])
    assert bodies("session", entity) == [
        named("Procedure", key("session", "therapy"))
        | {
            "extension": [STUDY],
            "encounter": {"reference": f"Encounter/{SITE.naming.id(key('visit'))}"},
            "status": "completed",
            "code": local("procedure", "therapy"),
            "category": local("procedure-category", "therapy"),
            "performedPeriod": {
                "start": "2024-09-30T09:00:00+01:00",
                "end": "2024-09-30T15:00:00+01:00",
            },
        }
    ]


def test_a_session_that_was_not_held_says_why() -> None:
    """Its planned day is all it has of time."""
    told = {"procedure": "therapy", "status": "not-done", "reason": "Platelets"}
    (body,) = bodies("session", Session(**common("session", "therapy"), **told, start=DAY))
    assert body["statusReason"] == {"text": "Platelets"}
    assert body["performedPeriod"] == {"start": "2024-08-05"}


def test_a_treatment_is_a_medication_statement() -> None:
    """Product, period and why it was stopped."""
    told = {"product": "octreotide", "status": "stopped", "form": "long-acting"}
    entity = Treatment(**common("treatment", "before"), **told, end=DAY, reason="Before PRRT")
    assert bodies("treatment", entity) == [
        named("MedicationStatement", key("treatment", "before"))
        | {
            "extension": [STUDY],
            "status": "stopped",
            "medicationCodeableConcept": local("product", "octreotide"),
            "effectivePeriod": {"end": "2024-08-05"},
            "statusReason": [{"text": "Before PRRT"}],
            "note": [{"text": "The long-acting"}],
        }
    ]


def specimen(**given: Any) -> dict[str, Any]:
    """Return the resource of a specimen."""
    told = {"kind": "blood-sample", "status": "available", "collected": TIMES[0]} | given
    (body,) = bodies("specimen", Specimen(**common("specimen", "blood-sample"), **told))
    return body


def test_a_specimen_has_the_number_of_its_tube() -> None:
    """Kind, time of collection and accession; R4 does not let it name its study."""
    assert specimen(number="B-17") == named("Specimen", key("specimen", "blood-sample")) | {
        "accessionIdentifier": {"system": f"{BASE}/specimen", "value": "B-17"},
        "status": "available",
        "type": local("specimen", "blood-sample"),
        "collection": {"collectedDateTime": "2024-09-30T09:00:00+01:00"},
    }


def test_a_collection_over_a_time_is_a_period() -> None:
    """Urine of 24 hours begins and ends."""
    assert specimen(until=TIMES[1], body_site="liver")["collection"] == {
        "collectedPeriod": {
            "start": "2024-09-30T09:00:00+01:00",
            "end": "2024-09-30T15:00:00+01:00",
        },
        "bodySite": concept("liver"),
    }
