"""The study at a site, where a trial declares it: a ResearchStudy that is part of the whole one.

Subjects of such a site belong to it. Where the study stands there is declared, or told by the
record of the place; it is never taken from the whole study.
Source: mapping table 2, study; HL7 CDISC mapping, DM (SITEID).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.mappers import parties
from netfhir.mappers.study_parts import StudySite, present

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.fhir.identity import SourceKey
    from netfhir.trial.declaration import Site, SiteStudy
    from netfhir.trial.study import Place, Study


def parts(site: StudySite, sites: Mapping[str, Site]) -> Iterator[Draft]:
    """Yield a ResearchStudy for each site that declares one."""
    for key, declared in sites.items():
        if declared.study is not None:
            body = _body(site, key, declared, declared.study)
            yield site.draft(body, "contactsLocationsModule.locations")


def status_of(study: Study, declared: Site) -> str:
    """Return the registry's word for where the study stands at a site; "" if nothing tells it."""
    if declared.study is None:
        return ""
    place = _place(study, declared.study.place or declared.name)
    return declared.study.status or (place.status if place else "")


def _place(study: Study, facility: str) -> Place | None:
    return next((place for place in study.places if place.facility == facility), None)


def _body(site: StudySite, key: str, declared: Site, study: SiteStudy) -> Json:
    naming, terms = site.naming, site.terms
    word = status_of(site.study, declared)
    kept = "status" if site.fhir == "r4" else "record"
    body = site.start("ResearchStudy", naming.key(form="site-study", item=key))
    body["identifier"].append({"system": f"{naming.base}/site", "value": key})
    return present(
        body,
        status=terms.element("Status", word, kept),
        title=f"{site.study.titles.brief} - {declared.name}",
        partOf=[naming.reference("ResearchStudy", naming.key(form="study"))],
        extension=[
            site.extension(
                "ResearchStudy.progressStatus",
                {"url": "state", "valueCodeableConcept": terms.codeable("Status", word)},
            )
        ],
        site=[naming.reference("Location", found) for found in _places(site, declared, study)],
    )


def _places(site: StudySite, declared: Site, study: SiteStudy) -> Iterator[SourceKey]:
    facility = study.place or declared.name
    return (key for place, key in parties.places(site) if place.facility == facility)
