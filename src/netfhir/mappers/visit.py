"""A visit: the Encounter that was held, and the ServiceRequest that planned it.

A visit that was not held has no Encounter: its plan says what became of it.
Source: FHIR R4 Encounter and ServiceRequest (intent plan); workflow-instantiatesCanonical does not
stand on Encounter, so the plan carries the protocol.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import moment, period, schedule_of_activities
from netfhir.trial.care import HELD
from netfhir.trial.schedule import declared as schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.identity import SourceKey
    from netfhir.mappers import MappingSite
    from netfhir.trial.care import Visit

EMITS: Final = ("ServiceRequest", "Encounter")
#: What a reference to the entity leads to.
RESOURCE: Final = "Encounter"

#: What a plan is, by what became of the visit.
_PLAN = {
    "planned": "active",
    "arrived": "active",
    "in-progress": "active",
    "finished": "completed",
    "cancelled": "revoked",
    "unknown": "unknown",
}


def drafts(entity: Visit, site: MappingSite) -> Iterator[Draft]:
    """Yield the plan, where there was one or no visit came of it, and the Encounter if held."""
    planned = entity.planned is not None or entity.status not in HELD
    if planned:
        body = _plan(entity, site)
        yield Draft("ServiceRequest", body["id"], body, entity.origin, entity.subject)
    if entity.status in HELD:
        body = _held(entity, site)
        if planned:
            body["basedOn"] = [site.naming.reference("ServiceRequest", plan_key(entity))]
        yield Draft("Encounter", body["id"], body, entity.origin, entity.subject)


def plan_key(entity: Visit) -> SourceKey:
    """Return the key of a visit's plan, the same before the visit and after."""
    return entity.key._replace(form="visit-plan")


def _code(entity: Visit, site: MappingSite) -> Json:
    coding = {"system": f"{site.trial.codes.system}/visit", "code": entity.code}
    name = site.trial.file.visits[entity.code].name
    return {"coding": [coding | {"display": name}], "text": name}


def _plan(entity: Visit, site: MappingSite) -> Json:
    naming, key = site.naming, plan_key(entity)
    body: Json = {
        "resourceType": "ServiceRequest",
        "id": naming.id(key),
        "identifier": [naming.identifier(key)],
        "status": _PLAN[entity.status],
        "intent": "plan",
        "code": _code(entity, site),
        "subject": naming.patient(entity.subject),
    }
    if protocol := _protocol(entity, site):
        body["instantiatesCanonical"] = [protocol]
    if entity.planned is not None:
        body |= moment("occurrenceDateTime", entity.planned, entity.zone)
    if entity.reason:
        body["note"] = [{"text": entity.reason}]
    return body


def _protocol(entity: Visit, site: MappingSite) -> str:
    """Return the plan of the subject's arm; "" without a schedule, an arm, or leave to tell it."""
    version = _version(site)
    if version is None or entity.arm is None or site.trial.file.withhold_arms:
        return ""
    return schedule_of_activities.canonical(entity.arm, version, site.naming)


@lru_cache(maxsize=16)
def _version(site: MappingSite) -> str | None:
    declared = schedule.load(site.trial)
    return declared.version if declared is not None else None


def _held(entity: Visit, site: MappingSite) -> Json:
    body = site.event("Encounter", entity)
    body["status"] = entity.status
    body["type"] = [_code(entity, site)]
    if entity.setting:
        body["class"] = site.concept(entity.setting).coding[0].as_fhir()
    if held := period(entity.start, entity.end, entity.zone):
        body["period"] = held
    if organization := site.trial.file.sites[entity.site].organization:
        key = site.naming.key(form="organization", item=organization)
        body["serviceProvider"] = site.naming.reference("Organization", key)
    return body
