"""A small FHIR server in memory: put, post and their conditions, transaction, batch, read, search.

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

_MAKES = ("read", "create", "update")
#: What a store offers, so that the strategy is the best one left.
STRATEGIES: dict[str, dict[str, Any]] = {
    "put-id": {},
    "conditional-put": {"update_create": False},
    "conditional-post": {"update_create": False, "conditional_create": True, "can": _MAKES},
    "search-post": {"update_create": False, "conditional_update": False, "can": _MAKES},
}

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
    fhir: str = "4.0.1"
    interactions: tuple[str, ...] = ("transaction", "batch")
    can: tuple[str, ...] = ("read", "update")
    """The interactions that are listed for each type; what is not listed is refused with 405."""
    update_create: bool = True
    conditional_create: bool = False
    conditional_update: bool = True
    if_none_match: bool = False
    """Whether `If-None-Match: *` is honoured: 412 where something is there."""
    undeletable: bool = False
    """Whether it refuses to delete, whatever it lists."""
    blind: bool = False
    """Whether searches find nothing."""
    careless: bool = False
    """Whether If-Match is passed over."""
    stale: int = 412
    """The status of an update over another version."""
    versioned: bool = True
    """Whether versions are told, by ETag, location and meta."""
    searches: tuple[str, ...] = ("identifier",)
    """The search parameters of each type; a search by others is refused with 400."""
    recorded: dict[str, Json] = field(default_factory=dict)
    """What the statement says of single types instead; it is kept to, as all of it is."""
    page: int = 1000
    """How many resources a page of a search by patient holds."""
    counts: bool = True
    """Whether a search tells how many it found."""
    refuses: Callable[[Json], int] = lambda _: 0
    """The status to refuse a resource with, 0 to take it."""
    says: str = "refused CANARY"
    """What a refusal says in prose."""
    held: dict[str, Json] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    made: int = 0
    """How many ids the server has given."""
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
        posted = request.method == "POST" and not path.endswith("_search")
        writing = request.method in {"PUT", "DELETE"} or posted
        reads = writing and b'"method":"GET"' in request.get_data().replace(b" ", b"")
        if reads and self.read_faults:
            return self.read_faults.popleft()(request, lambda: self._answer(request, path))
        if writing and not reads:
            self.writes.append(json.loads(request.get_data() or b"{}"))
            if self.faults:
                return self.faults.popleft()(request, lambda: self._answer(request, path))
        return self._answer(request, path)

    def _answer(self, request: Request, path: str) -> Response:
        with self.lock:
            try:
                return self._routed(request, path)
            except Refusal as refusal:
                return _json(_outcome(refusal.status, self.says), refusal.status)

    def _routed(self, request: Request, path: str) -> Response:
        if path == "metadata":
            return _json(self._statement())
        if path.endswith("/_search"):
            form = parse_qs(request.get_data().decode())
            return self._found(path.partition("/")[0], form)
        if request.method == "POST" and not path:
            return _json(self._bundle(json.loads(request.get_data())))
        if request.method in {"PUT", "POST"}:
            return self._alone(request, path)
        if request.method == "DELETE":
            return self._removed(request, path)
        return self._got(request, path)

    def _removed(self, request: Request, path: str) -> Response:
        self._may(path.partition("/")[0], "delete")
        body, expected = self._read(path), request.headers.get("If-Match", "")
        if self.undeletable:
            raise Refusal(403)
        if expected and expected != self._etag(body).get("ETag"):
            raise Refusal(412)
        if any(f'"reference": "{path}"' in json.dumps(other) for other in self.held.values()):
            raise Refusal(409)
        del self.held[path]
        self.deleted.add(path)
        return Response(status=204)

    def _got(self, request: Request, path: str) -> Response:
        if "patient" in request.args:
            return self._found(path, {name: [value] for name, value in request.args.items()})
        body = self._read(path)
        return _json(body, headers=self._etag(body))

    def _alone(self, request: Request, path: str) -> Response:
        entry = {"method": request.method, "url": path}
        named = {"ifMatch": "If-Match", "ifNoneMatch": "If-None-Match"}
        entry |= {name: request.headers.get(header, "") for name, header in named.items()}
        response = self._entry({"request": entry, "resource": json.loads(request.get_data())})[
            "response"
        ]
        headers = {"Location": response["location"]}
        headers |= {"ETag": response["etag"]} if "etag" in response else {}
        return _json({}, int(response["status"][:3]), headers)

    def _found(self, resource_type: str, form: dict[str, list[str]]) -> Response:
        asked = "patient" if "patient" in form else "identifier"
        if {"name": asked} not in self._said(resource_type)["searchParam"]:
            raise Refusal(400)
        if asked == "identifier":
            found = self._search(resource_type, form["identifier"][0])
            return _json({**found, **({"total": len(found["entry"])} if self.counts else {})})
        patient, start = form["patient"][0], int(form.get("from", ["0"])[0])
        bodies = [b for p, b in self.held.items() if p.startswith(f"{resource_type}/")]
        theirs = [b for b in bodies if f'"reference": "{patient}"' in json.dumps(b)]
        page: Json = {"resourceType": "Bundle", "type": "searchset"}
        page["entry"] = [{"resource": b} for b in theirs[start : start + self.page]]
        if start + self.page < len(theirs):
            url = f"{self.base_url}/{resource_type}?patient={patient}&from={start + self.page}"
            page["link"] = [{"relation": "next", "url": url}]
        return _json(page)

    def _etag(self, body: Json) -> dict[str, str]:
        return {"ETag": f'W/"{body["meta"]["versionId"]}"'} if self.versioned else {}

    def _statement(self) -> Json:
        resources = [self._said(name) for name in self.listed]
        codes = [{"code": code} for code in self.interactions]
        rest = [{"mode": "server", "interaction": codes, "resource": resources}]
        return {
            "resourceType": "CapabilityStatement",
            "software": {"name": self.software, "version": "1"},
            "fhirVersion": self.fhir,
            "rest": rest,
        }

    def _said(self, name: str) -> Json:
        of_all = {
            "type": name,
            "interaction": [{"code": code} for code in self.can],
            "updateCreate": self.update_create,
            "conditionalCreate": self.conditional_create,
            "conditionalUpdate": self.conditional_update,
            "searchParam": [{"name": name} for name in self.searches],
        }
        return {**of_all, **self.recorded.get(name, {})}

    def _may(self, name: str, interaction: str, *, said: str = "interaction") -> None:
        told = self._said(name)
        if {"code": interaction} not in told["interaction"] or not told[said]:
            raise Refusal(405)

    def _bundle(self, bundle: Json) -> Json:
        if bundle["type"] not in self.interactions:
            raise Refusal(405)
        before = dict(self.held)
        entries = []
        for entry in bundle["entry"]:
            try:
                entries.append(self._entry(entry))
            except Refusal as refusal:
                if bundle["type"] == "transaction":
                    self.held = before
                    raise
                response = {
                    "status": str(refusal.status),
                    "outcome": _outcome(refusal.status, self.says),
                }
                entries.append({"response": response})
        kind = f"{bundle['type']}-response"
        return {"resourceType": "Bundle", "type": kind, "entry": entries}

    def _entry(self, entry: Json) -> Json:
        request = entry["request"]
        if request["method"] == "GET":
            body = self._read(request["url"])
            etag = {"etag": e} if (e := self._etag(body).get("ETag")) else {}
            return {"resource": body, "response": {"status": "200", **etag}}
        body = entry["resource"]
        path, is_there = self._target(request, body)
        if is_there:
            return self._response(path, "200 OK")
        if status := self.refuses(body):
            raise Refusal(status)
        existing = self.held.get(path)
        expected = "" if self.careless else request.get("ifMatch")
        if expected and (not existing or f'W/"{existing["meta"]["versionId"]}"' != expected):
            raise Refusal(self.stale)
        if existing and request.get("ifNoneMatch") == "*" and self.if_none_match:
            raise Refusal(412)
        self._stored(path, body)
        return self._response(path, "200 OK" if existing else "201 Created")

    def _response(self, path: str, status: str) -> Json:
        version = self.held[path]["meta"].get("versionId")
        location = f"{self.base_url}/{path}" + (f"/_history/{version}" if version else "")
        etag = self._etag(self.held[path])
        return {
            "response": {
                "status": status,
                "location": location,
                **({"etag": etag["ETag"]} if etag else {}),
            }
        }

    def _target(self, request: Json, body: Json) -> tuple[str, bool]:
        """Return the path that is written, and whether a condition says that it stays as it is."""
        name, _, query = request["url"].partition("?")
        if request["method"] == "POST":
            return self._posted(name, request.get("ifNoneExist", ""), body)
        if not query:
            self._may(name.partition("/")[0], "update")
            if not self._said(name.partition("/")[0])["updateCreate"] and name not in self.held:
                raise Refusal(405)
            return name, False
        self._may(name, "update", said="conditionalUpdate")
        found = self._conditioned(name, query)
        return found or self._new(name, body), False

    def _posted(self, name: str, condition: str, body: Json) -> tuple[str, bool]:
        self._may(name, "create", said="conditionalCreate" if condition else "interaction")
        found = self._conditioned(name, condition) if condition else ""
        return found or self._new(name, body), bool(found)

    def _conditioned(self, name: str, query: str) -> str:
        found = self._search(name, unquote(query.removeprefix("identifier=")))["entry"]
        if len(found) > 1:
            raise Refusal(412)
        return f"{name}/{found[0]['resource']['id']}" if found else ""

    def _new(self, name: str, body: Json) -> str:
        assert "id" not in body
        self.made += 1
        return f"{name}/s{self.made}"

    def _stored(self, path: str, body: Json) -> None:
        before = self.held.get(path)
        meta = {**body.get("meta", {}), "lastUpdated": "2024-01-01T00:00:00Z"}
        if self.versioned:
            meta["versionId"] = str(int(before["meta"]["versionId"]) + 1 if before else 1)
        self.held[path] = {**body, "id": path.partition("/")[2], "meta": meta}

    def _read(self, path: str) -> Json:
        if path not in self.held:
            raise Refusal(410 if path in self.deleted else 404)
        return self.held[path]

    def _search(self, resource_type: str, tokens: str) -> Json:
        wanted = {part.replace("\\", "") for part in re.split(r"(?<!\\),", tokens)}
        found = [
            {"resource": body}
            for path, body in self.held.items()
            if path.startswith(f"{resource_type}/")
            and wanted & set(_tokens(body))
            and not self.blind
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


def _outcome(status: int, says: str = "refused CANARY") -> Json:
    issue = {"severity": "error", "code": "processing", "diagnostics": f"{status} {says}"}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
