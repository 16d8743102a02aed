"""A session of treatment: Procedure, of which the products given are parts.

Source: FHIR R4 Procedure. The SNOMED CT codes that mapping tables name for radionuclide therapy
are not in the Global Patient Set: the trial's own code stands for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.mappers import MappingSite
    from netfhir.trial.care import Session

EMITS: Final = ("Procedure",)
#: What a reference to the entity leads to.
RESOURCE: Final = "Procedure"


def drafts(entity: Session, site: MappingSite) -> Iterator[Draft]:
    """Yield one Procedure."""
    body = site.event("Procedure", entity)
    body["status"] = entity.status
    body["code"] = site.coded("procedure", entity.procedure)
    if entity.category:
        body["category"] = site.coded("procedure-category", entity.category)
    if performed := period(entity.start, entity.end, entity.zone):
        body["performedPeriod"] = performed
    if entity.reason:
        body["statusReason"] = {"text": entity.reason}
    yield Draft("Procedure", body["id"], body, entity.origin, entity.subject)
