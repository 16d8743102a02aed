"""Ours as it was, ours now, theirs now: what stands."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.identity import SiteKey
from netfhir.sync.elements import decoded, elements_of
from netfhir.sync.threeway import Take, body_of, merge

if TYPE_CHECKING:
    from netfhir.sync.threeway import Merged

KEY = SiteKey(b"key")
BASE = {
    "resourceType": "Observation",
    "id": "o",
    "identifier": [{"system": "s", "value": "1"}],
    "status": "final",
    "valueQuantity": {"value": Decimal("7.40")},
}


def _merged(ours: dict[str, Any], theirs: dict[str, Any], take: Take = Take.NEITHER) -> Merged:
    return merge(decoded(elements_of(KEY, to_bytes(BASE))), ours, theirs, KEY, take)


def test_only_ours_changed_is_written() -> None:
    """An element that the hospital left as we sent it is ours."""
    ours = {**BASE, "status": "corrected"}
    merged = _merged(ours, BASE)
    assert (merged.writes, merged.kept, merged.conflicts) == (True, [], [])
    assert body_of(merged, BASE) == ours


def test_only_theirs_changed_is_kept() -> None:
    """An element that we did not change stays as the hospital has it, and nothing is written."""
    theirs = {**BASE, "status": "amended"}
    merged = _merged(BASE, theirs)
    assert (merged.writes, merged.kept, merged.conflicts) == (False, ["status"], [])
    assert body_of(merged, theirs) == theirs


def test_each_side_keeps_its_own_change() -> None:
    """Ours is laid over theirs."""
    merged = _merged({**BASE, "valueQuantity": {"value": 8}}, {**BASE, "status": "amended"})
    assert (merged.writes, merged.kept, merged.conflicts) == (True, ["status"], [])
    assert body_of(merged, BASE) == {**BASE, "status": "amended", "valueQuantity": {"value": 8}}


def test_both_changed_is_a_conflict() -> None:
    """An element that both changed, each otherwise, is named and stays theirs."""
    ours, theirs = {**BASE, "status": "corrected"}, {**BASE, "status": "amended"}
    merged = _merged(ours, theirs)
    assert merged.conflicts == ["status"]
    assert body_of(merged, theirs)["status"] == "amended"


def test_both_changed_to_the_same_is_none() -> None:
    """Agreement needs no person."""
    same = {**BASE, "status": "amended"}
    merged = _merged(same, same)
    assert (merged.writes, merged.kept, merged.conflicts) == (False, [], [])


@pytest.mark.parametrize(("take", "status"), [(Take.OURS, "corrected"), (Take.THEIRS, "amended")])
def test_a_person_decides(take: Take, status: str) -> None:
    """What a person takes stands, and is no conflict any more."""
    theirs = {**BASE, "status": "amended"}
    merged = _merged({**BASE, "status": "corrected"}, theirs, take)
    assert merged.conflicts == []
    assert body_of(merged, theirs)["status"] == status


def test_what_theirs_stood_for_is_ours_from_then_on() -> None:
    """After `keep` our value is the base: unchanged, it is no conflict again."""
    ours, theirs = {**BASE, "status": "corrected"}, {**BASE, "status": "amended"}
    elements = _merged(ours, theirs, Take.THEIRS).elements
    assert elements["status"].kept
    assert merge(elements, ours, theirs, KEY).conflicts == []
    assert merge(elements, {**ours, "status": "final"}, theirs, KEY).conflicts == ["status"]


def test_what_we_never_sent_is_theirs() -> None:
    """A note and a narrative of the hospital's stay, whosever side is taken."""
    theirs = {**BASE, "note": [{"text": "n"}], "text": {"status": "generated"}}
    ours = {**BASE, "valueQuantity": {"value": 8}}
    for take in Take:
        merged = _merged(ours, theirs, take)
        assert body_of(merged, theirs) == {**theirs, "valueQuantity": {"value": 8}}
        assert (merged.kept, merged.conflicts) == ([], [])


def test_items_of_a_shared_list_have_their_owners() -> None:
    """Our identifier is replaced, the hospital's stays."""
    extra = {"system": "hospital", "value": "9"}
    theirs = {**BASE, "identifier": [extra, *BASE["identifier"]]}
    ours = {**BASE, "identifier": [{"system": "s", "value": "2"}]}
    body = body_of(_merged(ours, theirs), theirs)
    assert body["identifier"] == [extra, {"system": "s", "value": "2"}]


def test_an_item_that_both_replaced_is_a_conflict() -> None:
    """Two new items in the place of one tell nothing of which is meant."""
    theirs = {**BASE, "identifier": [{"system": "s", "value": "3"}]}
    ours = {**BASE, "identifier": [{"system": "s", "value": "2"}]}
    assert _merged(ours, theirs).conflicts == ["identifier"]


def test_an_item_that_they_removed_stays_away() -> None:
    """A removal is a decision, too."""
    theirs = {**BASE, "identifier": []}
    merged = _merged(BASE, theirs)
    assert (merged.writes, merged.kept) == (False, ["identifier"])
    assert "identifier" not in body_of(merged, theirs)


def test_what_we_dropped_is_dropped() -> None:
    """An element that the source has no more is removed, if it is as we sent it."""
    ours = {name: value for name, value in BASE.items() if name != "valueQuantity"}
    assert body_of(_merged(ours, BASE), BASE) == ours
    changed = {**BASE, "valueQuantity": {"value": 9}}
    assert _merged(ours, changed).conflicts == ["valueQuantity"]


def test_digits_are_no_change() -> None:
    """A server that drops digits did not change the value; ours keeps them."""
    theirs = {**BASE, "valueQuantity": {"value": 7.4}}
    merged = _merged({**BASE, "status": "corrected"}, theirs)
    assert merged.kept == []
    assert to_bytes(body_of(merged, theirs)["valueQuantity"]) == b'{"value":7.40}'


def test_a_primitive_and_its_extension_are_one_element() -> None:
    """The absent reason of a date that the hospital filled in is not put back beside it."""
    ours = {**BASE, "_issued": {"extension": [{"url": "u"}]}}
    base = decoded(elements_of(KEY, to_bytes(ours)))
    theirs = {**BASE, "issued": "2024-01-01T00:00:00Z"}
    merged = merge(base, {**ours, "status": "corrected"}, theirs, KEY)
    assert merged.kept == ["issued"]
    assert "_issued" not in body_of(merged, theirs)


def test_labels_stay_and_versions_go() -> None:
    """Tags and the hospital's source are sent back; what the server sets is not."""
    meta = {
        "versionId": "3",
        "lastUpdated": "2024-01-01T00:00:00Z",
        "source": "https://emr.example#request",
        "tag": [{"code": "reviewed"}],
    }
    theirs = {**BASE, "meta": meta}
    body = body_of(_merged({**BASE, "status": "corrected"}, theirs), theirs)
    assert body["meta"] == {"source": "https://emr.example", "tag": [{"code": "reviewed"}]}


def test_a_category_that_is_no_list_is_one_element() -> None:
    """Procedure.category is a single concept in R4: taken whole, and never taken apart."""
    ours = {**BASE, "category": {"text": "a"}}
    base = decoded(elements_of(KEY, to_bytes(ours)))
    theirs = {**ours, "category": {"text": "b"}}
    merged = merge(base, {**ours, "status": "corrected"}, theirs, KEY)
    assert body_of(merged, theirs) == {**theirs, "status": "corrected"}
    assert merged.kept == ["category"]


def _item(value: str) -> dict[str, str]:
    return {"system": "s", "value": value}


def _items(base: str, ours: str, theirs: str, take: Take = Take.NEITHER) -> Merged:
    """Return the merge of three lists of identifiers, a letter each."""
    bodies = [{"identifier": [_item(value) for value in values]} for values in (base, ours, theirs)]
    return merge(decoded(elements_of(KEY, to_bytes(bodies[0]))), bodies[1], bodies[2], KEY, take)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "stands", "writes", "kept", "conflict"),
    [
        ("a", "a", "a", "a", False, False, False),
        ("a", "ab", "a", "ab", True, False, False),
        ("ab", "a", "ab", "a", True, False, False),
        ("a", "ab", "ac", "acb", True, False, False),
        ("a", "b", "ac", "cb", True, False, False),
        ("a", "ab", "c", "cb", True, True, False),
        ("a", "a", "ac", "ac", False, False, False),
        ("ab", "ab", "b", "b", False, True, False),
        ("a", "b", "c", "cb", True, True, True),
        ("a", "b", "", "b", True, False, False),
        ("a", "", "c", "c", False, True, False),
    ],
)
def test_items_are_merged_one_by_one(  # noqa: PLR0913 - three lists, and what comes of them
    base: str, ours: str, theirs: str, stands: str, *, writes: bool, kept: bool, conflict: bool
) -> None:
    """Theirs in their order, then ours; told as kept where they changed or removed what we sent."""
    merged = _items(base, ours, theirs)
    assert merged.parts.get("identifier", []) == [_item(value) for value in stands]
    assert merged.writes is writes
    named = ["identifier"]
    assert merged.conflicts == (named if conflict else [])
    assert merged.kept == (named if kept and not conflict else [])


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "stands", "kept", "told"),
    [
        ("a", "b", "c", "c", True, True),
        ("a", "b", "", "", True, True),
        ("a", "ab", "ac", "ac", True, True),
        ("a", "a", "ac", "ac", True, False),
        ("a", "b", "b", "b", False, False),
        ("a", "ab", "a", "ab", False, False),
        ("ab", "a", "ab", "a", False, False),
    ],
)
def test_a_list_that_they_changed_is_kept_whole(  # noqa: PLR0913 - as above
    base: str, ours: str, theirs: str, stands: str, *, kept: bool, told: bool
) -> None:
    """Once a person decided so, and noted as theirs; one that they left alone is ours to change."""
    merged = _items(base, ours, theirs, Take.THEIRS)
    assert merged.parts.get("identifier", []) == [_item(value) for value in stands]
    assert merged.elements["identifier"].kept is kept
    assert (merged.conflicts, merged.writes) == ([], stands != theirs)
    assert merged.kept == (["identifier"] if told else [])


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "stands"),
    [("a", "b", "c", "cb"), ("a", "a", "c", "ca"), ("ab", "a", "b", "a")],
)
def test_a_list_of_ours_is_put_back(base: str, ours: str, theirs: str, stands: str) -> None:
    """Once a person decided so, beside what the hospital added: nothing of ours stays away."""
    merged = _items(base, ours, theirs, Take.OURS)
    assert merged.parts["identifier"] == [_item(value) for value in stands]
    assert (merged.conflicts, merged.writes, merged.kept) == ([], True, [])


def test_an_element_of_ours_is_added() -> None:
    """Where neither the base nor the server has it."""
    merged = _merged({**BASE, "issued": "2024"}, BASE)
    assert (merged.writes, merged.kept, merged.conflicts) == (True, [], [])
    assert body_of(merged, BASE)["issued"] == "2024"


@pytest.mark.parametrize("take", list(Take))
def test_an_element_that_both_added_is_a_conflict(take: Take) -> None:
    """Each otherwise, until a person says whose; and so is one that we dropped and they changed."""
    theirs = {**BASE, "issued": "2026"}
    added = _merged({**BASE, "issued": "2025"}, theirs, take)
    base = decoded(elements_of(KEY, to_bytes({**BASE, "issued": "2024"})))
    dropped = merge(base, BASE, theirs, KEY, take)
    decided = take is not Take.NEITHER
    for merged in (added, dropped):
        assert merged.conflicts == ([] if decided else ["issued"])
        assert merged.kept == (["issued"] if take is Take.THEIRS else [])
    stands = {Take.OURS: "2025"}.get(take, "2026")
    assert body_of(added, theirs)["issued"] == stands
    assert ("issued" in body_of(dropped, theirs)) is (take is not Take.OURS)


def test_what_is_in_conflict_is_noted_as_theirs() -> None:
    """The ledger knows that the server holds the hospital's value in the place of ours."""
    merged = _merged({**BASE, "status": "corrected"}, {**BASE, "status": "amended"})
    assert merged.elements["status"].kept
    assert not merged.elements["valueQuantity"].kept


def test_a_source_is_sent_without_its_request() -> None:
    """Of the rest of meta nothing is made up; an empty one is not sent."""
    theirs = {**BASE, "meta": {"versionId": "3", "source": "urn:emr#1#2"}}
    ours = {**BASE, "status": "corrected"}
    assert body_of(_merged(ours, theirs), theirs)["meta"] == {"source": "urn:emr"}
    bare = {**BASE, "meta": {"versionId": "3", "source": "#1"}}
    assert "meta" not in body_of(_merged(ours, bare), bare)
