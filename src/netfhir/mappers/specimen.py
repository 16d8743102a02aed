"""A specimen: Specimen, by the number on its tube. Source: FHIR R4 Specimen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import moment, period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.care import Specimen

EMITS: Final = ("Specimen",)
#: What a reference to the entity leads to.
RESOURCE: Final = "Specimen"


def drafts(entity: Specimen, site: MappingSite) -> Iterator[Draft]:
    """Yield one Specimen."""
    body = site.event("Specimen", entity)
    if entity.number:
        system = f"{site.naming.base}/specimen"
        body["accessionIdentifier"] = {"system": system, "value": entity.number}
    body["status"] = entity.status
    body["type"] = site.coded("specimen", entity.kind)
    body["collection"] = _collection(entity, site)
    yield Draft("Specimen", body["id"], body, entity.origin, entity.subject)


def _collection(entity: Specimen, site: MappingSite) -> Json:
    if entity.until is None:
        taken = moment("collectedDateTime", entity.collected, entity.zone)
    else:
        taken = {"collectedPeriod": period(entity.collected, entity.until, entity.zone)}
    if entity.body_site:
        taken["bodySite"] = site.concept(entity.body_site).codeable()
    return taken
