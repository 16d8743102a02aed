"""A protocol deviation: Observation, its focus what deviated.

No standard code was found for one; the trial's own stands alone. What was expected and what was
found are components, dates with their precision and amounts with their unit.
Source: mapping table 2, protocol deviation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.draft import Draft
from netfhir.mappers import moment
from netfhir.mappers.quantity import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.derived import Deviation
    from netfhir.trial.entities import Amount

EMITS: Final = ("Observation",)
RESOURCE: Final = "Observation"


def drafts(entity: Deviation, site: MappingSite) -> Iterator[Draft]:
    """Yield one Observation."""
    body = site.event("Observation", entity)
    body["status"] = entity.status
    body["category"] = [local(site, "category", "protocol-deviation", "Protocol deviation")]
    body["code"] = local(site, "finding", "protocol-deviation", "Protocol deviation")
    if entity.occurred is not None:
        body |= moment("effectiveDateTime", entity.occurred, entity.zone)
    body["valueCodeableConcept"] = _value(entity, site)
    body["component"] = list(_components(entity, site))
    yield Draft("Observation", body["id"], body, entity.origin, entity.subject)


def local(site: MappingSite, table: str, code: str, text: str) -> dict[str, Any]:
    """Return a concept of the trial's own code system."""
    system = f"{site.trial.codes.system}/{table}"
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def component(site: MappingSite, code: str, text: str, value: Json) -> Json:
    """Return one component with the trial's own code."""
    return {"code": local(site, "component", code, text), **value}


def _value(entity: Deviation, site: MappingSite) -> dict[str, Any]:
    if not entity.kind:
        return {"text": entity.title}
    code = entity.kind.replace(" ", "-")
    found = local(site, "verdict", code, entity.kind.capitalize())
    return {"coding": found["coding"], "text": f"{entity.title}: {entity.kind}"}


def _components(entity: Deviation, site: MappingSite) -> Iterator[Json]:
    yield component(site, "rule-id", "Rule", {"valueString": entity.rule})
    for code, text, told in (
        ("expected-low", "Expected, least", entity.low),
        ("expected-high", "Expected, most", entity.high),
        ("actual", "Actual", entity.actual),
    ):
        if told is not None:
            yield component(site, code, text, _told(told, entity.zone))
    if entity.severity:
        severity = site.concept(entity.severity).codeable()
        yield component(site, "severity", "Severity", {"valueCodeableConcept": severity})
    if entity.reason:
        yield component(site, "reason", "Reason", {"valueString": entity.reason})
    if entity.version:
        version = {"valueString": entity.version}
        yield component(site, "derivation-version", "Version of the rules", version)


def _told(told: LocalTime | Amount, zone: str | None) -> Json:
    if isinstance(told, LocalTime):
        return moment("valueDateTime", told, zone)
    return {"valueQuantity": quantity(told)}
