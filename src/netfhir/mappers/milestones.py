"""R5 content of a study that R4 carries as extensions: states with their dates, titles, parties.

Source: mapping table 1; the parts are those of HL7's cross-version package hl7.fhir.uv.xver-r5.r4,
and of HL7's extension researchStudy-studyRegistration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netfhir.mappers import parties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers.study_parts import StudySite
    from netfhir.trial.study import Party, When

_REGISTRATION: Final = "http://hl7.org/fhir/StructureDefinition/researchStudy-studyRegistration"


def extensions_of(site: StudySite) -> Iterator[Json]:
    """Yield titles, states, dates, parties and outcomes, in this order."""
    yield from _titles(site)
    yield from _states(site)
    yield from _registration(site)
    yield from _parties(site)
    yield from _outcomes(site)


def _titles(site: StudySite) -> Iterator[Json]:
    titles = site.study.titles
    for kind, title in (("OFFICIAL", titles.official), ("ACRONYM", titles.acronym)):
        if title:
            yield label(site, kind, title)


def label(site: StudySite, kind: str, title: str) -> Json:
    """Return a title of the study with its kind."""
    return site.extension(
        "ResearchStudy.label",
        {"url": "type", "valueCodeableConcept": site.terms.codeable("Title", kind)},
        {"url": "value", "valueString": title},
    )


def _states(site: StudySite) -> Iterator[Json]:
    progress = site.study.progress
    yield _state(site, site.terms.codeable("Status", progress.status))
    if last := progress.last_known_status:
        words = site.terms.codeable("Status", last)["text"]
        yield _state(site, site.terms.codeable("Status", last, f"Last known status: {words}"))
    overall = site.terms.codeable("Milestone", "OVERALL_STUDY")
    yield from _periods(site, overall, progress.start, progress.completion)
    primary = site.terms.codeable("Milestone", "PRIMARY_COMPLETION")
    yield from _periods(site, primary, None, progress.primary_completion)


def _periods(site: StudySite, state: Json, start: When | None, end: When | None) -> Iterator[Json]:
    """Yield a state with its period; two where one of its dates has come true and one has not."""
    if start and end and start.kind == end.kind:
        period = {"start": start.date, "end": end.date}
        yield _state(site, state, start.kind, period)
        return
    if start:
        yield _state(site, state, start.kind, {"start": start.date})
    if end:
        yield _state(site, state, end.kind, {"end": end.date})


def _state(
    site: StudySite, state: Json, kind: str = "", period: dict[str, str] | None = None
) -> Json:
    parts: list[Json] = [{"url": "state", "valueCodeableConcept": state}]
    if actual := site.terms.element("DateType", kind, "actual"):
        parts.append({"url": "actual", "valueBoolean": actual == "true"})
    if period:
        parts.append({"url": "period", "valuePeriod": period})
    return site.extension("ResearchStudy.progressStatus", *parts)


def _registration(site: StudySite) -> Iterator[Json]:
    progress = site.study.progress
    for activity, when in (
        ("FIRST_POSTED", progress.first_posted),
        ("UPDATE_POSTED", progress.last_update_posted),
    ):
        if when:
            yield _registered(site, activity, when.date, when.kind)
    if progress.verified:
        yield _registered(site, "VERIFIED", progress.verified)


def _registered(site: StudySite, activity: str, day: str, kind: str = "") -> Json:
    concept = site.terms.codeable("Milestone", activity)
    if site.fhir == "r5":
        return _state(site, concept, kind, {"start": day, "end": day})
    parts: list[Json] = [{"url": "activity", "valueCodeableConcept": concept}]
    if actual := site.terms.element("DateType", kind, "actual"):
        parts.append({"url": "actual", "valueBoolean": actual == "true"})
    parts.append({"url": "period", "valuePeriod": {"start": day, "end": day}})
    return {"url": _REGISTRATION, "extension": parts}


def _parties(site: StudySite) -> Iterator[Json]:
    study, terms = site.study, site.terms
    if study.lead_sponsor:
        yield _organisation(site, study.lead_sponsor, terms.codeable("PartyRole", "LEAD_SPONSOR"))
    for party in study.collaborators:
        yield _organisation(site, party, terms.codeable("PartyRole", "COLLABORATOR"))
    for one in parties.roles(site):
        role = terms.codeable(one.table, one.kind) if one.kind else {"text": "Official"}
        extension = _party(site, one.name, role, parties.person(site, one))
        yield _classified(extension, {"text": one.title} if one.title else None)
    responsible = study.responsible
    if responsible and responsible.kind and not responsible.name and study.lead_sponsor:
        role = terms.codeable("ResponsiblePartyType", responsible.kind)
        yield _organisation(site, study.lead_sponsor, role)


def _organisation(site: StudySite, party: Party, role: Json) -> Json:
    extension = _party(site, party.name, role, parties.organization(site, party.name))
    agency = party.agency_class
    return _classified(extension, site.terms.codeable("AgencyClass", agency) if agency else None)


def _classified(extension: Json, classifier: Json | None) -> Json:
    if classifier:
        extension["extension"].append({"url": "classifier", "valueCodeableConcept": classifier})
    return extension


def _party(site: StudySite, name: str, role: Json, reference: dict[str, Any]) -> Json:
    return site.extension(
        "ResearchStudy.associatedParty",
        {"url": "name", "valueString": name},
        {"url": "role", "valueCodeableConcept": role},
        {"url": "party", "valueReference": reference},
    )


def _outcomes(site: StudySite) -> Iterator[Json]:
    for outcome in site.study.outcomes:
        if not (outcome.measure or outcome.description):
            continue
        kind = site.terms.codeable("Objective", outcome.level)
        frame = f"Time frame: {outcome.time_frame}" if outcome.time_frame else ""
        described = "\n\n".join(filter(None, (outcome.description, frame)))
        parts: list[Json] = [{"url": "type", "valueCodeableConcept": kind}]
        if outcome.measure:
            parts.insert(0, {"url": "name", "valueString": outcome.measure})
        if described:
            parts.append({"url": "description", "valueMarkdown": described})
        yield site.extension("ResearchStudy.outcomeMeasure", *parts)
