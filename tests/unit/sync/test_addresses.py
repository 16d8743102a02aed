"""How references read on one server: patients, parents elsewhere, and what it cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netfhir.errors import StateError
from netfhir.fhir.canonical import resource, to_bytes
from netfhir.fhir.identity import SiteKey
from netfhir.hospital.choosing import TypeRule
from netfhir.hospital.patients import Answer, Unresolved
from netfhir.hospital.profile import Strategy
from netfhir.sync.addresses import Addresses
from netfhir.sync.plan import Terms
from netfhir.sync.staging import Staged, Wave

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PATIENTS = {
    "01": Answer("p1"),
    "02": Answer("p2"),
    "03": Answer("p3", reason=Unresolved.NO_PATIENT),
}
TERMS = Terms(
    SiteKey(b"key"), "urn:b", "urn:j", PATIENTS, lambda name: TypeRule(name, Strategy.PUT_ID, "")
)


def _row(subject: str, *parents: str) -> Staged:
    """Return a row of a subject that refers to these."""
    placeholder = {"identifier": {"system": "urn:j", "value": subject}, "type": "Patient"}
    body = {
        "resourceType": "Observation",
        "id": "n1",
        "focus": [{"reference": path} for path in parents],
        "subject": placeholder,
    }
    return Staged("Observation", "n1", subject, "f:1", to_bytes(body))


def _parent(kind: str, name: str, system: str = "urn:b") -> Staged:
    body = {"resourceType": kind, "id": name, "identifier": [{"system": system, "value": "v"}]}
    return Staged(kind, name, "", f"f:{name}", to_bytes(body))


class _Staging:
    def __init__(self, *rows: Staged) -> None:
        self._rows = rows

    def waves(self) -> list[Wave]:
        raise AssertionError

    def rows(self, wave: Wave | None = None) -> Iterator[Staged]:
        raise AssertionError(wave)

    def parent_types(self) -> set[str]:
        raise AssertionError

    def find(self, resource_type: str, resource_id: str) -> Staged | None:
        key = (resource_type, resource_id)
        return next((row for row in self._rows if (row.resource_type, row.id) == key), None)


def _addresses(*rows: Staged, unheld: Collection[str] = ()) -> Addresses:
    return Addresses(_Staging(*rows), TERMS, unheld)


def test_each_subject_has_its_own_patient() -> None:
    """Again and again; who was not found, or never asked for, keeps the identifier."""
    addresses = _addresses()
    for _ in range(2):
        for number in ("01", "02"):
            subject = resource(addresses.body(_row(number)))["subject"]
            assert subject == {"reference": f"Patient/p{number[1]}"}
        for number in ("03", "04"):
            assert addresses.body(_row(number)) == _row(number).body
    assert addresses.body(_row("01")._replace(subject="")) == _row("01").body


def test_a_parent_that_moved_is_referred_to_where_it_is() -> None:
    """One that kept our id, or whose place is not known, as it is."""
    addresses = _addresses()
    addresses.locate("Encounter", "n2", "s2")
    addresses.locate("Encounter", "n3", "n3")
    addresses.locate("Encounter", "n4", "")
    row = _row("04", "Encounter/n2", "Encounter/n3", "Encounter/n4")
    focus = resource(addresses.body(row))["focus"]
    assert [part["reference"] for part in focus] == ["Encounter/s2", "Encounter/n3", "Encounter/n4"]


def test_a_parent_that_cannot_be_held_is_named() -> None:
    """By its identifier, if it is staged; the others by their place."""
    addresses = _addresses(_parent("Device", "n5"), unheld=["Device"])
    row = _row("01", "Encounter/n2", "Device/n5", "Device/n6")
    body = resource(addresses.body(row))
    identifier = {"system": "urn:b", "value": "v"}
    assert body["focus"] == [
        {"reference": "Encounter/n2"},
        {"identifier": identifier, "type": "Device"},
        {"reference": "Device/n6"},
    ]
    assert body["subject"] == {"reference": "Patient/p1"}


def test_a_parent_without_our_identifier_is_an_error() -> None:
    """Of the parent's own place in the source."""
    addresses = _addresses(_parent("Device", "n5", "urn:other"), unheld=["Device"])
    with pytest.raises(StateError) as caught:
        addresses.body(_row("01", "Device/n5"))
    assert caught.value.where == "f:n5"
