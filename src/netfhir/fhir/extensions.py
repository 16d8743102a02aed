"""The extensions that netfhir writes, each in one place with its source."""

from __future__ import annotations

from typing import Any, Final

_CORE: Final = "http://hl7.org/fhir/StructureDefinition/"

LOCAL_TIME: Final = "https://netfhir.example/StructureDefinition/local-time"
"""Ours: a time of day whose offset is not known, beside the date that is."""


#: The types on which R4 lets `workflow-researchStudy` stand, of those that netfhir writes.
OF_A_STUDY: Final = frozenset(
    {
        "Consent",
        "DiagnosticReport",
        "Encounter",
        "MedicationAdministration",
        "MedicationStatement",
        "Observation",
        "Procedure",
        "QuestionnaireResponse",
        "Task",
    }
)


def referring(name: str, reference: dict[str, str]) -> dict[str, Any]:
    """Return the extension of FHIR core of that name, which refers to another resource."""
    return {"url": f"{_CORE}{name}", "valueReference": reference}


def research_study(reference: dict[str, str]) -> dict[str, Any]:
    """Return the link of an event to its study (FHIR R4 core, workflow-researchStudy)."""
    return {"url": f"{_CORE}workflow-researchStudy", "valueReference": reference}


def absent(reason: str) -> dict[str, Any]:
    """Return an element that has no value, for the reason of that code (data-absent-reason)."""
    return {"extension": [{"url": f"{_CORE}data-absent-reason", "valueCode": reason}]}


def body_position(concept: dict[str, Any]) -> dict[str, Any]:
    """Return the position of the body at an observation (FHIR R4 core)."""
    return {"url": f"{_CORE}observation-bodyPosition", "valueCodeableConcept": concept}


def local_time(time: str) -> dict[str, Any]:
    """Return the time of day as the source gives it, HH:MM or HH:MM:SS."""
    seconds = time if time.count(":") > 1 else f"{time}:00"
    return {"url": LOCAL_TIME, "valueTime": seconds}
