"""An imaging report: DiagnosticReport, and an Observation for each lesion that it names.

The images are the hospital's: they are referred to by their accession number. A PET is coded by
its tracer, in words where no shipped code names it.
Source: FHIR R4 DiagnosticReport; mapping table 2, imaging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import moment
from netfhir.mappers.quantity import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.identity import SourceKey
    from netfhir.mappers import MappingSite
    from netfhir.trial.outcomes import ImagingReport, Lesion

EMITS: Final = ("DiagnosticReport", "Observation")
#: What a reference to the entity leads to.
RESOURCE: Final = "DiagnosticReport"


def drafts(entity: ImagingReport, site: MappingSite) -> Iterator[Draft]:
    """Yield the lesions, then the report that refers to them."""
    results = []
    for lesion in entity.lesions:
        key = _lesion_key(entity, lesion)
        results.append(site.naming.reference("Observation", key))
        yield _lesion(entity, lesion, key, site)
    body = site.event("DiagnosticReport", entity)
    body["status"] = entity.status
    body["category"] = [site.concept(entity.category).codeable()]
    local = {"system": f"{site.trial.codes.system}/examination", "code": entity.examination}
    body["code"] = site.concept(entity.examination).codeable(local)
    body |= moment("effectiveDateTime", entity.performed, entity.zone)
    if results:
        body["result"] = results
    if entity.accession:
        body["identifier"].append(identifier(entity.accession))
        body["imagingStudy"] = [imaging_study(entity.accession)]
    if entity.conclusion:
        body["conclusion"] = entity.conclusion
    yield Draft("DiagnosticReport", body["id"], body, entity.origin, entity.subject)


def identifier(accession: tuple[str, str]) -> Json:
    """Return an accession number as an identifier."""
    system, value = accession
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}
    return {"type": {"coding": [kind]}, "system": system, "value": value}


def imaging_study(accession: tuple[str, str]) -> Json:
    """Return the reference to the hospital's images of that accession number."""
    return {"type": "ImagingStudy", "identifier": identifier(accession)}


def _lesion_key(entity: ImagingReport, lesion: Lesion) -> SourceKey:
    item = f"{entity.key.item}/{lesion.number}"
    return entity.key._replace(form="lesion", item=item)


def _lesion(entity: ImagingReport, lesion: Lesion, key: SourceKey, site: MappingSite) -> Draft:
    item = site.item(entity.item_table, entity.item)
    number = {"system": f"{site.naming.base}/lesion", "value": f"{entity.subject}|{lesion.number}"}
    local = {"system": f"{site.trial.codes.system}/{entity.item_table}", "code": entity.item}
    body = site.event("Observation", entity.model_copy(update={"key": key, "links": ()}))
    body["identifier"].append(number)
    body["status"] = entity.status
    body["category"] = [site.concept(item.category).codeable()]
    body["code"] = site.concept(item.concept).codeable(local)
    body |= moment("effectiveDateTime", entity.performed, entity.zone)
    if lesion.diameter is None:
        body["dataAbsentReason"] = site.concept(lesion.absent or "absent-unknown").codeable()
    else:
        body["valueQuantity"] = quantity(lesion.diameter)
    if lesion.site:
        body["bodySite"] = site.concept(lesion.site).codeable()
    if lesion.is_new is not None:
        new = {"system": f"{site.trial.codes.system}/{entity.item_table}", "code": "new-lesion"}
        code = {"coding": [new], "text": "New lesion"}
        body["component"] = [{"code": code, "valueBoolean": lesion.is_new}]
    if entity.accession:
        body["derivedFrom"] = [imaging_study(entity.accession)]
    return Draft("Observation", body["id"], body, lesion.origin, entity.subject)
