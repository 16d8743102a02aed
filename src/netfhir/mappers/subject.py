"""A subject: ResearchSubject.

The status is the present state as the source tells it; the Patient is the hospital's and is only
referred to. Source: FHIR R4 ResearchSubject; status value set research-subject-status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir.draft import Draft
from netfhir.trial.entities import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.entities import Subject

EMITS: Final = ("ResearchSubject",)
#: What a reference to the entity leads to.
RESOURCE: Final = "ResearchSubject"


def drafts(entity: Subject, site: MappingSite) -> Iterator[Draft]:
    """Yield one ResearchSubject."""
    naming = site.naming
    arms = site.trial.file.arms
    body: Json = {
        "resourceType": "ResearchSubject",
        "id": naming.id(entity.key),
        "identifier": _identifiers(entity, site),
        "status": entity.states[-1].state,
        "study": site.study(),
        "individual": naming.patient(entity.subject),
    }
    if period := _period(entity):
        body["period"] = period
    if entity.arm:
        body["assignedArm"] = arms[entity.arm].name
    if entity.actual_arm:
        body["actualArm"] = arms[entity.actual_arm].name
    yield Draft("ResearchSubject", body["id"], body, entity.origin, entity.subject)


def _identifiers(entity: Subject, site: MappingSite) -> list[dict[str, Any]]:
    naming = site.naming
    identifiers: list[dict[str, Any]] = [
        naming.identifier(entity.key),
        {"system": naming.subjects, "value": entity.subject},
    ]
    identifiers += [{"system": system, "value": number} for system, number in entity.other_numbers]
    if entity.randomisation_number:
        system = f"{naming.base}/randomisation"
        identifiers.append({"system": system, "value": entity.randomisation_number})
    return identifiers


def _period(entity: Subject) -> dict[str, str]:
    first = entity.consented or entity.states[0].since
    last = entity.states[-1]
    period: dict[str, str] = {}
    if first is not None:
        period["start"] = first.date
    if last.state in ENDED and last.since is not None:
        period["end"] = last.since.date
    return period
