"""A laboratory result, a vital sign, a performance status: Observation.

The source's own code stands first, then the standard ones; the value keeps its digits and its
unit. Source: FHIR R4 Observation (obs-6, obs-7) and vital signs; HL7 CDISC mapping, LB and VS.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir import extensions
from netfhir.fhir.draft import Draft
from netfhir.mappers import moment, period
from netfhir.mappers.quantity import quantity
from netfhir.trial.entities import Amount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.declaration import Item
    from netfhir.trial.entities import Measurement, Part, Value

EMITS: Final = ("Device", "Observation")
#: What a reference to the entity leads to.
RESOURCE: Final = "Observation"


def drafts(entity: Measurement, site: MappingSite) -> Iterator[Draft]:
    """Yield one Observation: with a value, or why there is none; and first its Device, if any."""
    body = site.event("Observation", entity)
    body |= _meaning(site, entity.item_table, entity.item)
    body["status"] = entity.status
    if entity.until is not None:
        body["effectivePeriod"] = period(entity.measured, entity.until, entity.zone)
    elif entity.measured is not None:
        body |= moment("effectiveDateTime", entity.measured, entity.zone)
    if entity.parts:
        body["component"] = [_component(part, entity.item_table, site) for part in entity.parts]
    else:
        body |= _value(entity.value, entity.absent, site.item(entity.item_table, entity.item), site)
    if limits := _range(entity):
        body["referenceRange"] = [limits]
    if interpretation := _interpretation(entity, site):
        body["interpretation"] = [_concept(site, interpretation)]
    _circumstances(entity, site, body)
    if entity.device:
        device = _device(entity, entity.device, site)
        body["device"] = {"reference": f"Device/{device.id}"}
        yield device
    yield Draft("Observation", body["id"], body, entity.origin, entity.subject)


def _circumstances(entity: Measurement, site: MappingSite, body: Json) -> None:
    """Add to the body how, where and in what it was measured, and what was noted."""
    if entity.position:
        body["extension"].append(extensions.body_position(_concept(site, entity.position)))
    if entity.body_site:
        body["bodySite"] = _concept(site, entity.body_site)
    if method := _method(entity, site):
        body["method"] = method
    if entity.material and "specimen" not in body:
        body["specimen"] = {"display": site.concept(entity.material).text}
    if notes := [text for text in (entity.timepoint, entity.note) if text]:
        body["note"] = [{"text": text} for text in notes]


@lru_cache(maxsize=4096)
def _meaning(site: MappingSite, table: str, code: str) -> dict[str, Any]:
    item = site.item(table, code)
    local = {"system": f"{site.trial.codes.system}/{table}", "code": code}
    return {
        "category": [_concept(site, item.category)],
        "code": site.concept(item.concept).codeable(local),
    }


@lru_cache(maxsize=4096)
def _concept(site: MappingSite, key: str) -> dict[str, Any]:
    return site.concept(key).codeable()


def _method(entity: Measurement, site: MappingSite) -> Json:
    """Return the method, its version in the text: values of two versions do not compare."""
    version = f"version {entity.version}" if entity.version else ""
    if entity.method is None:
        return {"text": version} if version else {}
    concept = site.concept(entity.method)
    return concept.codeable(text=f"{concept.text}, {version}" if version else "")


def _device(entity: Measurement, kind: str, site: MappingSite) -> Draft:
    """Return what it was measured with: one Device for each kind and version."""
    naming = site.naming
    key = naming.key(form="device", item=kind, repeat=entity.version)
    body: Json = {
        "resourceType": "Device",
        "id": naming.id(key),
        "identifier": [naming.identifier(key)],
        "type": site.concept(kind).codeable(),
    }
    if entity.version:
        body["version"] = [{"value": entity.version}]
    return Draft("Device", body["id"], body, entity.origin, shared=True)


def _component(part: Part, table: str, site: MappingSite) -> Json:
    code = {"code": _meaning(site, table, part.item)["code"]}
    return code | _value(part.value, part.absent, site.item(table, part.item), site)


def _value(value: Value, absent: str | None, item: Item, site: MappingSite) -> Json:
    if value is None:
        return {"dataAbsentReason": _concept(site, absent or "absent-unknown")}
    if isinstance(value, Amount):
        return {"valueQuantity": quantity(value)}
    if isinstance(value, int):
        return {"valueInteger": value}
    if item.value == "concept":
        return {"valueCodeableConcept": _concept(site, value)}
    return {"valueString": value}


def _range(entity: Measurement) -> Json:
    limits = {}
    if entity.low is not None:
        limits["low"] = quantity(entity.low)
    if entity.high is not None:
        limits["high"] = quantity(entity.high)
    return limits


def _interpretation(entity: Measurement, site: MappingSite) -> str | None:
    if isinstance(entity.value, int):
        item = site.item(entity.item_table, entity.item)
        return item.answers.get(str(entity.value), entity.interpretation)
    return entity.interpretation
