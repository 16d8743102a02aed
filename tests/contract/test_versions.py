"""R4 and R5 of the same export say the same: what one has the other has, in its own elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

import study_cases
from netfhir.fhir.extensions import CROSS_VERSION
from netfhir.fhir.r5.systems import SYSTEMS
from netfhir.mappers.study_r5 import link_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trial_exports import MappedExport

#: What one version says by a code where the other has another one, or a structure: by R4 path.
SAID_OTHERWISE: Final = {
    "Encounter.status": "finished is completed",
    "Group.actual": "membership",
    "MedicationStatement.status": "recorded, and how it was taken apart from it",
    "ResearchStudy.contact.name": "R4 adds the role in words, which R5 has apart",
    "ResearchStudy.status": "the state of R4's own list; R5 has the registry's among the states",
}
#: What only R5 has a code or a place for, by R5 path.
ONLY_R5: Final = {
    "Condition.clinicalStatus.coding.code": "R5 requires it: unknown where nothing tells it",
    "Condition.clinicalStatus.coding.display": "as above",
    "Condition.clinicalStatus.coding.system": "as above",
    "Condition.clinicalStatus.text": "as above",
    "Encounter.status": "finished is completed",
    "Group.membership": "actual",
    "MedicationStatement.adherence.code.coding.code": "R4 says it by the status",
    "MedicationStatement.adherence.code.coding.system": "as above",
    "MedicationStatement.adherence.code.text": "as above",
    "MedicationStatement.status": "as above",
    "ResearchStudy.associatedParty.party.reference": "a contact, contained for the telephone",
    "ResearchStudy.associatedParty.role.coding.code": "the role of a contact",
    "ResearchStudy.associatedParty.role.text": "as above",
    "ResearchStudy.comparisonGroup.linkId": "the arm's name as an id",
    "ResearchStudy.contained.id": "the contact's",
    "ResearchStudy.contained.resourceType": "as above",
    "ResearchStudy.label.type.coding.code": "the brief title is a label too",
    "ResearchStudy.label.type.coding.system": "as above",
    "ResearchStudy.label.type.text": "as above",
    "ResearchStudy.status": "the status of the record",
    "ResearchStudy.studyDesign.coding.code": "R5's own code system of study designs",
    "ResearchStudy.studyDesign.coding.display": "as above",
    "ResearchStudy.studyDesign.coding.system": "as above",
    "ResearchSubject.status": "the status of the record",
}
RECORDS: Final = "registry records"
EXPORTS: Final = ("mapped_redcap", "mapped_json", RECORDS)


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield path and value of every leaf, without the names of extensions and their parts."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name != "url" or "xtension" not in path:
                yield from leaves(item, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, path)
    else:
        yield path, value


def said(path: str, value: Any) -> Any:
    """Return a leaf of R4 as R5 says it."""
    if path in {"ResearchSubject.assignedArm", "ResearchSubject.actualArm"}:
        return link_id(value)
    return SYSTEMS.get(value, value) if path.endswith(".system") else value


def is_told(description: str, r5: dict[str, Any]) -> bool:
    """Say whether R5 has each paragraph of R4's one description, but for R4's headings."""
    told = f"{r5.get('descriptionSummary')}\n\n{r5.get('description')}".split("\n\n")
    return {one for one in description.split("\n\n") if one[:2] != "**"} <= set(told)


def pairs(export: str, request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """Yield each resource in both versions."""
    if export == RECORDS:
        yield from _studies(request.getfixturevalue("shared_data"))
        return
    one: MappedExport = request.getfixturevalue(export)
    other: MappedExport = request.getfixturevalue(f"{export}_r5")
    assert one.types() == other.types()
    for name in one.types():
        bodies = {body["id"]: body for body in other.resources(name)}
        found = one.resources(name)
        assert {body["id"] for body in found} == set(bodies)
        yield from ((body, bodies[body["id"]]) for body in found)


def _studies(shared_data: Path) -> Iterator[tuple[Any, Any]]:
    versions = study_cases.bundles(shared_data), study_cases.bundles(shared_data, "r5")
    for (_, one), (_, other) in zip(*versions, strict=True):
        bodies = {entry["resource"]["id"]: entry["resource"] for entry in other["entry"]}
        for entry in one["entry"]:
            yield entry["resource"], bodies[entry["resource"]["id"]]


@pytest.mark.parametrize("export", EXPORTS)
def test_every_value_of_r4_is_in_r5(export: str, request: pytest.FixtureRequest) -> None:
    """No step drops a value; a text that R4 has to join stands in R5 in parts."""
    lost = set()
    for r4, r5 in pairs(export, request):
        there = {value for _, value in leaves(r5, "")}
        for path, value in leaves(r4, r4["resourceType"]):
            if path == "ResearchStudy.description":
                kept = is_told(value, r5)
            else:
                kept = said(path, value) in there
            if not kept and path not in SAID_OTHERWISE:
                lost.add(path)
    assert lost == set()


@pytest.mark.parametrize("export", EXPORTS)
def test_every_value_of_r5_is_in_r4(export: str, request: pytest.FixtureRequest) -> None:
    """R4 carries in extensions what only R5 has elements for."""
    lost = set()
    for r4, r5 in pairs(export, request):
        there = {said(path, value) for path, value in leaves(r4, r4["resourceType"])}
        whole = str(r4.get("description"))
        for path, value in leaves(r5, r5["resourceType"]):
            kept = value in there or (path.startswith("ResearchStudy.desc") and value in whole)
            if not kept and path not in ONLY_R5:
                lost.add(path)
    assert lost == set()


@pytest.mark.parametrize("export", EXPORTS)
def test_r5_has_no_extension_for_r5(export: str, request: pytest.FixtureRequest) -> None:
    """What an extension stood for in R4 is an element."""
    for _, r5 in pairs(export, request):
        assert CROSS_VERSION not in str(r5)
