"""An adverse event: AdverseEvent by HL7's profile for clinical research, backported to R4.

Base elements that the profile forbids (suspectEntity, resultingCondition) are not written; grade,
causality and criteria of seriousness are its extensions. A code of the source stands before ours.
No profile is claimed here.
Source: HL7 Vulcan AE backport 1.0.1; mapping table 2, adverse event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir import backport, extensions
from netfhir.fhir.dates import fhir_datetime
from netfhir.fhir.draft import Draft
from netfhir.mappers import moment, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.outcomes import AdverseEvent

EMITS: Final = ("AdverseEvent",)
#: What a reference to the entity leads to.
RESOURCE: Final = "AdverseEvent"
#: The declared element of a link to what is suspected, here an extension.
_SUSPECT: Final = "suspectEntity"


def drafts(entity: AdverseEvent, site: MappingSite) -> Iterator[Draft]:
    """Yield one AdverseEvent that took place."""
    others = tuple(link for link in entity.links if link.element != _SUSPECT)
    body = site.event("AdverseEvent", entity.model_copy(update={"links": others}))
    body["modifierExtension"] = [backport.extension("status", valueCode=entity.status)]
    body["extension"] = list(_extensions(entity, site))
    body["actuality"] = "actual"
    body["event"] = _what(entity, site)
    if entity.start is not None:
        body |= moment("date", entity.start, entity.zone)
    if entity.recorded is not None:
        body |= moment("recordedDate", entity.recorded, entity.zone)
    body["seriousness"] = _seriousness(entity, site)
    if entity.severity:
        body["severity"] = site.concept(entity.severity).codeable()
    body["outcome"] = site.concept(entity.outcome).codeable()
    body["study"] = [site.study()]
    yield Draft("AdverseEvent", body["id"], body, entity.origin, entity.subject)


def _seriousness(entity: AdverseEvent, site: MappingSite) -> Json:
    """Return HL7 Terminology's code; beside it R4's own edition of it, which R5 does not have."""
    found = site.concept(f"seriousness-{entity.seriousness}").codeable()
    return found if site.fhir == "r4" else found | {"coding": found["coding"][:1]}


def _what(entity: AdverseEvent, site: MappingSite) -> Json:
    coding: list[dict[str, Any]] = [
        {name: value for name, value in code.model_dump().items() if value} for code in entity.codes
    ]
    if entity.term:
        coding += site.concept(entity.term).codeable().get("coding", [])
    text = {"text": entity.verbatim}
    return {"coding": coding, **text} if coding else text


def _extensions(entity: AdverseEvent, site: MappingSite) -> Iterator[Json]:
    naming = site.naming
    subject = naming.reference("ResearchSubject", naming.key(entity.subject, form="subject"))
    yield backport.extension("research-subject-ref", valueReference=subject)
    if entity.grade:
        grade = site.concept(entity.grade).codeable()
        yield backport.extension("ae-grade", valueCodeableConcept=grade)
    for criterion in entity.criteria:
        yield backport.criterion(site.concept(criterion).codeable())
    yield from _suspects(entity, site)
    if entity.action:
        yield backport.mitigating(site.concept(entity.action).codeable())
    yield from _answers(entity)
    if entity.end is not None:
        ended: Json = {"valueDateTime": fhir_datetime(entity.end, entity.zone)}
        if entity.end.time and ended["valueDateTime"] == entity.end.date:
            ended["_valueDateTime"] = {"extension": [extensions.local_time(entity.end.time)]}
        yield backport.extension("resolve-date", **ended)
    if entity.note:
        yield backport.extension("note", valueAnnotation={"text": entity.note})


def _suspects(entity: AdverseEvent, site: MappingSite) -> Iterator[Json]:
    related: Json = extensions.absent(site.concept("absent-unknown").coding[0].code)
    if entity.causality:
        related = site.concept(entity.causality).codeable()
    named = [link for link in entity.links if link.element == _SUSPECT]
    for link in named:
        reference = site.naming.reference(resource_of(link.to), link.key)
        yield backport.suspect({"valueReference": reference}, related)
    if entity.suspect and entity.causality and not named:
        concept = site.concept(entity.suspect).codeable()
        yield backport.suspect({"valueCodeableConcept": concept}, related)


def _answers(entity: AdverseEvent) -> Iterator[Json]:
    answers = {
        "expected-in-research-study": entity.expected,
        "caused-subject-to-discontinue-study": entity.discontinued,
    }
    for name, answer in answers.items():
        if answer is not None:
            yield backport.extension(name, valueBoolean=answer == "yes")
