"""A medicine beside the study: MedicationStatement, over the period that the source tells.

Source: FHIR R4 MedicationStatement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.mappers import MappingSite
    from netfhir.trial.care import Treatment

EMITS: Final = ("MedicationStatement",)
#: What a reference to the entity leads to.
RESOURCE: Final = "MedicationStatement"


def drafts(entity: Treatment, site: MappingSite) -> Iterator[Draft]:
    """Yield one MedicationStatement."""
    body = site.event("MedicationStatement", entity)
    body["status"] = entity.status
    body["medicationCodeableConcept"] = site.coded("product", entity.product)
    if effective := period(entity.start, entity.end, entity.zone):
        body["effectivePeriod"] = effective
    if entity.reason:
        body["statusReason"] = [{"text": entity.reason}]
    if entity.form:
        body["note"] = [{"text": site.concept(entity.form).text}]
    yield Draft("MedicationStatement", body["id"], body, entity.origin, entity.subject)
