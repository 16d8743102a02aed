"""A study: ResearchStudy, with the resources that it refers to.

R4 content stands in R4 elements; what only R5 has an element for stands in extensions named by it.
Source: mapping tables 1 and 1a; codes from mappings/terminology/registry.toml.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from netfhir.mappers import (
    eligibility,
    parties,
    protocol,
    schedule_of_activities,
    site_studies,
)
from netfhir.mappers.milestones import extensions_of
from netfhir.mappers.study_parts import StudySite, present
from netfhir.mappers.study_r5 import in_r5
from netfhir.mappers.study_words import contacts, description, keywords, links, notes
from netfhir.trial.study_design import unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.fhir.version import Version
    from netfhir.terminology.registry import RegistryTerms
    from netfhir.trial.declaration import Site
    from netfhir.trial.naming import Naming
    from netfhir.trial.study import Number, Study
    from netfhir.trial.study_design import Arm, Objective

EMITS: Final = (
    "ActivityDefinition",
    "Group",
    "Location",
    "Organization",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "ResearchStudy",
)

_ISO_3166: Final = "urn:iso:std:iso:3166"


def drafts(
    study: Study,
    naming: Naming,
    terms: RegistryTerms,
    *,
    fhir: Version = "r4",
    sites: Mapping[str, Site] = MappingProxyType({}),
) -> Iterator[Draft]:
    """Yield the study's resources, each after those it refers to; the ResearchStudy is last.

    A ResearchStudy follows for each of the sites that declares one, which is part of it.
    """
    site = StudySite(study, naming, terms, fhir)
    yield from parties.organizations(site)
    yield from parties.people(site)
    yield from parties.locations(site)
    yield from eligibility.groups(site)
    yield from protocol.definitions(site)
    yield from schedule_of_activities.definitions(site)
    body = _study(site)
    yield site.draft(in_r5(body, site) if fhir == "r5" else body, "identificationModule")
    yield from site_studies.parts(site, sites)


def _study(site: StudySite) -> Json:
    study, terms = site.study, site.terms
    start, end = study.progress.start, study.progress.completion
    body = site.start("ResearchStudy", site.naming.key(form="study"))
    body["identifier"] += [_identifier(number, site) for number in study.numbers]
    body = present(
        body,
        extension=[*extensions_of(site), *eligibility.recruitment(site)],
        title=unescaped(study.titles.brief or study.titles.official),
        status=terms.element("Status", site.status, "status"),
        primaryPurposeType=_coded("PrimaryPurpose", study.design.purpose, site),
        phase=_phase(site),
        category=_categories(site),
        focus=protocol.focus(site),
        condition=[{"text": unescaped(text)} for text in study.conditions],
        keyword=list(keywords(site)),
        location=_countries(site),
        description=description(study),
        period=present({}, start=start.date if start else "", end=end.date if end else ""),
        arm=[_arm(arm, site) for arm in study.arms],
        objective=[_objective(one, site) for one in study.objectives],
    )
    return _referring(body, site)


def _referring(body: Json, site: StudySite) -> Json:
    study = site.study
    sponsor = study.lead_sponsor
    why = study.progress.why_stopped
    return present(
        body,
        contact=list(contacts(site)),
        relatedArtifact=list(links(site)),
        note=list(notes(site)),
        enrollment=eligibility.enrollment(site),
        sponsor=parties.organization(site, sponsor.name) if sponsor else None,
        principalInvestigator=_principal_investigator(site),
        site=[site.naming.reference("Location", key) for _, key in parties.places(site)],
        protocol=_protocol(site),
        reasonStopped={"text": unescaped(why)} if why else None,
    )


def _identifier(number: Number, site: StudySite) -> Json:
    term = site.terms.term(number.table, number.kind)
    system = (term.system if term else "") or _own_system(number, site)
    kind = site.terms.codeable(number.table, number.kind) if number.kind else None
    return present(
        {"system": system, "value": number.value},
        use=number.use,
        type=kind,
        assigner={"display": number.domain} if number.domain else None,
    )


def _own_system(number: Number, site: StudySite) -> str:
    kind = number.kind.lower().replace("_", "-") or "unknown"
    return f"{site.naming.base}/number/{kind}"


def _coded(table: str, value: str, site: StudySite) -> Json | None:
    return site.terms.codeable(table, value) if value else None


def _phase(site: StudySite) -> Json | None:
    phases = site.study.design.phases
    if not phases:
        return None
    words = ", ".join(site.terms.codeable("Phase", phase)["text"] for phase in phases)
    known = site.terms.term("Phase", "+".join(phases))
    return known.codeable() if known else {"text": words}


def _categories(site: StudySite) -> list[Json]:
    design = site.study.design
    values = [
        ("StudyType", design.study_type),
        ("DesignAllocation", design.allocation),
        ("InterventionalAssignment", design.model),
        ("ObservationalModel", design.observational_model),
        ("DesignTimePerspective", design.time_perspective),
        ("SamplingMethod", design.sampling),
        ("DesignMasking", design.masking),
        *(("WhoMasked", role) for role in design.masked),
    ]
    return [site.codeable(table, value) for table, value in values if value]


def _countries(site: StudySite) -> list[Json]:
    names = dict.fromkeys(place.country for place in site.study.places if place.country)
    return [_country(name, site.terms.countries.get(name, "")) for name in names]


def _country(name: str, code: str) -> Json:
    return present({"text": name}, coding=[{"system": _ISO_3166, "code": code}] if code else [])


def _arm(arm: Arm, site: StudySite) -> Json:
    return present(
        {"name": arm.name},
        type=_coded("ArmGroupType", arm.kind, site),
        description=unescaped(arm.description),
    )


def _objective(one: Objective, site: StudySite) -> Json:
    sentence: dict[str, Any] = {"valueMarkdown": one.sentence}
    return {
        "extension": [site.extension("ResearchStudy.objective.description", **sentence)],
        "name": one.name,
        "type": site.terms.codeable("Objective", one.level),
    }


def _principal_investigator(site: StudySite) -> dict[str, str] | None:
    """Return the one official whom the registry calls so; of several, R4 has a place for none."""
    named = [
        one
        for one in site.study.officials
        if site.terms.element("OfficialRole", one.role, "principalInvestigator")
    ]
    return parties.person(site, parties.official_role(named[0])) if len(named) == 1 else None


def _protocol(site: StudySite) -> list[dict[str, str]]:
    if not protocol.is_planned(site):
        return []
    whole = site.naming.reference("PlanDefinition", protocol.plan_key(site))
    return [whole, *schedule_of_activities.references(site)]
