"""What the client makes of replies, over a transport that answers from a list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from netfhir.errors import RejectedError, TemporaryError
from netfhir.hospital.client import Client
from netfhir.hospital.transport import Reply, Transport

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Wire:
    """Answers requests in order and keeps what was asked."""

    name = "s"
    base_url = "https://f.example"

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.forms: list[Mapping[str, str]] = []
        self.headers: list[Mapping[str, str]] = []

    def send(
        self,
        _method: str,
        _path: str,
        _body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        self.headers.append(headers or {})
        return Reply(200, {}, json.dumps(self._answers.pop(0)).encode())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self.send("GET", path, headers=headers)

    def post_form(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Reply:
        self.forms.append(form)
        return self.send("POST", path, headers=headers)


def _client(*answers: Any) -> tuple[Client, _Wire]:
    wire = _Wire(*answers)
    return Client(cast("Transport", wire)), wire


def _read(status: str, **body: Any) -> dict[str, Any]:
    entry = {"response": {"status": status}}
    return {**entry, "resource": {"resourceType": "Observation", **body}} if body else entry


def test_reads_come_back_in_order() -> None:
    """Present, absent and deleted are told apart."""
    reply = {"entry": [_read("200 OK", id="a"), _read("404"), _read("410 Gone")]}
    found = _client(reply)[0].read_many(["Observation/a", "Observation/b", "Observation/c"])
    assert [(f.body is not None, f.deleted) for f in found] == [
        (True, False),
        (False, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    "entries", [[], [_read("200", id="b")], [_read("503")], [{"response": {}}]]
)
def test_a_read_that_is_not_what_was_asked_is_no_answer(entries: list[dict[str, Any]]) -> None:
    """Too few entries, another resource, no status: to be tried again, not to be believed."""
    with pytest.raises(TemporaryError):
        _client({"entry": entries})[0].read_many(["Observation/a"])


def test_reads_and_searches_pass_the_cache() -> None:
    """HAPI serves a search of the last minute unless told not to."""
    client, wire = _client(
        {"entry": [_read("404")]}, {"resourceType": "Bundle", "type": "searchset"}
    )
    client.read_many(["Observation/a"])
    client.search_identifiers("Observation", [("s", "v")])
    assert [h.get("Cache-Control") for h in wire.headers] == ["no-cache", "no-cache"]


def test_what_separates_is_escaped() -> None:
    """Our values hold bars; a search must not split at them."""
    client, wire = _client({"resourceType": "Bundle", "type": "searchset"})
    client.search_identifiers("Observation", [("urn:s", "a|b,c"), ("urn:s", "d")])
    assert wire.forms[0]["identifier"] == "urn:s|a\\|b\\,c,urn:s|d"


def test_a_page_with_a_next_is_asked_in_halves() -> None:
    """A next link may carry values in its URL: it is not followed."""
    full = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next"}]}
    one = {"resource": {"resourceType": "Observation", "id": "x"}}
    half = {"resourceType": "Bundle", "type": "searchset", "entry": [one]}
    client, wire = _client(full, half, half)
    assert len(client.search_identifiers("Observation", [("s", "1"), ("s", "2")])) == 2
    assert [form["identifier"] for form in wire.forms] == ["s|1,s|2", "s|1", "s|2"]


def test_something_else_is_no_searchset() -> None:
    """An empty object is not "no match"."""
    with pytest.raises(TemporaryError):
        _client({})[0].search_identifiers("Observation", [("s", "v")])


def _page(*ids: str, following: str = "") -> dict[str, Any]:
    entries = [{"resource": {"resourceType": "Observation", "id": name}} for name in ids]
    link = [{"relation": "next", "url": following}] if following else []
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": link}


def test_a_patients_resources_come_page_after_page() -> None:
    """To the last one; the patient stands in the form, not in the URL."""
    first = _page("a", "b", following="https://f.example/Observation?page=2")
    client, wire = _client(first, _page("c"))
    found = client.of_patient("Observation", "subject=Patient/p1")
    assert [body["id"] for body in found] == ["a", "b", "c"]
    assert wire.forms == [{"subject": "Patient/p1", "_count": "1000"}]


def test_a_page_at_another_address_is_not_followed() -> None:
    """A next link that leads elsewhere would carry our credentials there."""
    client, _ = _client(_page("a", following="https://elsewhere.example/Observation?page=2"))
    with pytest.raises(RejectedError, match="another address"):
        client.of_patient("Observation", "subject=Patient/p1")
