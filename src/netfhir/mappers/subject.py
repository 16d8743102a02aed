"""A subject: ResearchSubject, with every state that the source tells, and the randomisation.

In R4 the status is the present state, and the history stands in HL7's cross-version extension for
R5's `progress`; in R5 it is native, and the status is that of our record. The Patient is the
hospital's and is only referred to.
Source: FHIR R4 and R5 ResearchSubject; HL7 Terminology, research-subject-state and -state-type.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir import extensions
from netfhir.fhir.draft import Draft
from netfhir.mappers.study_r5 import link_id
from netfhir.trial.entities import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.dates import LocalTime
    from netfhir.mappers import MappingSite
    from netfhir.trial.entities import StateChange, Subject

EMITS: Final = ("ResearchSubject",)
#: What a reference to the entity leads to.
RESOURCE: Final = "ResearchSubject"

_THO: Final = "http://terminology.hl7.org/CodeSystem/"
#: Which state a subject is in tells the arm: these two are said as one where arms are withheld.
_BY_ARM: Final = frozenset({"on-study-intervention", "on-study-observation"})


def drafts(entity: Subject, site: MappingSite) -> Iterator[Draft]:
    """Yield one ResearchSubject."""
    naming = site.naming
    body: Json = {
        "resourceType": "ResearchSubject",
        "id": naming.id(entity.key),
        "identifier": _identifiers(entity, site),
        "extension": list(_progress(entity, site)),
        "status": _state(entity.states[-1], site) if site.fhir == "r4" else "active",
        "study": site.study_of(entity.site),
        "individual": naming.patient(entity.subject),
    }
    if period := _period(entity):
        body["period"] = period
    body |= _arms(entity, site) | site.references(entity)
    yield Draft("ResearchSubject", body["id"], body, entity.origin, entity.subject)


def _arms(entity: Subject, site: MappingSite) -> Json:
    """Return the arms by name, in R5 by the id of the comparison group; {} where withheld."""
    file = site.trial.file
    if file.withhold_arms:
        return {}
    named = {"assigned": entity.arm, "actual": entity.actual_arm}
    names = {kind: file.arms[arm].name for kind, arm in named.items() if arm}
    if site.fhir == "r4":
        return {f"{kind}Arm": name for kind, name in names.items()}
    return {f"{kind}ComparisonGroup": link_id(name) for kind, name in names.items()}


def _state(change: StateChange, site: MappingSite) -> str:
    hidden = site.trial.file.withhold_arms and change.state in _BY_ARM
    return "on-study" if hidden else change.state


def _progress(entity: Subject, site: MappingSite) -> Iterator[Json]:
    """Yield the states in their order, each until the next, then the randomisation."""
    ends = [after.since for _, after in pairwise(entity.states)]
    for change, end in zip(entity.states, [*ends, None], strict=True):
        coding = {"system": f"{_THO}research-subject-state", "code": _state(change, site)}
        state = {"url": "subjectState", "valueCodeableConcept": {"coding": [coding]}}
        reason = {"url": "reason", "valueCodeableConcept": {"text": change.reason}}
        dates = [*_dated("startDate", change.since), *_dated("endDate", end)]
        yield _entry(_kind("Enrollment"), state, *([reason] if change.reason else []), *dates)
    if entity.randomised is not None:
        milestone = site.concept("milestone-randomised").codeable()
        parts = [_kind("Milestone"), {"url": "milestone", "valueCodeableConcept": milestone}]
        yield _entry(*parts, *_dated("startDate", entity.randomised))


def _entry(*parts: Json) -> Json:
    return extensions.in_r5("ResearchSubject.progress", *parts)


def _kind(code: str) -> Json:
    coding = {"system": f"{_THO}research-subject-state-type", "code": code}
    return {"url": "type", "valueCodeableConcept": {"coding": [coding]}}


def _dated(name: str, when: LocalTime | None) -> Iterator[Json]:
    """Yield the day; as in the period, a time of day has no part in it."""
    if when is not None:
        yield {"url": name, "valueDateTime": when.date}


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
