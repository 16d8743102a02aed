"""What the server holds of a row whose fate is open: how it is looked for, and what that says."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.client import Stored
from netfhir.hospital.profile import Strategy
from netfhir.sync.holdings import NOTHING, Finding, Held, equal, held, objection
from netfhir.sync.records import Action, Planned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.fhir.canonical import Json

BODY: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "n1",
    "identifier": [{"system": "urn:b", "value": "s"}],
    "valueQuantity": {"value": Decimal("7.40"), "unit": "U/L"},
}
ITEM = Planned(
    Action.UPDATE,
    Strategy.PUT_ID,
    "Observation",
    "n1",
    "f:1",
    to_bytes(BODY),
    b"d",
    "n1",
    "4",
    token=("urn:b", "s"),
)
OTHER = {**BODY, "status": "final", "component": [{"code": {"text": "a"}}]}


class _Server:
    """Answers by what it was asked, and notes each question."""

    def __init__(self, *found: Json, **stored: Stored) -> None:
        self._found = found
        self._stored = stored
        self.asked: list[object] = []

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        self.asked.append(list(paths))
        return [self._stored[path.partition("/")[2]] for path in paths]

    def search_identifiers(
        self, resource_type: str, tokens: Sequence[tuple[str, str]], elements: str = ""
    ) -> list[Json]:
        self.asked.append((resource_type, list(tokens), elements))
        return [body for body in self._found if body["resourceType"] == resource_type]

    def of_patient(self, resource_type: str, among: str) -> list[Json]:
        self.asked.append((resource_type, among))
        return [body for body in self._found if body["resourceType"] == resource_type]

    def all_of_system(self, resource_type: str, system: str) -> list[Json] | None:
        raise AssertionError((resource_type, system))


@pytest.mark.parametrize(
    ("stored", "finding"),
    [
        (Stored(None), Finding.ABSENT),
        (Stored(None, "5", deleted=True), Finding.DELETED),
        (Stored(BODY, "9"), Finding.EQUAL),
        (Stored(OTHER, "4"), Finding.LAST_ACKED),
        (Stored(OTHER, "5"), Finding.OTHER),
        (Stored(OTHER), Finding.OTHER),
    ],
)
def test_a_row_is_read_by_its_path(stored: Stored, finding: Finding) -> None:
    """Ours as it was sent, the version that we knew, another, or none."""
    server = _Server(n1=stored)
    assert held(server, [ITEM]) == [Held(finding, "n1", stored)]
    assert server.asked == [["Observation/n1"]]


@pytest.mark.parametrize("version", ["", "4"])
def test_a_row_without_a_version_was_never_acknowledged(version: str) -> None:
    """Where the server gives none, either; nor is a row without a body equal to anything."""
    finding = Finding.LAST_ACKED if version else Finding.OTHER
    item = ITEM._replace(version_id=version)
    assert held(_Server(n1=Stored(OTHER, version)), [item])[0].finding is finding
    bare = item._replace(body=b"")
    assert held(_Server(n1=Stored(BODY, version)), [bare])[0].finding is finding


def _unplaced(name: str, value: str, **facts: Any) -> Planned:
    return ITEM._replace(id=name, server_id="", token=("urn:b", value), **facts)


def _found(name: str, value: str, kind: str = "Observation", **elements: Any) -> Json:
    identifier = [{"system": "urn:b", "value": value}]
    return {"resourceType": kind, "id": name, "identifier": identifier, **elements}


def test_rows_without_a_place_are_looked_for_together() -> None:
    """By type, in one search of their identifiers, or among one patient's; answers in order."""
    bodies = (_found("s1", "a"), _found("s2", "b", meta={"versionId": "3"}), _found("s9", "z"))
    server = _Server(*bodies, _found("s3", "c", "Condition"), n1=Stored(None))
    items = [
        _unplaced("n5", "b"),
        ITEM,
        _unplaced("n6", "a", version_id=""),
        _unplaced("n7", "c", resource_type="Condition", among="subject=Patient/p1"),
        _unplaced("n8", "d"),
    ]
    assert held(server, items) == [
        Held(Finding.OTHER, "s2", Stored(bodies[1], "3")),
        Held(Finding.ABSENT, "n1", NOTHING),
        Held(Finding.OTHER, "s1", Stored(bodies[0], "")),
        Held(Finding.OTHER, "s3", Stored(_found("s3", "c", "Condition"), "")),
        Held(Finding.ABSENT, "", NOTHING),
    ]
    tokens = [("urn:b", "b"), ("urn:b", "a"), ("urn:b", "d")]
    assert server.asked == [
        ["Observation/n1"],
        ("Observation", tokens, ""),
        ("Condition", "subject=Patient/p1"),
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_several_of_one_identifier_are_none(count: int) -> None:
    """Which of them is ours cannot be told."""
    bodies = [_found(f"s{number}", "a") for number in range(count)]
    assert held(_Server(*bodies), [_unplaced("n1", "a")]) == [Held(Finding.AMBIGUOUS)]


def test_an_answer_too_few_shifts_none_onto_another() -> None:
    """A fault of the program, not of the data."""

    class _Forgetful(_Server):
        def read_many(self, paths: Sequence[str]) -> list[Stored]:
            return super().read_many(paths)[1:]

    with pytest.raises(ValueError, match="shorter"):
        held(_Forgetful(n1=Stored(None)), [ITEM, ITEM])


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        (BODY, True),
        ({**BODY, "valueQuantity": {"value": Decimal("7.4"), "unit": "U/L"}}, True),
        ({**BODY, "meta": {"versionId": "3"}, "text": {"div": ""}}, True),
        ({**BODY, "valueQuantity": {"value": Decimal("7.5"), "unit": "U/L"}}, False),
        (OTHER, False),
    ],
)
def test_bodies_are_equal_by_what_they_say(stored: Json, *, same: bool) -> None:
    """Decimals by value, and without what is the server's own."""
    assert equal(ITEM, stored) is same


def test_an_objection_names_the_elements() -> None:
    """That differ, each once; the finding alone where there is nothing to compare."""
    changed = {**OTHER, "valueQuantity": {"value": 8, "unit": "g"}}
    what = Held(Finding.OTHER, "n1", Stored(changed, "5"))
    told = "changed-on-server (component status valueQuantity)"
    assert objection(ITEM, what) == told
    assert objection(ITEM._replace(body=b""), what) == "changed-on-server"
    assert objection(ITEM, Held(Finding.OTHER, "n1")) == "changed-on-server"
    last = Held(Finding.LAST_ACKED, "n1", Stored(changed, "5"))
    assert objection(ITEM, last) == "last-acked"
