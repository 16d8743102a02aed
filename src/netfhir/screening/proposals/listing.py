"""Who is proposed: a ResearchSubject each, the screening list, and the group for an export.

The list has the shape of recruIT's: its user interface finds it by code and follows the first
extension to the study. Both generations of recruIT's names are given, the present one first.
Source: miracum/recruit, the query module's list and the user interface's constants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.screening.proposals.proposal import Person, Proposals

LIST_TYPES: Final = (
    "https://miracum.github.io/recruit/fhir/CodeSystem/screening-list-type",
    "https://fhir.miracum.org/uc1/CodeSystem/screeningList",
)
BELONGS_TO_STUDY: Final = (
    "https://miracum.github.io/recruit/fhir/StructureDefinition/screening-list-belongs-to-study",
    "https://fhir.miracum.org/uc1/StructureDefinition/belongsToStudy",
)
_LIST_ORDER: Final = "http://terminology.hl7.org/CodeSystem/list-order"


def subject(person: Person, proposals: Proposals) -> Draft:
    """Return the patient as a candidate; what comes after that is for a person to say."""
    body: Json = {
        "status": "candidate",
        "study": proposals.study(),
        "individual": {"reference": f"Patient/{person.patient}"},
    }
    return proposals.draft("ResearchSubject", proposals.key(person.patient), body)


def screening_list(proposals: Proposals) -> Draft:
    """Return the working list, by rank; then those who were on it and no longer match."""
    study = proposals.study()
    ranked = sorted(proposals.people, key=lambda one: (not one.matches, one.rank or 0))
    body: Json = {
        "extension": [{"url": url, "valueReference": study} for url in BELONGS_TO_STUDY],
        "status": "current",
        "mode": "working",
        "title": f"Screening list for {proposals.naming.study}",
        "code": {
            "coding": [
                {"system": system, "code": "screening-recommendations"} for system in LIST_TYPES
            ]
        },
        "orderedBy": {"coding": [{"system": _LIST_ORDER, "code": "system"}]},
        "date": proposals.as_of,
    }
    if entries := [_entry(person, proposals) for person in ranked]:
        body["entry"] = entries
    else:
        body["emptyReason"] = {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/list-empty-reason",
                    "code": "nilknown",
                }
            ]
        }
    return proposals.draft("List", proposals.naming.key(form="screening", item="list"), body)


def cohort(proposals: Proposals) -> Draft:
    """Return the group of those who are proposed now: what the next export is asked for."""
    members = [one.patient for one in proposals.people if one.matches]
    body: dict[str, Any] = {
        "type": "person",
        "actual": True,
        "code": proposals.concept("proposed", "Patients whom the screening proposes"),
        "name": f"Screening of {proposals.naming.study}",
        "quantity": len(members),
    }
    if members:
        body["member"] = [
            {"entity": {"reference": f"Patient/{patient}"}} for patient in sorted(members)
        ]
    return proposals.draft("Group", proposals.naming.key(form="screening", item="group"), body)


def _entry(person: Person, proposals: Proposals) -> Json:
    entry: Json = {"item": proposals.subject(person)}
    if person.enrolled:
        return {"flag": proposals.concept("enrolled", "In the trial"), **entry}
    if not person.matches:
        why = ", ".join(person.deciding)
        return {
            "flag": proposals.concept("no-longer-matches", f"No longer matches: {why}"),
            **entry,
        }
    return entry
