"""References are found and rewritten in canonical bytes, without parsing them."""

from __future__ import annotations

from netfhir.fhir.canonical import to_bytes
from netfhir.sync.references import (
    circles,
    levels,
    patient_reference,
    placeholder,
    relocated,
    targets,
    without_id,
)


def test_literal_references_are_found() -> None:
    """By path and type; patients, logical references and texts are left out."""
    body = to_bytes(
        {
            "a": {"reference": "ResearchStudy/n1"},
            "b": [{"reference": "Patient/p"}, {"identifier": {"value": "ResearchStudy/n2"}}],
            "text": 'a "reference":"Group/n3" quoted',
        }
    )
    assert targets(body) == {("ResearchStudy/n1", "ResearchStudy")}


def test_the_placeholder_is_spelled_as_mapped() -> None:
    """Keys sorted, no spaces, text escaped as canonical JSON escapes it."""
    assert placeholder("urn:s", 'a"ü') == (
        b'{"identifier":{"system":"urn:s","value":"a\\"\xc3\xbc"},"type":"Patient"}'
    )


def test_a_placeholder_becomes_a_reference() -> None:
    """The whole element is replaced, wherever it stands."""
    element = {"identifier": {"system": "urn:s", "value": "01"}, "type": "Patient"}
    body = to_bytes({"subject": element, "x": 1})
    assert body.replace(placeholder("urn:s", "01"), patient_reference("p1")) == to_bytes(
        {"subject": {"reference": "Patient/p1"}, "x": 1}
    )


def test_references_follow_the_servers_ids() -> None:
    """Only those that moved, and only whole ones: an id may begin another."""
    body = to_bytes({"a": {"reference": "S/n1"}, "b": {"reference": "Study/n1"}})
    moved = relocated(to_bytes({"a": {"reference": "Study/n12"}}), {"Study/n1": "Study/7"})
    assert moved == to_bytes({"a": {"reference": "Study/n12"}})
    assert relocated(body, {"Study/n1": "Study/7"}) == to_bytes(
        {"a": {"reference": "S/n1"}, "b": {"reference": "Study/7"}}
    )


def test_the_own_id_is_taken_out() -> None:
    """Other ids stay."""
    body = to_bytes({"contained": [{"id": "c"}], "id": "n1", "status": "x"})
    assert without_id(body, "n1") == to_bytes({"contained": [{"id": "c"}], "status": "x"})


def test_a_type_waits_for_those_it_refers_to() -> None:
    """Types that need each other share a wave; the hospital's and self-references are none."""
    edges = [("C", "B"), ("B", "A"), ("C", "A"), ("D", "E"), ("E", "D"), ("D", "B"), ("F", "F")]
    names = [*"ABCDEF"]
    assert levels(names, [*edges, ("A", "Patient"), ("Patient", "A")]) == {
        "A": 0,
        "F": 0,
        "B": 1,
        "C": 2,
        "D": 2,
        "E": 2,
    }
    assert circles(names, edges) == {frozenset({"D", "E"})}
