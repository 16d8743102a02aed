"""A time-to-event endpoint: derived Observation, with the version of its derivation.

What it follows from is named: an Observation as derivedFrom, anything else, such as the subject's
record, as focus. Source: mapping table 2, DFS and OS event; FHIR R4 Observation.derivedFrom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import moment, resource_of
from netfhir.mappers.deviation import component, local
from netfhir.terminology.concepts import UCUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.derived import Endpoint

EMITS: Final = ("Observation",)
RESOURCE: Final = "Observation"

_DERIVED_FROM: Final = frozenset({"Observation", "QuestionnaireResponse", "ImagingStudy"})


def drafts(entity: Endpoint, site: MappingSite) -> Iterator[Draft]:
    """Yield one Observation: event or censored, or why that is not known."""
    body = site.event("Observation", _sorted(entity))
    body["status"] = entity.status
    body["category"] = [local(site, "category", "endpoint", "Endpoint")]
    body["code"] = local(site, "endpoint", entity.endpoint, entity.title)
    if entity.when is not None:
        body |= moment("effectiveDateTime", entity.when, entity.zone)
    if entity.outcome:
        text = entity.outcome.capitalize()
        body["valueCodeableConcept"] = local(site, "endpoint-outcome", entity.outcome, text)
    else:
        body["dataAbsentReason"] = site.concept("absent-unknown").codeable(text=entity.reason)
    body["component"] = list(_components(entity, site))
    yield Draft("Observation", body["id"], body, entity.origin, entity.subject)


def _sorted(entity: Endpoint) -> Endpoint:
    """Return the endpoint with what R4 lets no Observation be derived from as its focus."""
    links = [
        link
        if resource_of(link.to) in _DERIVED_FROM
        else link.model_copy(update={"element": "focus"})
        for link in entity.links
    ]
    return entity.model_copy(update={"links": tuple(links)})


def _components(entity: Endpoint, site: MappingSite) -> Iterator[Json]:
    if entity.days is not None:
        days = {"value": entity.days, "unit": "days", "system": UCUM, "code": "d"}
        text = "Time since randomisation"
        yield component(site, "time-since-randomisation", text, {"valueQuantity": days})
    elif entity.outcome:
        absent = site.concept("absent-unknown").codeable(text=entity.reason)
        text = "Time since randomisation"
        yield component(site, "time-since-randomisation", text, {"dataAbsentReason": absent})
    if entity.event:
        yield component(site, "event-type", "Event", {"valueString": entity.event})
    if entity.competing:
        text = "Competing event"
        yield component(site, "competing-type", text, {"valueString": entity.competing})
    version = {"valueString": entity.version}
    yield component(site, "derivation-version", "Version of the derivation", version)
