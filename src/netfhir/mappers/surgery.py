"""A liver resection: Procedure. Source: FHIR R4 Procedure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.mappers import MappingSite
    from netfhir.trial.entities import Surgery

EMITS: Final = ("Procedure",)
#: What a reference to the entity leads to.
RESOURCE: Final = "Procedure"


def drafts(entity: Surgery, site: MappingSite) -> Iterator[Draft]:
    """Yield one completed Procedure: the source records resections that took place."""
    body = site.event("Procedure", entity)
    body["status"] = entity.status
    body["code"] = site.concept(entity.procedure).codeable()
    body |= moment("performedDateTime", entity.performed, entity.zone)
    if entity.number:
        body["identifier"].append({"system": f"{site.naming.base}/surgery", "value": entity.number})
    if entity.body_site:
        body["bodySite"] = [site.concept(entity.body_site).codeable()]
    if entity.residual_tumour:
        body["outcome"] = site.concept(entity.residual_tumour).codeable()
    yield Draft("Procedure", body["id"], body, entity.origin, entity.subject)
