"""An assessment of the disease: Observation, and a Condition for a new tumour that it found.

The diagnosis and the new tumour are the focus. What shows the finding is named by the accession
number of the images, which their report has too: a reference to the report, which refers to its
lesions, would let Observation and DiagnosticReport need each other.
Source: FHIR R4 Observation and Condition; mapping table 2, disease status and recurrence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir import extensions
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
    """Yield the Condition that the assessment found, if any, then its Observation."""
    body = site.event("Observation", entity)
    if entity.condition:
        found = _condition(entity, entity.condition, site)
        body["focus"] = [*body.get("focus", ()), {"reference": f"Condition/{found.id}"}]
        yield found
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


def _condition(entity: DiseaseStatus, tumour: str, site: MappingSite) -> Draft:
    """Return the new tumour, related to the diagnosis that the assessment is about."""
    key = entity.key._replace(form="new_tumour", item=tumour)
    body = site.event("Condition", entity.model_copy(update={"key": key, "links": ()}))
    focus = [link.key for link in entity.links if link.element == "focus"]
    related = [site.naming.reference("Condition", known) for known in focus]
    if related:
        body["extension"] = [extensions.referring("condition-related", one) for one in related]
    body["clinicalStatus"] = site.concept("clinical-recurrence").codeable()
    body["verificationStatus"] = site.concept("verification-confirmed").codeable()
    body["code"] = site.coded("diagnosis", tumour)
    body["recordedDate"] = entity.assessed.date
    return Draft("Condition", body["id"], body, entity.origin, entity.subject)
