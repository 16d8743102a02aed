"""Elements and their digests, as the ledger keeps them."""

from __future__ import annotations

from netfhir.fhir.canonical import resource, to_bytes
from netfhir.fhir.identity import SiteKey
from netfhir.sync.element_names import NAMES
from netfhir.sync.elements import (
    Element,
    decoded,
    digests,
    elements_of,
    encoded,
    holds_theirs,
    joined,
    landed,
    parts,
)

KEY = SiteKey(b"key")
BODY = (
    b'{"_issued":{"extension":[]},"category":[{"text":"a"},{"text":"b"}],"id":"o",'
    b'"meta":{"tag":[{"code":"t"}],"versionId":"1"},"resourceType":"Observation",'
    b'"status":"final","valueQuantity":{"value":7.40}}'
)


def test_the_compact_form_reads_back() -> None:
    """What is written is what is read, marks included."""
    elements = {"note": Element((), kept=True), "status": Element((b"12345678",))}
    assert decoded(encoded(elements)) == elements


def test_no_value_is_in_it() -> None:
    """A digest needs the key, and is of the element's name, too."""
    blob = elements_of(KEY, BODY)
    assert b"final" not in blob
    assert blob != elements_of(SiteKey(b"other"), BODY)
    twins = decoded(elements_of(KEY, b'{"a":"x","b":"x"}'))
    assert twins["a"] != twins["b"]


def test_equal_numbers_have_equal_digests() -> None:
    """7.40, 7.4 and 74e-1 are one value; 7 and 7.0, too; 7.41 is another."""
    first = elements_of(KEY, b'{"v":7.40}')
    assert first == elements_of(KEY, b'{"v":7.4}') == elements_of(KEY, b'{"v":74e-1}')
    assert elements_of(KEY, b'{"v":7}') == elements_of(KEY, b'{"v":7.0}')
    assert first != elements_of(KEY, b'{"v":7.41}')


def test_very_large_numbers_have_digests() -> None:
    """A hospital may hold more than 64 bits; that is compared by value, and ends no run."""
    whole = resource(b'{"v":{"a":100000000000000000000,"b":1.0}}')
    power = resource(b'{"v":{"a":1e20,"b":1}}')
    assert digests(KEY, parts(whole)) == digests(KEY, parts(power))


def test_parts_join_again() -> None:
    """Nothing is lost but what is the server's own."""
    body = resource(BODY)
    again = joined(parts(body))
    own = {"id": "o", "resourceType": "Observation"}
    meta = {**body["meta"], **again.pop("meta")}
    assert to_bytes({**again, **own, "meta": meta}) == to_bytes(body)
    assert "versionId" not in joined(parts(body))["meta"]


def test_common_names_take_one_byte() -> None:
    """A name's place is kept, so none may move; any other name is kept as it is spelled."""
    assert len(NAMES) == len(set(NAMES)) <= 128
    assert (NAMES[0], NAMES[10], NAMES[35], NAMES[-1]) == (
        "status",
        "valueQuantity",
        "meta.tag",
        "entity",
    )
    elements = {"entity": Element((b"12345678",)), "rare": Element((b"abcdefgh",), kept=True)}
    blob = encoded(elements)
    assert decoded(blob) == elements
    assert (b"entity" in blob, b"rare" in blob) == (False, True)


def test_the_short_way_is_the_long_way() -> None:
    """What is kept of a body as it is sent are the digests of its parts, by name."""
    marks = digests(KEY, parts(resource(BODY)))
    by_hand = encoded({name: Element(of_name) for name, of_name in marks.items()})
    assert decoded(elements_of(KEY, BODY)) == decoded(by_hand)
    assert len(decoded(by_hand)["category"].digests) == 2


def test_the_order_of_a_body_is_no_matter() -> None:
    """A primitive and its extensions are one element, whichever a server names first."""
    first = {"_issued": {"id": "e"}, "issued": "2024", "_note": {"id": "n"}, "note": "a"}
    last = dict(reversed(first.items()))
    assert parts(first) == parts(last)
    assert parts(first)["issued"] == [{"issued": "2024", "_issued": {"id": "e"}}]
    assert digests(KEY, parts(first)) == digests(KEY, parts(last))


def test_a_digest_stays_what_it_was() -> None:
    """Ledgers keep them for years: of plain text, a list, a decimal, a versioned reference."""
    body = b'{"focus":{"reference":"A/1/_history/2"},"note":[{"text":"a"}],"v":7.0,"x":"y"}'
    marks = {name: e.digests[0].hex() for name, e in decoded(elements_of(KEY, body)).items()}
    assert marks == {
        "focus": "60cf82f7bfd2a31f",
        "note": "bc6a6ac4ea191d8f",
        "v": "6a83436274e3bcab",
        "x": "0ecc3749ca6e2843",
    }


def test_a_row_with_things_of_the_hospitals_is_known() -> None:
    """One mark is enough; an older ledger's row has none."""
    assert not holds_theirs(elements_of(KEY, BODY))
    assert not holds_theirs(None)
    assert holds_theirs(encoded({"note": Element((), kept=True)}))


def test_what_was_sent_has_landed_beside_anything() -> None:
    """Every element that was sent is there; what the hospital has besides is no matter."""
    sent = elements_of(KEY, BODY)
    stored = resource(BODY)
    assert landed(sent, {**stored, "note": [{"text": "n"}]}, KEY)
    assert landed(sent, {**stored, "category": [*stored["category"], {"text": "c"}]}, KEY)
    assert not landed(sent, {**stored, "status": "amended"}, KEY)
    assert not landed(sent, {}, KEY)


def test_a_very_long_list_is_cut_and_reads_back() -> None:
    """127 items have their digests; no mark is lost, and what follows is read as it was."""
    items = [{"text": str(number)} for number in range(300)]
    blob = elements_of(KEY, to_bytes({"category": items, "status": "final"}))
    found = decoded(blob)
    assert (len(found["category"].digests), found["category"].kept) == (127, False)
    assert len(found["status"].digests) == 1
    assert decoded(encoded(found)) == found
