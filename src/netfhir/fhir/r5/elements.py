"""What R5 calls otherwise or builds otherwise, by R4 type: the declared table of the R5 step.

A key is a type, or a type and the place of a backbone element in it; below it stand R4's JSON
names (`[x]` for every type of a choice). What is not here is carried as it stands where R5 has the
element with the same types and the same cardinality, and is a fault of the program elsewhere.
Source: the structures of hl7.fhir.r4.core 4.0.1 and hl7.fhir.r5.core 5.0.0, compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir.r5.steps import (
    Day,
    Inside,
    Renamed,
    coded,
    concept_of,
    concepts,
    each,
    links,
    listed,
    one,
)

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.r5.steps import Step, Turn

GUIDE: Final = "http://hl7.org/fhir/uv/ae-research-ig/StructureDefinition/"
"""HL7's guide for adverse events in clinical research, in R5."""
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"

_MEDICATION: Final[dict[str, Step]] = {
    "medicationCodeableConcept": one("medication", "concept"),
    "medicationReference": one("medication", "reference"),
}
_REASONS: Final[dict[str, Step]] = {
    "reasonCode": concepts("reason"),
    "reasonReference": links("reason"),
}


def _participant(role: str) -> Turn:
    function = {"coding": [{"system": _ROLES, "code": role}]}
    return lambda value: {"participant": [{"function": function, "actor": value}]}


def _evidence(items: list[Json]) -> Json:
    """Return each code and each detail as evidence of its own: R5 has no pairs."""
    found: list[Json] = []
    if any(item.keys() - {"code", "detail"} for item in items):
        raise ValueError("evidence")
    for item in items:
        found += [{"concept": code} for code in item.get("code", ())]
        found += [{"reference": detail} for detail in item.get("detail", ())]
    return {"evidence": found}


def _provision(value: Json) -> Json:
    """Return the decision, which R5 has beside the provision, and what else there is."""
    rest = {name: item for name, item in value.items() if name != "type"}
    decision: Json = {"decision": value["type"]} if "type" in value else {}
    return decision | ({"provision": [rest]} if rest else {})


def _causality(items: list[Json]) -> Json:
    """Return the one causality that R5 has; ValueError where R4 had several."""
    (only,) = items
    return {"causality": only}


def _severity(concept: Json) -> Json:
    """Return the extension of HL7's guide for R5, which has no severity of its own."""
    return {"extension": [{"url": f"{GUIDE}ae-severity", "valueCodeableConcept": concept}]}


def _only(name: str) -> Turn:
    """Return the step of a list of which R5 has one; ValueError where R4 had several."""

    def turn(items: list[Any]) -> Json:
        (item,) = items
        return {name: item}

    return turn


def _linked(value: str) -> Json:
    return {"id": value, "linkId": value}


def _adherence(code: str) -> Json:
    coding = {"system": "http://hl7.org/fhir/CodeSystem/medication-statement-adherence"}
    return {"adherence": {"code": {"coding": [coding | {"code": code}]}}}


#: R5 says apart whether the statement is recorded, and whether the medicine was taken.
_STATEMENT_STATES: Final[dict[str, Json]] = {
    "active": {"status": "recorded"} | _adherence("taking"),
    "completed": {"status": "recorded", "adherence": {"code": {"text": "No longer taken"}}},
    "entered-in-error": {"status": "entered-in-error"},
    "not-taken": {"status": "recorded"} | _adherence("not-taking"),
    "on-hold": {"status": "recorded"} | _adherence("on-hold"),
    "stopped": {"status": "recorded"} | _adherence("stopped"),
    "unknown": {"status": "recorded"} | _adherence("unknown"),
}


ELEMENTS: Final[dict[str, dict[str, Step]]] = {
    "ActivityDefinition": {"location": one("location", "reference")},
    "AdverseEvent": {
        "identifier": listed("identifier"),
        "event": Renamed("code"),
        "date": Inside("occurrencePeriod", "start"),
        "severity": _severity,
        "outcome": listed("outcome"),
        "resultingCondition": Renamed("resultingEffect"),
        "contributor": each("participant", "actor"),
        "subjectMedicalHistory": each("supportingInfo", "itemReference"),
        "referenceDocument": each("supportingInfo", "itemReference"),
    },
    "AdverseEvent.suspectEntity": {
        "instance": Renamed("instanceReference"),
        "causality": _causality,
    },
    "AdverseEvent.suspectEntity.causality": {
        "assessment": Renamed("entityRelatedness"),
        "method": Renamed("assessmentMethod"),
    },
    "Attachment": {"size": lambda value: {"size": str(value)}},
    "Condition": {
        "recorder": _participant("enterer"),
        "asserter": _participant("informant"),
        "evidence": _evidence,
    },
    "Condition.evidence": {"code": Renamed("code"), "detail": Renamed("detail")},
    "Consent": {
        "scope": listed("category"),
        "patient": Renamed("subject"),
        "dateTime": Day("date"),
        "performer": Renamed("grantor"),
        "organization": Renamed("controller"),
        "sourceAttachment": listed("sourceAttachment"),
        "sourceReference": listed("sourceReference"),
        "policy": _only("policyBasis"),
        "policyRule": listed("regulatoryBasis"),
        "provision": _provision,
    },
    "Consent.policy": {"uri": Renamed("url")},
    "Consent.provision": {"type": Renamed("type")},
    "Consent.verification": {"verificationDate": listed("verificationDate")},
    "Device": {
        "definition": one("definition", "reference"),
        "deviceName": Renamed("name"),
        "type": listed("type"),
    },
    "Device.deviceName": {"name": Renamed("value")},
    "DiagnosticReport": {"imagingStudy": Renamed("study")},
    "Dosage": {
        "asNeededBoolean": Renamed("asNeeded"),
        "asNeededCodeableConcept": listed("asNeededFor"),
        "maxDosePerPeriod": listed("maxDosePerPeriod"),
    },
    "Encounter": {
        "status": coded(
            "status",
            {
                "planned": "planned",
                "in-progress": "in-progress",
                "onleave": "on-hold",
                "finished": "completed",
                "cancelled": "cancelled",
                "entered-in-error": "entered-in-error",
                "unknown": "unknown",
            },
        ),
        "class": lambda value: {"class": [{"coding": [value]}]},
        "period": Renamed("actualPeriod"),
        "serviceType": concepts("serviceType"),
        "reasonCode": lambda items: {"reason": [{"value": [{"concept": i}]} for i in items]},
        "reasonReference": lambda items: {"reason": [{"value": [{"reference": i}]} for i in items]},
        "hospitalization": Renamed("admission"),
    },
    "Encounter.diagnosis": {"condition": links("condition"), "use": listed("use")},
    "Encounter.location": {"physicalType": Renamed("form")},
    "Encounter.participant": {"individual": Renamed("actor")},
    "Group": {"actual": coded("membership", {True: "enumerated", False: "definitional"})},
    "ImagingStudy": {
        "modality": concept_of("modality"),
        "procedureReference": listed("partOf"),
        "procedureCode": concepts("procedure"),
        **_REASONS,
    },
    "ImagingStudy.series": {
        "modality": concept_of("modality"),
        "bodySite": lambda value: {"bodySite": {"concept": {"coding": [value]}}},
        "laterality": concept_of("laterality"),
    },
    "Location": {
        "telecom": lambda items: {"contact": [{"telecom": items}]},
        "physicalType": Renamed("form"),
    },
    "Medication": {
        "form": Renamed("doseForm"),
        "manufacturer": Renamed("marketingAuthorizationHolder"),
    },
    "Medication.ingredient": {
        "itemCodeableConcept": one("item", "concept"),
        "itemReference": one("item", "reference"),
        "strength": Renamed("strengthRatio"),
    },
    "MedicationAdministration": {
        **_MEDICATION,
        **_REASONS,
        "category": listed("category"),
        "context": Renamed("encounter"),
        "device": links("device"),
        "effective[x]": Renamed("occurence[x]"),
    },
    "MedicationAdministration.performer": {"actor": one("actor", "reference")},
    "MedicationRequest": {
        **_MEDICATION,
        **_REASONS,
        "performer": listed("performer"),
        "reportedBoolean": Renamed("reported"),
        "reportedReference": listed("informationSource"),
    },
    "MedicationRequest.dispenseRequest": {"performer": Renamed("dispenser")},
    "MedicationStatement": {
        **_MEDICATION,
        **_REASONS,
        "category": listed("category"),
        "context": Renamed("encounter"),
        "informationSource": listed("informationSource"),
        "status": lambda value: _STATEMENT_STATES[value],
        "statusReason": lambda items: {"adherence": {"reason": _only("reason")(items)["reason"]}},
    },
    "Organization": {
        "telecom": lambda items: {"contact": [{"telecom": items}]},
        "address": each("contact", "address"),
        "contact": Renamed("contact"),
    },
    "Organization.contact": {"name": listed("name")},
    "PlanDefinition.action": {"id": _linked, "code": _only("code")},
    "PlanDefinition.action.relatedAction": {"actionId": Renamed("targetId")},
    "Practitioner": {"communication": each("communication", "language")},
    "PractitionerRole": {"telecom": lambda items: {"contact": [{"telecom": items}]}},
    "Procedure": {
        **_REASONS,
        "asserter": Renamed("reportedReference"),
        "category": listed("category"),
        "complication": concepts("complication"),
        "complicationDetail": links("complication"),
        "performed[x]": Renamed("occurrence[x]"),
        "usedCode": concepts("used"),
        "usedReference": links("used"),
    },
    "Provenance": {"reason": concepts("authorization")},
    "QuestionnaireResponse": {"identifier": listed("identifier")},
    "RelatedArtifact": {"url": Inside("document", "url")},
    "ResearchStudy": {
        "arm": Renamed("comparisonGroup"),
        "category": Renamed("studyDesign"),
        "focus": concepts("focus"),
        "location": Renamed("region"),
        "reasonStopped": Renamed("whyStopped"),
    },
    "ResearchSubject": {"consent": listed("consent"), "individual": Renamed("subject")},
    "ServiceRequest": {
        **_REASONS,
        "code": one("code", "concept"),
        "locationCode": concepts("location"),
        "locationReference": links("location"),
        "patientInstruction": each("patientInstruction", "instructionMarkdown"),
        "supportingInfo": links("supportingInfo"),
    },
    "Specimen.collection": {"bodySite": one("bodySite", "concept")},
    "Specimen.processing": {"procedure": Renamed("method")},
}
