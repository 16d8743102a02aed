"""Who runs a study and where: Organization, Practitioner, PractitionerRole, Location.

A name stands as the registry has it; it is taken apart only where the trial declares how. Nobody is
called a funder, a provider or an employee.
Source: mapping table 1, sponsor to location.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from netfhir.mappers.study_parts import StudySite, present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.fhir.identity import SourceKey
    from netfhir.trial.study import Official, Party, Place


class Role(NamedTuple):
    """A person's part in the study."""

    name: str
    kind: str
    affiliation: str
    table: str
    title: str = ""


def organization_key(site: StudySite, name: str) -> SourceKey:
    """Return the key of an organisation: its name."""
    return site.naming.key(form="organization", item=name)


def organization(site: StudySite, name: str) -> dict[str, str]:
    """Return the reference to an organisation of the record."""
    return site.naming.reference("Organization", organization_key(site, name))


def organizations(site: StudySite) -> Iterator[Draft]:
    """Yield each organisation of the record once, with all that is said of it."""
    types: dict[str, list[Any]] = {}
    names: dict[str, str] = {}
    for name, concepts in _named(site):
        slug = organization_key(site, name).text()
        names.setdefault(slug, name)
        known = types.setdefault(slug, [])
        known += [concept for concept in concepts if concept not in known]
    for slug, name in names.items():
        body = site.start("Organization", organization_key(site, name))
        body = present(body, name=name, type=types[slug])
        yield site.draft(body, "sponsorCollaboratorsModule")


def _named(site: StudySite) -> Iterator[tuple[str, list[Any]]]:
    study, terms = site.study, site.terms
    if study.lead_sponsor:
        sponsor = terms.codeable("OrganizationRole", "SPONSOR")
        yield study.lead_sponsor.name, [sponsor, *_agency(site, study.lead_sponsor)]
    for party in study.collaborators:
        yield party.name, _agency(site, party)
    for role in roles(site):
        if role.affiliation:
            yield role.affiliation, []
    for place in study.places:
        if place.facility:
            yield place.facility, []


def _agency(site: StudySite, party: Party) -> list[Any]:
    term = site.terms.term("AgencyClass", party.agency_class)
    return [term.codeable()] if term and term.coding else []


def roles(site: StudySite) -> Iterator[Role]:
    """Yield the officials, then the responsible party if it is a person."""
    for one in site.study.officials:
        yield official_role(one)
    responsible = site.study.responsible
    if responsible and responsible.name:
        yield Role(
            responsible.name,
            responsible.kind,
            responsible.affiliation,
            "ResponsiblePartyType",
            responsible.title,
        )


def official_role(official: Official) -> Role:
    """Return the role of an official."""
    return Role(official.name, official.role, official.affiliation, "OfficialRole")


def _person_key(site: StudySite, name: str) -> SourceKey:
    return site.naming.key(form="practitioner", item=name)


def _role_key(site: StudySite, role: Role) -> SourceKey:
    item = " ".join(filter(None, (role.name, role.kind, role.affiliation)))
    return site.naming.key(form="practitioner-role", item=item)


def person(site: StudySite, role: Role) -> dict[str, str]:
    """Return the reference to a person in that role."""
    return site.naming.reference("PractitionerRole", _role_key(site, role))


def people(site: StudySite) -> Iterator[Draft]:
    """Yield Practitioner and PractitionerRole of everyone named, each once."""
    bodies: dict[str, Json] = {}
    for role in roles(site):
        for body in (_practitioner(site, role), _practitioner_role(site, role)):
            bodies.setdefault(f"{body['resourceType']}/{body['id']}", body)
    for body in bodies.values():
        yield site.draft(body, "contactsLocationsModule.overallOfficials")


def _practitioner(site: StudySite, role: Role) -> Json:
    parts = next((one.parts for one in site.study.officials if one.name == role.name), None)
    name: Json = {"text": role.name}
    if parts:
        name["family"] = parts.family
        name = present(name, given=list(parts.given), prefix=list(parts.prefix))
    return site.start("Practitioner", _person_key(site, role.name)) | {"name": [name]}


def _practitioner_role(site: StudySite, role: Role) -> Json:
    body = site.start("PractitionerRole", _role_key(site, role))
    return present(
        body,
        practitioner=site.naming.reference("Practitioner", _person_key(site, role.name)),
        organization=organization(site, role.affiliation) if role.affiliation else None,
        code=[site.terms.codeable(role.table, role.kind)] if role.kind else [],
    )


def places(site: StudySite) -> Iterator[tuple[Place, SourceKey]]:
    """Yield each place with its key: what it is called, and which of several called the same."""
    seen: dict[str, int] = {}
    for place in site.study.places:
        item = " ".join(
            filter(None, (place.facility, place.city, place.state, place.postcode, place.country))
        )
        seen[item.lower()] = seen.get(item.lower(), 0) + 1
        repeat = str(seen[item.lower()]) if seen[item.lower()] > 1 else ""
        yield place, site.naming.key(form="site", item=item, repeat=repeat)


def locations(site: StudySite) -> Iterator[Draft]:
    """Yield a Location a place."""
    for place, key in places(site):
        yield site.draft(_location(site, place, key), "contactsLocationsModule.locations")


def _location(site: StudySite, place: Place, key: SourceKey) -> Json:
    position = {"longitude": place.longitude, "latitude": place.latitude}
    status = site.terms.term("RecruitmentStatus", place.status)
    return present(
        site.start("Location", key),
        name=place.facility,
        description=f"Recruitment at this site: {status.text}" if status else "",
        address=_address(site, place),
        position=position if None not in position.values() else None,
        managingOrganization=organization(site, place.facility) if place.facility else None,
    )


def _address(site: StudySite, place: Place) -> Json:
    return present(
        {},
        city=place.city,
        state=place.state,
        postalCode=place.postcode,
        country=site.terms.countries.get(place.country, place.country),
    )
