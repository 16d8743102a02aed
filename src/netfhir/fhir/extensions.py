"""The extensions that netfhir writes, each in one place with its source."""

from __future__ import annotations

from typing import Any, Final

_CORE: Final = "http://hl7.org/fhir/StructureDefinition/"

CROSS_VERSION: Final = "http://hl7.org/fhir/5.0/StructureDefinition/"
"""The base of HL7's extensions for what only R5 has an element for, each named by its path."""

LOCAL_TIME: Final = "https://netfhir.example/StructureDefinition/local-time"
"""Ours: a time of day whose offset is not known, beside the date that is."""

_SOA: Final = "http://hl7.org/fhir/uv/vulcan-schedule/StructureDefinition/"


def acceptable_offset_range(limits: dict[str, Any]) -> dict[str, Any]:
    """Return between which offsets from its anchor an action may be (Vulcan SoA 1.0.0)."""
    return {"url": f"{_SOA}AcceptableOffsetRangeSoa", "valueRange": limits}


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


def in_r5(path: str, *parts: dict[str, Any], **value: object) -> dict[str, Any]:
    """Return the extension that stands for an R5 element: of parts, or with a value."""
    url = f"{CROSS_VERSION}extension-{path}"
    return {"url": url, "extension": list(parts)} if parts else {"url": url, **value}


def rebased(value: Any, base: str) -> Any:  # noqa: ANN401 - any FHIR element
    """Return the value with the cross-version extensions under the base that a server knows."""
    if isinstance(value, list):
        return [rebased(item, base) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: rebased(item, base) for name, item in value.items()}
    if str(found.get("url", "")).startswith(CROSS_VERSION):
        found["url"] = base + found["url"].removeprefix(CROSS_VERSION)
    return found


def absent(reason: str) -> dict[str, Any]:
    """Return an element that has no value, for the reason of that code (data-absent-reason)."""
    return {"extension": [{"url": f"{_CORE}data-absent-reason", "valueCode": reason}]}


def body_position(concept: dict[str, Any]) -> dict[str, Any]:
    """Return the position of the body at an observation (FHIR R4 core)."""
    return {"url": f"{_CORE}observation-bodyPosition", "valueCodeableConcept": concept}


def translation(quantity: dict[str, Any]) -> dict[str, Any]:
    """Return the same quantity in another unit (FHIR R4 core, iso21090-PQ-translation)."""
    return {"url": f"{_CORE}iso21090-PQ-translation", "valueQuantity": quantity}


def local_time(time: str) -> dict[str, Any]:
    """Return the time of day as the source gives it, HH:MM or HH:MM:SS."""
    seconds = time if time.count(":") > 1 else f"{time}:00"
    return {"url": LOCAL_TIME, "valueTime": seconds}
