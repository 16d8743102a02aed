"""The FHIR interactions that netfhir uses; reads decimals as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import orjson

from netfhir.errors import ConflictError, NetfhirError, RejectedError, TemporaryError
from netfhir.fhir.canonical import from_bytes
from netfhir.hospital import outcomes
from netfhir.hospital.replies import status_of, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.transport import Reply, Transport

_READ_ENTRIES = 50
_FRESH = {"Cache-Control": "no-cache"}
_MINIMAL = {"Prefer": "return=minimal"}
_OK = 200
_ABSENT = 404
_GONE = 410


@dataclass(frozen=True, slots=True)
class Stored:
    """What the server holds under an id: a body with its version, nothing, or a deletion."""

    body: Json | None
    version_id: str = ""
    deleted: bool = False


class Client:
    """One FHIR server through one transport; `batch` says whether it takes batches of reads."""

    def __init__(self, transport: Transport, *, batch: bool = True) -> None:
        self._transport = transport
        self._batch = batch
        self.name = transport.name
        self.base_url = transport.base_url

    def statement(self) -> Json:
        """Return the CapabilityStatement; {} if the answer is no JSON object."""
        return _object(self._transport.get("metadata"))

    def post_bundle(self, bundle: bytes) -> Json:
        """Send a transaction or batch; {} if the answer is no JSON object."""
        return _object(self._transport.send("POST", "", bundle, headers=_MINIMAL))

    def put(self, path: str, body: bytes, if_match: str = "", *, create_only: bool = False) -> Json:
        """Update one resource by `Type/id`; return the reply as an entry of a bundle's reply."""
        condition = {"If-Match": if_match} if if_match else {}
        if create_only:
            condition["If-None-Match"] = "*"
        return _as_entry(self._transport.send("PUT", path, body, headers={**_MINIMAL, **condition}))

    def post(self, resource_type: str, body: bytes) -> Json:
        """Make one resource; return the reply as an entry of a bundle's reply."""
        return _as_entry(self._transport.send("POST", resource_type, body, headers=_MINIMAL))

    def delete(self, path: str) -> None:
        """Remove one resource by `Type/id`. Raises the ServerError of a refusal."""
        self._transport.send("DELETE", path)

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        """Read each `Type/id`, in order. An entry that fails for another reason raises."""
        found: list[Stored] = []
        for chunk in _chunks(paths, _READ_ENTRIES):
            found += self._read_batch(chunk) if self._batch else map(self._read_one, chunk)
        return found

    def search_identifiers(
        self, resource_type: str, tokens: Sequence[tuple[str, str]], elements: str = ""
    ) -> list[Json]:
        """Return the resources that carry one of these (system, value); values stay out of URLs.

        A page that is not the last is asked again in halves, so that no next link is followed.
        """
        form = {"identifier": ",".join(_token(*token) for token in tokens), "_count": "1000"}
        if elements:
            form["_elements"] = elements
        path = f"{resource_type}/_search"
        reply = self._transport.post_form(path, form, _FRESH)
        page = _searchset(reply, f"{self.name}: POST {path}")
        more = any(link.get("relation") == "next" for link in page.get("link", []))
        if more and len(tokens) > 1:
            middle = len(tokens) // 2
            halves = (tokens[:middle], tokens[middle:])
            return [r for half in halves for r in self.search_identifiers(resource_type, half)]
        return list(_matches(page, resource_type))

    def of_patient(self, resource_type: str, patient: str) -> list[Json]:
        """Return all resources of a type that belong to a `Patient/id`, page after page."""
        path = f"{resource_type}/_search"
        reply = self._transport.post_form(path, {"patient": patient, "_count": "1000"}, _FRESH)
        found: list[Json] = []
        while True:
            page = _searchset(reply, f"{self.name}: POST {path}")
            found += _matches(page, resource_type)
            further = self._next(page)
            if not further:
                return found
            reply = self._transport.get(further, _FRESH)

    def _next(self, page: Json) -> str:
        """Return the path of the next page, "" after the last; another host's is an error."""
        links = page.get("link", [])
        url = next((str(li.get("url")) for li in links if li.get("relation") == "next"), "")
        if url and not url.startswith(f"{self.base_url}/"):
            where = f"{self.name}: search"
            raise TemporaryError("reply-page", where=where, found="a next page at another address")
        return url.removeprefix(f"{self.base_url}/")

    def all_of_system(self, resource_type: str, system: str) -> list[Json] | None:
        """Return all resources that carry an identifier of this system: their identifiers and ids.

        None where there may be more than one page, or the server does not take the search.
        """
        path = f"{resource_type}/_search"
        form = {"identifier": f"{_escaped(system)}|", "_elements": "identifier", "_count": "1000"}
        try:
            reply = self._transport.post_form(path, form, _FRESH)
        except RejectedError:
            return None
        page = _searchset(reply, f"{self.name}: POST {path}")
        found = list(_matches(page, resource_type))
        return found if page.get("total") == len(found) else None

    def page_of_system(
        self, resource_type: str, system: str, after: str = ""
    ) -> tuple[list[Json], str]:
        """Return a page of the whole resources that carry an identifier of this system.

        And where the next one is, to be given as `after`; "" after the last. Raises RejectedError
        where the search is not taken, or a page leads to another address.
        """
        path = f"{resource_type}/_search"
        form = {"identifier": f"{_escaped(system)}|", "_count": "500"}
        if after:
            reply = self._transport.get(after, _FRESH)
        else:
            reply = self._transport.post_form(path, form, _FRESH)
        page = _searchset(reply, f"{self.name}: POST {path}")
        links = {link.get("relation"): str(link.get("url")) for link in page.get("link", [])}
        following = self._below(links["next"], path) if "next" in links else ""
        return list(_matches(page, resource_type)), following

    def latest_of_system(self, resource_type: str, system: str, count: int) -> list[Json]:
        """Return some resources with an identifier of this system, those last written if it can.

        None at all where the server does not take the search.
        """
        path = f"{resource_type}/_search"
        form = {"identifier": f"{_escaped(system)}|", "_sort": "-_lastUpdated"}
        try:
            reply = self._transport.post_form(path, {**form, "_count": str(count)}, _FRESH)
        except RejectedError:
            return []
        return list(islice(_matches(_searchset(reply, path), resource_type), count))

    def _below(self, url: str, path: str) -> str:
        """Return the part of a page's address below the base."""
        if url.startswith(f"{self.base_url}/"):
            return url.removeprefix(f"{self.base_url}/")
        if url.startswith(f"{self.base_url}?"):
            return url.removeprefix(self.base_url)
        raise RejectedError(
            "next-page",
            where=f"{self.name}: POST {path}",
            found="a next page at another address than base_url",
            remedy="put the server's own address into base_url",
        )

    def _read_one(self, path: str) -> Stored:
        try:
            reply = self._transport.get(path, _FRESH)
        except RejectedError as error:
            if error.code in {f"http-{_ABSENT}", f"http-{_GONE}"}:
                return Stored(None, deleted=error.code == f"http-{_GONE}")
            raise
        body = cast("Json", from_bytes(reply.content))
        return Stored(body, version_of({"etag": reply.headers.get("ETag", "")}, body))

    def _read_batch(self, paths: Sequence[str]) -> list[Stored]:
        entries = [{"request": {"method": "GET", "url": path}} for path in paths]
        bundle = orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})
        reply = self._transport.send("POST", "", bundle, headers=_FRESH)
        where = f"{self.name}: reading {len(paths)} resources"
        entries_read = _object(reply, exact=True).get("entry", [])
        if len(entries_read) != len(paths):
            found = f"{len(entries_read)} entries for {len(paths)} reads"
            raise TemporaryError("reply-entries", where=where, found=found)
        return [_stored(e, p, where) for e, p in zip(entries_read, paths, strict=True)]


def _stored(entry: Json, path: str, where: str) -> Stored:
    response = entry.get("response", {})
    status = status_of(response)
    if status in {_ABSENT, _GONE}:
        return Stored(None, deleted=status == _GONE)
    body = entry.get("resource")
    if status != _OK or not isinstance(body, dict):
        raise _unreadable(status, response, f"{where}: {path}")
    if f"{body.get('resourceType')}/{body.get('id')}" != path:
        raise TemporaryError("reply-order", where=f"{where}: {path}", found="another resource")
    return Stored(body, version_of(response, body))


def _as_entry(reply: Reply) -> Json:
    response: Json = {
        "status": str(reply.status),
        "location": reply.headers.get("Content-Location") or reply.headers.get("Location", ""),
        "etag": reply.headers.get("ETag", ""),
    }
    parsed = _object(reply)
    if parsed.get("resourceType") == "OperationOutcome":
        return {"response": {**response, "outcome": parsed}}
    return {"response": response}


def _unreadable(status: int | None, response: Json, where: str) -> NetfhirError:
    said = outcomes.scrubbed(response.get("outcome"))
    found = f"status {status or 'missing'}" + (f" ({said})" if said else "")
    if status is None or outcomes.is_temporary(status):
        return TemporaryError("read", where=where, found=found)
    kind = ConflictError if outcomes.is_conflict(status) else RejectedError
    return kind("read", where=where, found=found)


def _object(reply: Reply, *, exact: bool = False) -> Json:
    try:
        parsed: Any = from_bytes(reply.content) if exact else orjson.loads(reply.content)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _searchset(reply: Reply, where: str) -> Json:
    page = _object(reply, exact=True)
    if page.get("resourceType") != "Bundle" or page.get("type") != "searchset":
        raise TemporaryError("reply-type", where=where, found="no searchset")
    return page


def _matches(page: Json, resource_type: str) -> Iterator[Json]:
    for entry in page.get("entry", []):
        body = entry.get("resource", {})
        if body.get("resourceType") == resource_type:
            yield body


def _token(system: str, value: str) -> str:
    return f"{_escaped(system)}|{_escaped(value)}"


def _escaped(text: str) -> str:
    """Escape what separates in a search: FHIR R4, search, "Escaping Search Parameters"."""
    for char in "\\,$|":
        text = text.replace(char, f"\\{char}")
    return text


def _chunks(items: Sequence[str], size: int) -> Iterator[list[str]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk
