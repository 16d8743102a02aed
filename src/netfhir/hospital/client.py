"""The FHIR interactions that netfhir uses; reads decimals as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, cast

import orjson

from netfhir import clock
from netfhir.errors import ConflictError, NetfhirError, RejectedError, TemporaryError
from netfhir.fhir.canonical import from_bytes
from netfhir.hospital import outcomes
from netfhir.hospital.replies import status_of, version_of
from netfhir.hospital.searches import FRESH, Searches, body_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.transport import Reply, Transport

_READ_ENTRIES = 50
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


class Client(Searches):
    """One FHIR server through one transport; `batch` says whether it takes batches of reads."""

    def __init__(self, transport: Transport, *, batch: bool = True) -> None:
        super().__init__(transport)
        self._batch = batch
        self.skew_s: float | None = None
        """How far the server's clock was ahead of ours when it was asked for its statement."""

    def statement(self) -> Json:
        """Return the CapabilityStatement; {} if the answer is no JSON object."""
        reply = self._transport.get("metadata")
        self.skew_s = outcomes.skew_s(reply.headers.get("Date", ""), clock.now())
        return body_of(reply)

    def post_bundle(self, bundle: bytes) -> Json:
        """Send a transaction or batch; {} if the answer is no JSON object."""
        return body_of(self._transport.send("POST", "", bundle, headers=_MINIMAL))

    def put(self, path: str, body: bytes, if_match: str = "", *, create_only: bool = False) -> Json:
        """Update one resource by `Type/id`; return the reply as an entry of a bundle's reply."""
        condition = {"If-Match": if_match} if if_match else {}
        if create_only:
            condition["If-None-Match"] = "*"
        return _as_entry(self._transport.send("PUT", path, body, headers={**_MINIMAL, **condition}))

    def post(self, resource_type: str, body: bytes) -> Json:
        """Make one resource; return the reply as an entry of a bundle's reply."""
        return _as_entry(self._transport.send("POST", resource_type, body, headers=_MINIMAL))

    def delete(self, path: str, if_match: str = "") -> None:
        """Delete one resource by `Type/id`; one that is not there is no error."""
        condition = {"If-Match": if_match} if if_match else {}
        try:
            self._transport.send("DELETE", path, b"", headers=condition)
        except RejectedError as error:
            if error.code not in {f"http-{_ABSENT}", f"http-{_GONE}"}:
                raise

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        """Read each `Type/id`, in order. An entry that fails for another reason raises."""
        found: list[Stored] = []
        for chunk in _chunks(paths, _READ_ENTRIES):
            found += self._read_batch(chunk) if self._batch else map(self._read_one, chunk)
        return found

    def _read_one(self, path: str) -> Stored:
        try:
            reply = self._transport.get(path, FRESH)
        except RejectedError as error:
            if error.code in {f"http-{_ABSENT}", f"http-{_GONE}"}:
                return Stored(None, deleted=error.code == f"http-{_GONE}")
            raise
        body = cast("Json", from_bytes(reply.content))
        return Stored(body, version_of({"etag": reply.headers.get("ETag", "")}, body))

    def _read_batch(self, paths: Sequence[str]) -> list[Stored]:
        entries = [{"request": {"method": "GET", "url": path}} for path in paths]
        bundle = orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})
        reply = self._transport.send("POST", "", bundle, headers=FRESH)
        where = f"{self.name}: reading {len(paths)} resources"
        entries_read = body_of(reply, exact=True).get("entry", [])
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
    parsed = body_of(reply)
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


def _chunks(items: Sequence[str], size: int) -> Iterator[list[str]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk
