"""What a server may do to one writing request, and what must become of its rows.

A row of FAULTS strikes the first bundle of three Observations; the study and the subjects are there
already. Each cell is checked for every strategy by tests/e2e/test_sync_faults.py, and the table is
printed in docs/faults.md.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug import Response

from fhir_store import answers, drops_after, drops_before, reshaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Request

    from fhir_store import Fault, Json

#: Seconds that a client of these tests waits for an answer.
PATIENCE_S = 0.5
ALWAYS = 40
#: The four states a row of the table can end in, in the words of the summary.
ACKNOWLEDGED = "acknowledged"
UNKNOWN = "unknown, then acknowledged"
PENDING = "pending, then acknowledged"
DEAD = "dead"
ONE_DEAD = "1 dead, 2 acknowledged"
ONE_CONFLICT = "1 conflict, 2 acknowledged"
CAUGHT = "acknowledged, caught by verify"
POSTED = "search-post"
#: Where the server gives the ids, a new row is read back where the reply says it is.
GIVEN = ("conditional-put", "conditional-post", POSTED)


@dataclass(frozen=True)
class Row:
    """One fault, and what is right."""

    says: str
    fault: Fault
    state: str
    times: int = 1
    kind: str = "transaction"
    but: dict[str, str] = field(default_factory=dict)
    """Strategies for which another state is right."""
    why: str = ""

    def right(self, strategy: str) -> str:
        """Return the state that is right for a strategy."""
        return self.but.get(strategy, self.state)


def after(reply: Callable[[Request], Response]) -> Fault:
    """Return a fault that does the work, and answers something else."""

    def fault(request: Request, process: Callable[[], Response]) -> Response:
        process()
        return reply(request)

    return fault


def text(body: str, kind: str = "text/html", status: int = 200) -> Callable[[Request], Response]:
    """Return a maker of a reply that is no FHIR."""
    return lambda _request: Response(body, status, content_type=kind)


def before(reply: Callable[[Request], Response]) -> Fault:
    """Return a fault that answers instead of working."""
    return lambda request, _process: reply(request)


def status(code: int, **headers: str) -> Callable[[Request], Response]:
    """Return a maker of a bare status."""
    return lambda _request: Response("", code, {k.replace("_", "-"): v for k, v in headers.items()})


def cut(share: float) -> Fault:
    """Return a fault that works, and cuts its reply at this share of the bytes."""

    def fault(request: Request, process: Callable[[], Response]) -> Response:
        whole = process().get_data()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
            f"Content-Length: {len(whole)}\r\n\r\n"
        )
        socket = request.environ["werkzeug.socket"]
        socket.sendall(head.encode() + whole[: int(len(whole) * share)])
        return drops_before(request, process)

    return fault


def stalls(request: Request, process: Callable[[], Response]) -> Response:
    """Work, then send a byte a second."""
    process()
    socket = request.environ["werkzeug.socket"]
    socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    time.sleep(PATIENCE_S * 2)
    return drops_before(request, process)


def works_late(_request: Request, process: Callable[[], Response]) -> Response:
    """Work after the client has given up."""
    time.sleep(PATIENCE_S * 1.5)
    return process()


def sleeps(_request: Request, _process: Callable[[], Response]) -> Response:
    """Do nothing until the client has given up."""
    time.sleep(PATIENCE_S * 1.5)
    return Response(status=500)


def twice(_request: Request, process: Callable[[], Response]) -> Response:
    """Do the work twice, as a proxy that retries by itself."""
    process()
    return process()


def entries(change: Callable[[list[Json]], Any]) -> Fault:
    """Return a fault that works, and changes the entries of its reply."""

    def changed(reply: Json) -> Json:
        change(reply["entry"])
        return reply

    return reshaped(changed)


def first(**response: Any) -> Fault:
    """Return a fault that works, and changes the response of the first entry."""

    def change(found: list[Json]) -> None:
        found[0]["response"].update(response)

    return entries(change)


def without(name: str) -> Fault:
    """Return a fault that works, and leaves an element out of each entry's response."""

    def change(found: list[Json]) -> None:
        for entry in found:
            entry["response"].pop(name, None)

    return entries(change)


def refuses_one(code: int) -> Fault:
    """Return a fault that works, but for the first entry, which it refuses (a batch)."""

    def fault(request: Request, process: Callable[[], Response]) -> Response:
        bundle = json.loads(request.get_data())
        left = {**bundle, "entry": bundle["entry"][1:]}
        request.environ["netfhir.bundle"] = left
        request._cached_data = json.dumps(left).encode()  # noqa: SLF001 - what is read next
        reply = json.loads(process().get_data())
        refused = {"response": {"status": str(code), "outcome": _outcome("refused")}}
        body = {**reply, "entry": [refused, *reply["entry"]]}
        return Response(json.dumps(body), content_type="application/fhir+json")

    return fault


def lies_of_all(request: Request, _process: Callable[[], Response]) -> Response:
    """Say that everything was stored, and store nothing."""
    bundle = json.loads(request.get_data())
    found = [_lie(entry, number) for number, entry in enumerate(bundle["entry"])]
    return _json({"resourceType": "Bundle", "type": f"{bundle['type']}-response", "entry": found})(
        request
    )


def _lie(entry: Json, number: int) -> Json:
    made = entry["request"]["url"]
    name = made if "/" in made.partition("?")[0] else f"Observation/never{number}"
    response = {"status": "201 Created", "location": f"{name}/_history/1", "etag": 'W/"1"'}
    return {"response": response}


def lies_of_one(request: Request, process: Callable[[], Response]) -> Response:
    """Store all but the first entry, and say that it was stored too."""
    bundle = json.loads(request.get_data())
    kept = {**bundle, "entry": bundle["entry"][1:]}
    request._cached_data = json.dumps(kept).encode()  # noqa: SLF001 - what is read next
    reply = json.loads(process().get_data())
    body = {**reply, "entry": [_lie(bundle["entry"][0], 0), *reply["entry"]]}
    return Response(json.dumps(body), content_type="application/fhir+json")


def _outcome(said: str, severity: str = "error") -> Json:
    issue = {"severity": severity, "code": "processing", "diagnostics": said}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _json(body: object, code: int = 200) -> Callable[[Request], Response]:
    return text(json.dumps(body), "application/fhir+json", code)


def _kind(name: str) -> Fault:
    return reshaped(lambda reply: {**reply, "type": name})


FAULTS: dict[str, tuple[Row, ...]] = {
    "The connection": (
        Row("cut before the work, once", drops_before, ACKNOWLEDGED),
        Row("cut before the work, always", drops_before, UNKNOWN, ALWAYS),
        Row("cut after the work, once", drops_after, ACKNOWLEDGED),
        Row(
            "cut after the work, always",
            drops_after,
            UNKNOWN,
            ALWAYS,
            but={POSTED: ACKNOWLEDGED},
            why="what was posted is looked for before it is sent again, and found",
        ),
        Row("the reply cut at its first byte", cut(0.0), ACKNOWLEDGED),
        Row("the reply cut in the middle", cut(0.5), ACKNOWLEDGED),
        Row("the reply cut before its last byte", cut(0.99), ACKNOWLEDGED),
        Row("a byte a second", stalls, ACKNOWLEDGED),
        Row("the work done after the client has given up", works_late, ACKNOWLEDGED),
        Row("no answer, once", sleeps, ACKNOWLEDGED),
        Row(
            "the request done twice on the way",
            twice,
            ACKNOWLEDGED,
            but={POSTED: CAUGHT},
            why="a POST has no key that a server could refuse: the audit names the second resource",
        ),
    ),
    "A reply that is no reply": (
        Row("200 with HTML, nothing done", before(text("<html>")), UNKNOWN),
        Row("200 with HTML, all done", after(text("<html>")), ACKNOWLEDGED),
        Row("200 and nothing in it, nothing done", before(text("")), UNKNOWN),
        Row("200 and nothing in it, all done", after(text("")), ACKNOWLEDGED),
        Row("200 with a list", after(_json([])), ACKNOWLEDGED),
        Row("200 with half a document", after(text('{"a":', "application/json")), ACKNOWLEDGED),
        Row("200 with an OperationOutcome, nothing done", before(_json(_outcome("x"))), UNKNOWN),
        Row("204, nothing done", before(status(204)), UNKNOWN),
        Row("a searchset", _kind("searchset"), ACKNOWLEDGED),
        Row("a batch-response to a transaction", _kind("batch-response"), ACKNOWLEDGED),
        Row(
            "a redirect to another host", before(status(307, Location="http://x.example/")), PENDING
        ),
    ),
    "Entries of the reply": (
        Row("one entry fewer", entries(lambda found: found.pop()), ACKNOWLEDGED),
        Row("one entry more", entries(lambda found: found.append(found[0])), ACKNOWLEDGED),
        Row("in another order", entries(lambda found: found.reverse()), ACKNOWLEDGED),
        Row("no entries", entries(lambda found: found.clear()), ACKNOWLEDGED),
        Row("an entry without response", entries(lambda found: found[0].clear()), ACKNOWLEDGED),
        Row("no status", without("status"), ACKNOWLEDGED),
        Row("a status that is no number", first(status="banana"), ACKNOWLEDGED),
        Row("a status as a number", first(status=201), ACKNOWLEDGED),
        Row("no location", without("location"), ACKNOWLEDGED),
        Row(
            "the location of another id",
            first(location="Observation/x/_history/1"),
            ACKNOWLEDGED,
        ),
        Row("the location of another type", first(location="Group/x/_history/1"), ACKNOWLEDGED),
        Row("no version", without("etag"), ACKNOWLEDGED),
        Row("a warning beside it", first(outcome=_outcome("w", "warning")), ACKNOWLEDGED),
        Row("an error in a success", first(outcome=_outcome("e")), ONE_DEAD),
        Row("a status of the 100s", first(status="102"), ACKNOWLEDGED),
        Row("a status of the 300s", first(status="304"), ACKNOWLEDGED),
    ),
    "One entry of a batch refused": (
        *(
            Row(f"{code}", refuses_one(code), ONE_DEAD, kind="batch")
            for code in (400, 404, 405, 410, 422)
        ),
        *(
            Row(f"{code}, once", refuses_one(code), ACKNOWLEDGED, kind="batch")
            for code in (408, 425, 429, 500, 502, 503, 504)
        ),
        *(
            Row(
                f"{code}",
                refuses_one(code),
                ACKNOWLEDGED,
                kind="batch",
                but={POSTED: ONE_CONFLICT},
                why="a POST that met something is not repeated: it might make a second resource",
            )
            for code in (409, 412)
        ),
        *(
            Row(
                f"{code}",
                refuses_one(code),
                "1 pending, 2 acknowledged, then acknowledged",
                kind="batch",
            )
            for code in (401, 403)
        ),
    ),
    "The whole request refused": (
        *(Row(f"{code}, once", answers(code), ACKNOWLEDGED) for code in (400, 404, 405, 413, 422)),
        *(
            Row(f"{code}, always", answers(code), DEAD, ALWAYS)
            for code in (400, 404, 405, 413, 422)
        ),
        *(Row(f"{code}, once", answers(code), ACKNOWLEDGED) for code in (409, 412)),
        *(Row(f"{code}", answers(code), PENDING) for code in (401, 403)),
        *(
            Row(f"{code}, once", answers(code), ACKNOWLEDGED)
            for code in (408, 425, 429, 500, 502, 503, 504)
        ),
        Row("500 after the work, once", after(status(500)), ACKNOWLEDGED),
        Row("504 after the work, once", after(status(504)), ACKNOWLEDGED),
        Row("408 after the work, once", after(status(408)), ACKNOWLEDGED),
        Row("401 after the work", after(status(401)), PENDING),
        Row("503, always", answers(503), UNKNOWN, ALWAYS),
        Row("500, always", answers(500), UNKNOWN, ALWAYS),
        Row("503 with HTML, once", before(text("<html>", status=503)), ACKNOWLEDGED),
        Row("429, wait a second", answers(429, {"Retry-After": "1"}), ACKNOWLEDGED),
        Row(
            "429, wait until a date",
            answers(429, {"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}),
            ACKNOWLEDGED,
        ),
        Row("429, wait for nonsense", answers(429, {"Retry-After": "soon"}), ACKNOWLEDGED),
        Row("429, wait five hours", answers(429, {"Retry-After": "18000"}), UNKNOWN),
    ),
    "A server that lies": (
        Row("nothing stored", lies_of_all, CAUGHT, but=dict.fromkeys(GIVEN, UNKNOWN)),
        Row(
            "one entry not stored",
            lies_of_one,
            CAUGHT,
            but=dict.fromkeys(GIVEN, "1 unknown, 2 acknowledged, then acknowledged"),
        ),
    ),
}
