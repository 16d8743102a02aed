"""A small FHIR server in memory: put, conditional put, transaction, batch, read, identifier search.

Faults stand in a queue: each takes the place of the handling of one writing request.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from werkzeug import Request, Response

from netfhir.fhir.identity import identifiers_of

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

Json = dict[str, Any]
Fault = Callable[[Request, Callable[[], Response]], Response]

TYPES = ("Patient", "ResearchStudy", "ResearchSubject", "Observation")


@dataclass
class Refusal(Exception):  # noqa: N818 - what the server answers, not a failure of the store
    """The status of an entry that is refused."""

    status: int


@dataclass
class FhirStore:
    """What the server holds and what it was asked; safe among threads."""

    server: HTTPServer
    listed: tuple[str, ...] = TYPES
    software: str = "Store"
    interactions: tuple[str, ...] = ("transaction", "batch")
    update_create: bool = True
    counts: bool = True
    """Whether a search tells how many it found."""
    refuses: Callable[[Json], int] = lambda _: 0
    """The status to refuse a resource with, 0 to take it."""
    held: dict[str, Json] = field(default_factory=dict)
    faults: deque[Fault] = field(default_factory=deque)
    read_faults: deque[Fault] = field(default_factory=deque)
    """The same, for batches of reads."""
    writes: list[Json] = field(default_factory=list)
    """Bodies of the writing requests, in order."""
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Method and URL of every request."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        """Answer every path below /fhir."""
        self.server.expect_request(re.compile("^/fhir")).respond_with_handler(self._handle)

    @property
    def base_url(self) -> str:
        """Return the address of the FHIR endpoint."""
        return str(self.server.url_for("/fhir"))

    def put(self, body: Json) -> None:
        """Store a body as a person at the hospital would."""
        with self.lock:
            self._stored(f"{body['resourceType']}/{body['id']}", body)

    def count(self, resource_type: str) -> int:
        """Return how many resources of a type there are."""
        return sum(path.startswith(f"{resource_type}/") for path in self.held)

    def _handle(self, request: Request) -> Response:
        self.seen.append((request.method, request.url))
        path = unquote(request.path.removeprefix("/fhir").strip("/"))
        writing = request.method == "PUT" or (request.method, path) == ("POST", "")
        reads = writing and b'"method":"GET"' in request.get_data().replace(b" ", b"")
        if reads and self.read_faults:
            return self.read_faults.popleft()(request, lambda: self._answer(request, path))
        if writing and not reads:
            self.writes.append(json.loads(request.get_data()))
            if self.faults:
                return self.faults.popleft()(request, lambda: self._answer(request, path))
        return self._answer(request, path)

    def _answer(self, request: Request, path: str) -> Response:
        with self.lock:
            try:
                return self._routed(request, path)
            except Refusal as refusal:
                return _json(_outcome(refusal.status), refusal.status)

    def _routed(self, request: Request, path: str) -> Response:
        if path == "metadata":
            return _json(self._statement())
        if path.endswith("/_search"):
            form = parse_qs(request.get_data().decode())
            found = self._search(path.partition("/")[0], form["identifier"][0])
            total = {"total": len(found["entry"])} if self.counts else {}
            return _json({**found, **total})
        if request.method == "POST":
            return _json(self._bundle(json.loads(request.get_data())))
        if request.method == "PUT":
            entry = {"method": "PUT", "url": path, "ifMatch": request.headers.get("If-Match", "")}
            done = self._entry({"request": entry, "resource": json.loads(request.get_data())})
            response = done["response"]
            headers = {"ETag": response["etag"], "Location": response["location"]}
            return _json({}, int(response["status"][:3]), headers)
        body = self._read(path)
        return _json(body, headers={"ETag": f'W/"{body["meta"]["versionId"]}"'})

    def _statement(self) -> Json:
        interaction = [{"code": "read"}, {"code": "update"}]
        resources = [
            {
                "type": name,
                "interaction": interaction,
                "updateCreate": self.update_create,
                "conditionalUpdate": True,
                "searchParam": [{"name": "identifier"}],
            }
            for name in self.listed
        ]
        codes = [{"code": code} for code in self.interactions]
        rest = [{"mode": "server", "interaction": codes, "resource": resources}]
        return {
            "resourceType": "CapabilityStatement",
            "software": {"name": self.software, "version": "1"},
            "fhirVersion": "4.0.1",
            "rest": rest,
        }

    def _bundle(self, bundle: Json) -> Json:
        before = dict(self.held)
        entries = []
        for entry in bundle["entry"]:
            try:
                entries.append(self._entry(entry))
            except Refusal as refusal:
                if bundle["type"] == "transaction":
                    self.held = before
                    raise
                response = {"status": str(refusal.status), "outcome": _outcome(refusal.status)}
                entries.append({"response": response})
        kind = f"{bundle['type']}-response"
        return {"resourceType": "Bundle", "type": kind, "entry": entries}

    def _entry(self, entry: Json) -> Json:
        request = entry["request"]
        if request["method"] == "GET":
            body = self._read(request["url"])
            etag = f'W/"{body["meta"]["versionId"]}"'
            return {"resource": body, "response": {"status": "200", "etag": etag}}
        body = entry["resource"]
        path = self._target(request["url"], body)
        if status := self.refuses(body):
            raise Refusal(status)
        existing = self.held.get(path)
        expected = request.get("ifMatch")
        if expected and (not existing or f'W/"{existing["meta"]["versionId"]}"' != expected):
            raise Refusal(412)
        version = self._stored(path, body)
        response = {
            "status": "200 OK" if existing else "201 Created",
            "location": f"{self.base_url}/{path}/_history/{version}",
            "etag": f'W/"{version}"',
        }
        return {"response": response}

    def _target(self, url: str, body: Json) -> str:
        name, _, query = url.partition("?")
        if not query:
            if not self.update_create and url not in self.held:
                raise Refusal(405)
            return url
        found = self._search(name, unquote(query.removeprefix("identifier=")))["entry"]
        if len(found) > 1:
            raise Refusal(412)
        assert "id" not in body
        return f"{name}/{found[0]['resource']['id'] if found else f's{len(self.held)}'}"

    def _stored(self, path: str, body: Json) -> str:
        before = self.held.get(path)
        version = str(int(before["meta"]["versionId"]) + 1 if before else 1)
        meta = {**body.get("meta", {}), "versionId": version, "lastUpdated": "2024-01-01T00:00:00Z"}
        self.held[path] = {**body, "id": path.partition("/")[2], "meta": meta}
        return version

    def _read(self, path: str) -> Json:
        if path not in self.held:
            raise Refusal(404)
        return self.held[path]

    def _search(self, resource_type: str, tokens: str) -> Json:
        wanted = {part.replace("\\", "") for part in re.split(r"(?<!\\),", tokens)}
        found = [
            {"resource": body}
            for path, body in self.held.items()
            if path.startswith(f"{resource_type}/") and wanted & set(_tokens(body))
        ]
        return {"resourceType": "Bundle", "type": "searchset", "entry": found}


def _tokens(body: Json) -> Iterator[str]:
    """Yield what a search finds a body by: system and value, and the system alone."""
    for identifier in identifiers_of(body):
        yield f"{identifier['system']}|{identifier['value']}"
        yield f"{identifier['system']}|"


def answers(status: int, headers: dict[str, str] | None = None) -> Fault:
    """Return a fault that answers this status instead of handling."""
    return lambda _request, _process: _json(_outcome(status), status, headers)


def drops_before(request: Request, _process: Callable[[], Response]) -> Response:
    """Cut the connection without handling the request."""
    return _cut(request)


def drops_after(request: Request, process: Callable[[], Response]) -> Response:
    """Handle the request and cut the connection in place of the reply."""
    process()
    return _cut(request)


def lies(request: Request, _process: Callable[[], Response]) -> Response:
    """Say that everything was stored, and store nothing."""
    bundle = json.loads(request.get_data())
    entries = [
        {"response": {"status": "201", "location": f"{e['request']['url']}/_history/1"}}
        for e in bundle["entry"]
    ]
    kind = f"{bundle['type']}-response"
    return _json({"resourceType": "Bundle", "type": kind, "entry": entries})


def reshaped(change: Callable[[Json], Json]) -> Fault:
    """Return a fault that handles the request and changes the reply."""

    def fault(_request: Request, process: Callable[[], Response]) -> Response:
        return _json(change(json.loads(process().get_data())))

    return fault


def _cut(request: Request) -> Response:
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def _json(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, content_type="application/fhir+json")


def _outcome(status: int) -> Json:
    issue = {"severity": "error", "code": "processing", "diagnostics": f"refused {status} CANARY"}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
