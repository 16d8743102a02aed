"""The gate's references: the form of a literal, its target's type, contained resources."""

from __future__ import annotations

from typing import Any

import pytest

from netfhir.fhir.gate import Gate

PATH = "ResearchSubject.individual"


@pytest.fixture(scope="module")
def gate() -> Gate:
    """Return one gate for the module."""
    return Gate()


def subject(individual: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a ResearchSubject whose individual, by R4, is a Patient."""
    return {
        "resourceType": "ResearchSubject",
        "status": "on-study",
        "study": {"reference": "ResearchStudy/s"},
        "individual": individual,
        **more,
    }


def rules(gate: Gate, body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return rule and path of each finding."""
    return [(finding.rule, finding.path) for finding in gate.findings(body)]


@pytest.mark.parametrize(
    "individual",
    [
        {"reference": "Patient/1"},
        {"reference": "Patient/1/_history/2"},
        {"reference": "https://ehr.example/fhir/Patient/1"},
        {"reference": "https://ehr.example/people?who=1"},
        {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
        {"reference": "Patient/1", "type": "Patient"},
        {"identifier": {"system": "https://ehr.example/mrn", "value": "1"}},
        {"identifier": {"value": "1"}, "type": "Patient"},
        {"display": "x"},
    ],
)
def test_a_legal_reference_passes(gate: Gate, individual: dict[str, Any]) -> None:
    """Literal, versioned, absolute, urn, logical and display-only references are legal."""
    assert gate.findings(subject(individual)) == []


@pytest.mark.parametrize(
    ("individual", "rule", "below"),
    [
        ({"reference": "Organization/1"}, "reference-target", ".reference"),
        ({"reference": "https://ehr.example/Group/1"}, "reference-target", ".reference"),
        ({"identifier": {"value": "1"}, "type": "Group"}, "reference-target", ".type"),
        ({"reference": "Patient/1", "type": "Group"}, "reference-target", ".type"),
        ({"reference": "Patint/1"}, "reference", ".reference"),
        ({"identifier": {"value": "1"}, "type": "Patint"}, "reference", ".type"),
        ({"reference": "Patient"}, "reference", ".reference"),
        ({"reference": "some text"}, "reference", ".reference"),
        ({"reference": "Patient/a_b"}, "reference", ".reference"),
        ({"reference": "Patient?identifier=x"}, "reference", ".reference"),
        ({"reference": "urn:uuid:1"}, "reference", ".reference"),
        ({"reference": "https://ehr.example"}, "reference", ".reference"),
        ({"reference": "#p"}, "ref-1", ".reference"),
    ],
)
def test_a_reference_that_cannot_be_is_refused(
    gate: Gate, individual: dict[str, Any], rule: str, below: str
) -> None:
    """Neither a wrong form nor a target of another type passes."""
    assert rules(gate, subject(individual)) == [(rule, PATH + below)]


def test_the_type_must_be_that_of_the_literal(gate: Gate) -> None:
    """Where several types are legal, `type` and the literal still agree."""
    body = {
        "resourceType": "ResearchStudy",
        "status": "active",
        "principalInvestigator": {"reference": "Practitioner/1", "type": "PractitionerRole"},
    }
    assert rules(gate, body) == [("reference-target", "ResearchStudy.principalInvestigator.type")]


def test_a_contained_target_passes(gate: Gate) -> None:
    """`#id` finds the contained resource."""
    contained = [{"resourceType": "Patient", "id": "p"}]
    assert gate.findings(subject({"reference": "#p"}, contained=contained)) == []


def test_a_contained_target_of_a_wrong_type_is_refused(gate: Gate) -> None:
    """The type of a contained resource counts as any other."""
    contained = [{"resourceType": "Group", "id": "p", "type": "person", "actual": True}]
    found = rules(gate, subject({"reference": "#p"}, contained=contained))
    assert found == [("reference-target", f"{PATH}.reference")]


def bundle(kind: str, reference: str) -> dict[str, Any]:
    """Return a Bundle of a Patient and a subject that points to it."""
    url = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
    entries: list[dict[str, Any]] = [
        {"fullUrl": url, "resource": {"resourceType": "Patient", "active": True}},
        {"fullUrl": "https://x.example/1", "resource": subject({"reference": reference})},
    ]
    if kind == "transaction":
        for entry in entries:
            entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"]}
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


@pytest.mark.parametrize("kind", ["collection", "transaction"])
def test_a_reference_finds_its_entry(gate: Gate, kind: str) -> None:
    """In a Bundle a urn is resolved by fullUrl, and its type is known."""
    body = bundle(kind, "urn:uuid:c757873d-ec9a-4326-a141-556f43239520")
    assert gate.findings(body) == []


def test_an_entry_of_a_wrong_type_is_no_target(gate: Gate) -> None:
    """A urn that leads to a resource of another type is refused."""
    body = bundle("collection", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520")
    body["entry"][1]["resource"]["study"]["reference"] = body["entry"][0]["fullUrl"]
    path = "Bundle.entry.resource.study.reference"
    assert rules(gate, body) == [("reference-target", path)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("transaction", []),
        ("collection", [("reference", "Bundle.entry.resource.individual.reference")]),
    ],
)
def test_a_conditional_reference_needs_a_transaction(
    gate: Gate, kind: str, expected: list[tuple[str, str]]
) -> None:
    """`Patient?identifier=…` is resolved by the server, in a transaction only."""
    assert rules(gate, bundle(kind, "Patient?identifier=x|1")) == expected


def test_an_entry_does_not_see_what_another_contains(gate: Gate) -> None:
    """`#id` stays inside its own resource."""
    body = bundle("collection", "#p")
    body["entry"][0]["resource"] = subject(
        {"reference": "#p"}, contained=[{"resourceType": "Patient", "id": "p"}]
    )
    assert rules(gate, body) == [("ref-1", "Bundle.entry.resource.individual.reference")]
