"""A ClinicalTrials.gov record (API v2) as a study, and a remark on everything that is not carried.

Every leaf of the record is read, or stands in registry.toml among what is not carried, or is named
in a remark as unknown; so is every value of an enum that registry.toml does not know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from netfhir.errors import FormatError
from netfhir.sources import record_design, record_people
from netfhir.sources.record_tree import Node, leaves, plain_path
from netfhir.sources.record_values import Remark, Values
from netfhir.trial.study import Citation, Heading, Note, Number, Progress, Study, Titles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.terminology.registry import RegistryTerms

__all__ = ["Remark", "StudyRecord", "read_record"]


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A record, read: the study, and what of the record it does not carry as it stood."""

    study: Study
    remarks: tuple[Remark, ...]


def read_record(
    text: bytes, terms: RegistryTerms, *, where: str, study_key: str = ""
) -> StudyRecord:
    """Read one record: the study object itself, or a list or a search page with one study in it.

    `where` names the file in messages; `study_key` names the study where the caller knows it, and
    must be given for a record without NCT number. Raises FormatError, which names the JSON path.
    """
    value = _one(_json(text, where), where)
    read: set[str] = set()
    root = Node(value, where=where, read=read)
    values = Values(terms)
    study = _study(root, values, study_key)
    remarks = (*values.remarks, *_left(value, read, terms, where))
    return StudyRecord(study, tuple(dict.fromkeys(remarks)))


def _json(text: bytes, where: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise FormatError(
            "bad-json",
            where=where,
            found="no JSON text in UTF-8",
            expected="a study record of the ClinicalTrials.gov API, version 2",
            remedy="fetch the record again in full",
        ) from error


def _one(value: object, where: str) -> object:
    """Return the only study of the document."""
    if isinstance(value, dict) and isinstance(value.get("studies"), list):
        value = value["studies"]
    if isinstance(value, list):
        if len(value) != 1:
            raise FormatError(
                "not-one-record",
                where=where,
                found=f"{len(value)} studies",
                expected="one study",
                remedy="give one record a file",
            )
        value = value[0]
    if isinstance(value, dict) and isinstance(value.get("protocolSection"), dict):
        return value
    raise FormatError(
        "bad-record",
        where=f"{where}:protocolSection",
        found="no such object",
        expected="a study record of the ClinicalTrials.gov API, version 2",
        remedy="fetch the record as JSON (format=json)",
    )


def _study(root: Node, values: Values, study_key: str) -> Study:
    protocol = root.node("protocolSection")
    names = protocol.node("identificationModule")
    described = protocol.node("descriptionModule")
    conditions = protocol.node("conditionsModule")
    sponsors = protocol.node("sponsorCollaboratorsModule")
    places = protocol.node("contactsLocationsModule")
    module = protocol.node("armsInterventionsModule")
    arms = tuple(record_design.arms(module.nodes("armGroups"), values))
    given = tuple(record_design.interventions(module.nodes("interventions"), values))
    record_design.check_joins(arms, given, values, module.place("armGroups"))
    numbers = tuple(_numbers(names, values))
    return Study(
        key=study_key or _nct(numbers, names),
        origin=names.place("nctId").partition(":")[0],
        numbers=numbers,
        titles=_titles(names),
        progress=_progress(protocol.node("statusModule"), values),
        lead_sponsor=record_people.party(sponsors.node("leadSponsor"), values),
        collaborators=tuple(record_people.parties(sponsors.nodes("collaborators"), values)),
        responsible=record_people.responsible(sponsors.node("responsibleParty"), values),
        officials=tuple(record_people.officials(places.nodes("overallOfficials"), values)),
        contacts=tuple(record_people.contacts(places.nodes("centralContacts"), values)),
        brief_summary=described.text("briefSummary"),
        detailed_description=described.text("detailedDescription"),
        conditions=conditions.texts("conditions"),
        keywords=conditions.texts("keywords"),
        headings=tuple(_headings(root.node("derivedSection"))),
        design=record_design.design(protocol, values),
        arms=arms,
        interventions=given,
        outcomes=tuple(record_design.outcomes(protocol.node("outcomesModule"))),
        eligibility=record_design.eligibility(protocol.node("eligibilityModule"), values),
        places=tuple(record_people.places(places.nodes("locations"), values)),
        citations=tuple(_citations(protocol.node("referencesModule"), values)),
        notes=tuple(_notes(root, values.terms)),
    )


def _nct(numbers: tuple[Number, ...], names: Node) -> str:
    for number in numbers:
        if number.kind == "NCT" and number.use == "official":
            return number.value
    raise names.refusal(
        "nctId", found="no NCT number", expected="one, or the study's key given beside"
    )


def _titles(names: Node) -> Titles:
    return Titles(
        brief=names.text("briefTitle"),
        official=names.text("officialTitle"),
        acronym=names.text("acronym"),
    )


def _numbers(names: Node, values: Values) -> Iterator[Number]:
    if nct := names.text("nctId"):
        yield Number(table="Identifier", kind="NCT", value=nct, use="official")
    for old in names.texts("nctIdAliases"):
        yield Number(table="Identifier", kind="NCT", value=old, use="old")
    if number := _own_number(names.node("orgStudyIdInfo"), values):
        yield number
    for node in names.nodes("secondaryIdInfos"):
        kind = values.enum(node, "type", "SecondaryIdType")
        domain, link, value = node.text("domain"), node.text("link"), node.text("id")
        if value:
            yield Number(
                table="SecondaryIdType",
                kind=kind,
                value=value,
                domain=domain,
                link=link,
                use="secondary",
            )


def _own_number(node: Node, values: Values) -> Number | None:
    value, link = node.text("id"), node.text("link")
    kind = values.enum(node, "type", "OrgStudyIdType")
    if not value:
        return None
    table, kind = ("OrgStudyIdType", kind) if kind else ("Identifier", "ORG")
    return Number.model_validate(
        {"table": table, "kind": kind, "value": value, "link": link, "use": "usual"}
    )


def _progress(node: Node, values: Values) -> Progress:
    status = values.enum(node, "overallStatus", "Status")
    if not status:
        raise node.refusal("overallStatus", found="no known status", expected="the study's status")
    last_known = values.enum(node, "lastKnownStatus", "Status")
    return Progress(
        status=status,
        last_known_status=last_known,
        why_stopped=node.text("whyStopped"),
        start=values.when(node, "startDateStruct"),
        primary_completion=values.when(node, "primaryCompletionDateStruct"),
        completion=values.when(node, "completionDateStruct"),
        first_posted=values.when(node, "studyFirstPostDateStruct"),
        last_update_posted=values.when(node, "lastUpdatePostDateStruct"),
        verified=values.date(node, "statusVerifiedDate"),
    )


def _citations(node: Node, values: Values) -> Iterator[Citation]:
    for reference in node.nodes("references"):
        text, pubmed = reference.text("citation"), reference.text("pmid")
        kind = values.enum(reference, "type", "ReferenceType")
        if text or pubmed:
            yield Citation(text=text, kind=kind, pubmed=pubmed)
    for page in node.nodes("seeAlsoLinks"):
        text, url = page.text("label"), page.text("url")
        if text or url:
            yield Citation(text=text, url=url)


def _headings(derived: Node) -> Iterator[Heading]:
    for module in ("conditionBrowseModule", "interventionBrowseModule"):
        for mesh in derived.node(module).nodes("meshes"):
            code, text = mesh.text("id"), mesh.text("term")
            if code or text:
                yield Heading(code=code, text=text)


def _notes(root: Node, terms: RegistryTerms) -> Iterator[Note]:
    for path, label in terms.notes.items():
        *modules, name = path.split(".")
        node = root
        for module in modules:
            node = node.node(module)
        if said := node.scalar(name):
            yield Note(label=label, text=said)


def _left(value: object, read: set[str], terms: RegistryTerms, where: str) -> Iterator[Remark]:
    for leaf in leaves(value):
        if leaf in read:
            continue
        path = plain_path(leaf)
        reason = next((terms.not_carried[at] for at in _above(path) if at in terms.not_carried), "")
        if reason:
            at = next(at for at in _above(path) if at in terms.not_carried)
            yield Remark(f"{where}:{at}", "not-carried", reason)
        else:
            yield Remark(f"{where}:{path}", "unknown-field", "a field that no mapping reads")


def _above(path: str) -> Iterator[str]:
    """Yield a path and every path above it."""
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        yield ".".join(parts[:end])
