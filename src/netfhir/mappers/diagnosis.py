"""A disease: Condition. What it came from is told by the extension condition-related.

FHIR R4 does not let a Condition name its study: the Encounter of the diagnosis does.
Source: FHIR R4 Condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.mappers import MappingSite
    from netfhir.trial.care import Diagnosis

EMITS: Final = ("Condition",)
#: What a reference to the entity leads to.
RESOURCE: Final = "Condition"


def drafts(entity: Diagnosis, site: MappingSite) -> Iterator[Draft]:
    """Yield one Condition."""
    body = site.event("Condition", entity)
    if clinical := _clinical(entity, site):
        body["clinicalStatus"] = site.concept(clinical).codeable()
    body["verificationStatus"] = site.concept(entity.verification).codeable()
    body["code"] = site.coded("diagnosis", entity.code)
    if entity.body_site:
        body["bodySite"] = [site.concept(entity.body_site).codeable()]
    if entity.onset is not None:
        body |= moment("onsetDateTime", entity.onset, entity.zone)
    if entity.recorded is not None:
        body |= moment("recordedDate", entity.recorded, entity.zone)
    yield Draft("Condition", body["id"], body, entity.origin, entity.subject)


def _clinical(entity: Diagnosis, site: MappingSite) -> str | None:
    """Return what the source says; R5 needs the element, and has a code for what it does not."""
    return entity.clinical or ("clinical-unknown" if site.fhir == "r5" else None)
