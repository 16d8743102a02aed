"""An administration of a study product: MedicationAdministration, and its Medication.

Activity is a dose in UCUM GBq or MBq; the rate is that activity over the minutes that the infusion
took, given only where both its times are instants.
Source: FHIR R4 MedicationAdministration (mad-1).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from netfhir.fhir import extensions
from netfhir.fhir.dates import minutes_between
from netfhir.fhir.draft import Draft
from netfhir.mappers import moment, period
from netfhir.mappers.quantity import quantity
from netfhir.terminology.concepts import UCUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.entities import Dose

EMITS: Final = ("Medication", "MedicationAdministration")
#: What a reference to the entity leads to.
RESOURCE: Final = "MedicationAdministration"


def drafts(entity: Dose, site: MappingSite) -> Iterator[Draft]:
    """Yield the Medication (one for each product, form and lot), then the dose."""
    medication = _medication(entity, site)
    yield medication
    body = site.event("MedicationAdministration", entity)
    body["status"] = entity.status
    body["medicationReference"] = {"reference": f"Medication/{medication.id}"}
    body["effectivePeriod"] = _period(entity, site)
    if entity.category:
        body["category"] = site.coded("administration-category", entity.category)
    if dosage := _dosage(entity, site):
        body["dosage"] = dosage
    if entity.reason:
        body["statusReason"] = [{"text": entity.reason}]
    if entity.cycle is not None:
        body["note"] = [{"text": f"Cycle {entity.cycle}"}]
    yield Draft("MedicationAdministration", body["id"], body, entity.origin, entity.subject)


def _medication(entity: Dose, site: MappingSite) -> Draft:
    naming = site.naming
    product = f"{entity.product}/{entity.form}" if entity.form else entity.product
    key = naming.key(form="medication", item=product, repeat=entity.lot or "")
    body: Json = {
        "resourceType": "Medication",
        "id": naming.id(key),
        "identifier": [naming.identifier(key)],
        "code": site.coded("product", entity.product),
    }
    if entity.form:
        body["form"] = {"text": entity.form}
    if entity.lot:
        body["batch"] = {"lotNumber": entity.lot}
        if entity.expires is not None:
            body["batch"] |= moment("expirationDate", entity.expires, entity.zone)
    return Draft("Medication", body["id"], body, entity.origin, shared=True)


def _period(entity: Dose, site: MappingSite) -> Json:
    unsaid = extensions.absent(site.concept("absent-unknown").coding[0].code)
    found = period(entity.start, entity.end, entity.zone)
    if entity.start is None:
        found["_start"] = unsaid
    if entity.end is None and entity.status != "not-done":
        found["_end"] = unsaid
    return found


def _dosage(entity: Dose, site: MappingSite) -> Json:
    if entity.amount is None:
        return {}
    dosage: Json = {"dose": quantity(entity.amount)}
    if entity.schedule:
        dosage["text"] = entity.schedule
    if entity.route:
        dosage["route"] = site.concept(entity.route).codeable()
    if rate := _rate(entity):
        dosage["rateRatio"] = rate
    return dosage


def _rate(entity: Dose) -> Json | None:
    if entity.amount is None or entity.start is None or entity.end is None:
        return None
    minutes = minutes_between(entity.start, entity.end, entity.zone)
    if minutes is None:
        return None
    duration = {"value": Decimal(minutes), "unit": "min", "system": UCUM, "code": "min"}
    return {"numerator": quantity(entity.amount), "denominator": duration}
