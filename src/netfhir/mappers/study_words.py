"""What a study says in prose: description, notes, contacts and literature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.mappers.study_parts import present
from netfhir.trial.study_design import unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.mappers.study_parts import StudySite
    from netfhir.trial.study import Citation, Contact, Study

_PUBMED = "https://pubmed.ncbi.nlm.nih.gov/"


def description(study: Study) -> str:
    """Return brief summary and detailed description as markdown, marked where there are both."""
    brief, detailed = study.brief_summary, study.detailed_description
    if brief and detailed:
        return f"**Brief summary**\n\n{brief}\n\n**Detailed description**\n\n{detailed}"
    return brief or detailed


def keywords(site: StudySite) -> Iterator[Json]:
    """Yield the record's keywords in words, then the headings that the registry assigned."""
    for word in site.study.keywords:
        yield {"text": unescaped(word)}
    mesh = site.terms.term("Vocabulary", "MESH")
    for heading in site.study.headings:
        coding = {"system": mesh.system, "code": heading.code} if mesh and heading.code else {}
        coding = present(coding, display=heading.text) if coding else coding
        yield present({}, text=heading.text, coding=[coding] if coding else [])


def notes(site: StudySite) -> Iterator[Json]:
    """Yield what R4 has no element for, each with its label."""
    design, eligibility = site.study.design, site.study.eligibility
    for note in site.study.notes:
        yield {"text": f"{note.label}: {note.text}"}
    if design.enrollment is not None and not design.enrollment_kind:
        said = "the record does not say whether planned or enrolled"
        yield {"text": f"Number of subjects: {design.enrollment} ({said})"}
    if eligibility.healthy_volunteers:
        yield {"text": "Accepts healthy volunteers: yes"}


def contacts(site: StudySite) -> Iterator[Json]:
    """Yield whom to ask, with the role in words."""
    for one in site.study.contacts:
        term = site.terms.term("ContactRole", one.role)
        role = f" ({term.text.lower()})" if term and term.text != "Contact" else ""
        yield present({}, name=f"{one.name}{role}" if one.name else "", telecom=telecom(one))


def telecom(one: Contact) -> list[Json]:
    """Return how a contact is reached."""
    ways = (("phone", one.phone), ("email", one.email))
    return [{"system": system, "value": value} for system, value in ways if value]


def links(site: StudySite) -> Iterator[Json]:
    """Yield the literature, the pages to see, and where a number leads."""
    for citation in site.study.citations:
        yield _artifact(citation, site)
    for number in site.study.numbers:
        if number.link:
            yield _page(number.value, number.link)


def _artifact(citation: Citation, site: StudySite) -> Json:
    if citation.url:
        return _page(unescaped(citation.text), citation.url)
    term = site.terms.term("ReferenceType", citation.kind)
    known = citation.pubmed.isdigit()
    said = [citation.text, f"PubMed {citation.pubmed}" if citation.pubmed and not known else ""]
    return present(
        {"type": "citation"},
        label=term.text if term else "",
        citation=" ".join(filter(None, said)),
        url=f"{_PUBMED}{citation.pubmed}" if known else "",
    )


def _page(label: str, url: str) -> Json:
    """Return a page; what is no URL stays readable in the display."""
    good = url.startswith(("http://", "https://")) and not any(map(str.isspace, url))
    shown = label if good else f"{label} ({url})".strip()
    return present({"type": "documentation"}, display=shown, url=url if good else "")
