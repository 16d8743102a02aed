"""An assessment of the disease: Observation, and a Condition for a new tumour that it found.

The Condition of the diagnosis is the focus; what shows the finding stands in derivedFrom (images)
and in an extension (reports), for R4 lets no DiagnosticReport stand in derivedFrom.
Source: FHIR R4 Observation and Condition; mapping table 2, disease status and recurrence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import moment
from netfhir.mappers.imaging_report import imaging_study

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.mappers import MappingSite
    from netfhir.trial.outcomes import DiseaseStatus

EMITS: Final = ("Condition", "Observation")
#: What a reference to the entity leads to.
RESOURCE: Final = "Observation"


def drafts(entity: DiseaseStatus, site: MappingSite) -> Iterator[Draft]:
    """Yield the Observation, then the Condition that it found, if any."""
    body = site.event("Observation", entity)
    local = {"system": f"{site.trial.codes.system}/finding", "code": entity.finding}
    body["status"] = entity.status
    body["category"] = [site.concept(entity.category).codeable()]
    body["code"] = site.concept(entity.item).codeable()
    body |= moment("effectiveDateTime", entity.assessed, entity.zone)
    body["valueCodeableConcept"] = site.concept(entity.finding).codeable(local)
    if entity.site:
        body["bodySite"] = site.concept(entity.site).codeable()
    if entity.method:
        body["method"] = site.concept(entity.method).codeable()
    if entity.imaging:
        body["derivedFrom"] = [*body.get("derivedFrom", ()), imaging_study(entity.imaging)]
    if entity.note:
        body["note"] = [{"text": entity.note}]
    yield Draft("Observation", body["id"], body, entity.origin, entity.subject)
    if entity.condition:
        yield _condition(entity, entity.condition, site)


def _condition(entity: DiseaseStatus, tumour: str, site: MappingSite) -> Draft:
    naming = site.naming
    key = entity.key._replace(form="new_tumour", item=tumour)
    shown = naming.reference("Observation", entity.key)
    body = {
        "resourceType": "Condition",
        "id": naming.id(key),
        "identifier": [naming.identifier(key)],
        "clinicalStatus": site.concept("clinical-recurrence").codeable(),
        "verificationStatus": site.concept("verification-confirmed").codeable(),
        "code": site.concept(tumour).codeable(),
        "subject": naming.patient(entity.subject),
        "recordedDate": entity.assessed.date,
        "evidence": [{"detail": [shown]}],
    }
    return Draft("Condition", str(body["id"]), body, entity.origin, entity.subject)
