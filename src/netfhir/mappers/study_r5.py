"""What a ResearchStudy says otherwise in R5: where a rename of the R4 element would not do.

The status is the record's, not the study's; summary and description are apart; sponsor and
investigator stand among the parties, the groups of the enrolment under recruitment.
Source: mapping table 1, column R5; FHIR R5 ResearchStudy.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from netfhir.mappers.milestones import label
from netfhir.mappers.study_parts import present
from netfhir.mappers.study_words import telecom

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers.study_parts import StudySite

#: R4's elements whose content stands in R5's own, by the extensions of `milestones`.
_ELSEWHERE: Final = ("contact", "description", "enrollment", "principalInvestigator", "sponsor")
_LONGEST_ID: Final = 64


def link_id(name: str) -> str:
    """Return the id of an arm, by which R5 joins subjects to it: its name as a slug.

    A name of which a slug says too little (other scripts, too long) has a digest at the end.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if slug and name.isascii() and len(slug) <= _LONGEST_ID:
        return slug
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{slug[: _LONGEST_ID - 9]}-{digest}".strip("-")


def in_r5(body: Json, site: StudySite) -> Json:
    """Return the body of a ResearchStudy with R5's elements where R4's mean something else."""
    study = site.study
    found = {name: value for name, value in body.items() if name not in _ELSEWHERE}
    titles = [label(site, "BRIEF", study.titles.brief)] if study.titles.brief else []
    people = list(_contacts(site))
    return present(
        found,
        status=site.terms.element("Status", site.status, "record"),
        extension=[*titles, *body.get("extension", [])],
        date=study.progress.last_update_posted.date if study.progress.last_update_posted else "",
        descriptionSummary=study.brief_summary,
        description=study.detailed_description,
        arm=[{"linkId": link_id(arm["name"]), **arm} for arm in body.get("arm", [])],
        contained=[person for person, _ in people],
        associatedParty=[party for _, party in people],
    )


def _contacts(site: StudySite) -> Iterator[tuple[Json, Json]]:
    """Yield each contact as a contained Practitioner, who has a phone, and as a party."""
    for number, one in enumerate(site.study.contacts, 1):
        person: dict[str, Any] = {"resourceType": "Practitioner", "id": f"contact-{number}"}
        name = [{"text": one.name}] if one.name else []
        role = site.codeable("ContactRole", one.role or "CONTACT")
        party = {"role": role, "party": {"reference": f"#contact-{number}"}}
        yield present(person, name=name, telecom=telecom(one)), present(party, name=one.name)
