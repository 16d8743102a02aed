"""A death: an Observation of its cause, and a Task that proposes it for the hospital's Patient.

The Patient is the hospital's: its `deceased` is never written here. The Task says what the trial
knows, and whoever keeps the patient's record decides.
Source: FHIR R4 Observation and Task; mapping table 2, death.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir.draft import Draft
from netfhir.mappers import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers import MappingSite
    from netfhir.trial.outcomes import Death

EMITS: Final = ("Observation", "Task")
#: What a reference to the entity leads to.
RESOURCE: Final = "Observation"


def drafts(entity: Death, site: MappingSite) -> Iterator[Draft]:
    """Yield the Observation, then the Task."""
    body = site.event("Observation", entity)
    body["status"] = "final"
    body["code"] = site.coded("finding", "cause-of-death")
    body |= moment("effectiveDateTime", entity.died, entity.zone)
    body |= _cause(entity, site)
    yield Draft("Observation", body["id"], body, entity.origin, entity.subject)
    yield _proposal(entity, site)


def _cause(entity: Death, site: MappingSite) -> Json:
    if entity.cause:
        value = site.coded("finding", entity.cause)
        return {"valueCodeableConcept": value | ({"text": entity.words} if entity.words else {})}
    if entity.words:
        return {"valueCodeableConcept": {"text": entity.words}}
    return {"dataAbsentReason": site.concept("absent-unknown").codeable()}


def _proposal(entity: Death, site: MappingSite) -> Draft:
    key = entity.key._replace(item="proposal")
    body = site.event("Task", entity.model_copy(update={"key": key, "links": ()}))
    body["status"] = "requested"
    body["intent"] = "proposal"
    body["code"] = site.coded("task", "propose-deceased")
    body["focus"] = site.naming.reference("Observation", entity.key)
    if entity.recorded is not None:
        body |= moment("authoredOn", entity.recorded, entity.zone)
    died: dict[str, Any] = moment("valueDateTime", entity.died, entity.zone)
    body["input"] = [{"type": site.coded("task", "date-of-death"), **died}]
    return Draft("Task", body["id"], body, entity.origin, entity.subject)
