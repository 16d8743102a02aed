"""A consent to take part: Consent, for this study and from its day to that of a withdrawal.

The document is named by its version; the consent of a later version is another resource.
Source: FHIR R4 Consent (ppc-1); HL7 extension consent-ResearchStudyContext.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir import extensions
from netfhir.fhir.draft import Draft
from netfhir.mappers import moment, period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.care import Consent

EMITS: Final = ("Consent",)
#: What a reference to the entity leads to.
RESOURCE: Final = "Consent"


def drafts(entity: Consent, site: MappingSite) -> Iterator[Draft]:
    """Yield one Consent."""
    body = site.event("Consent", entity)
    body["status"] = entity.status
    body["scope"] = site.concept("consent-scope-research").codeable()
    body["category"] = [
        site.concept("consent-category-research").codeable(),
        site.concept("consent-document").codeable(),
    ]
    body |= moment("dateTime", entity.given, entity.zone)
    body["sourceAttachment"] = {"title": f"Version {entity.version}"}
    body["policyRule"] = site.concept(entity.policy).codeable()
    body["provision"] = _provision(entity, site)
    yield Draft("Consent", body["id"], body, entity.origin, entity.subject)


def _provision(entity: Consent, site: MappingSite) -> Json:
    permitted = period(entity.given, entity.withdrawn, entity.zone)
    study = extensions.referring("consent-ResearchStudyContext", site.study())
    return {"extension": [study], "type": "permit", "period": permitted}
