"""A FHIR server that keeps next to nothing and answers at once: `python null_server.py`.

It prints its base address on the first line. Transactions get a right entry for each of theirs, a
search for Patients by identifier finds one for each, a search by system the last resources of a
type that were put; nothing else is known. It ends when its standard input does.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

TYPES: Final = """
    ActivityDefinition AdverseEvent CarePlan CareTeam Condition ConceptMap Consent Device
    DiagnosticReport DocumentReference Encounter EvidenceVariable Goal Group HealthcareService
    Library List Location Measure MeasureReport Medication MedicationAdministration
    MedicationRequest MedicationStatement Observation Organization Patient PlanDefinition
    Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse
    RelatedPerson ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject
    ServiceRequest Specimen Substance SubstanceDefinition
"""
_RESOURCES: Final = [
    {
        "type": name,
        "interaction": [{"code": "read"}, {"code": "update"}],
        "updateCreate": True,
        "searchParam": [{"name": "identifier", "type": "token"}],
    }
    for name in TYPES.split()
]
STATEMENT: Final = orjson.dumps(
    {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "software": {"name": "null", "version": "1"},
        "rest": [
            {"mode": "server", "interaction": [{"code": "transaction"}], "resource": _RESOURCES}
        ],
    }
)

LAST: Final[dict[str, deque[dict[str, Any]]]] = defaultdict(lambda: deque(maxlen=20))
"""Of each type what was put last: a run looks at so many before it begins."""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together

    def do_GET(self) -> None:
        """Answer with the CapabilityStatement, whatever is asked."""
        self._answer(STATEMENT)

    def do_POST(self) -> None:
        """Answer a transaction or a search for Patients."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        searches = self.path.endswith("/_search")
        self._answer(_found(self.path.split("/")[-2], body) if searches else _stored(body))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        self.send_response_only(200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _stored(body: bytes) -> bytes:
    answers = [_entry(**entry) for entry in orjson.loads(body)["entry"]]
    return orjson.dumps(
        {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}
    )


def _entry(request: dict[str, str], resource: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a first write, or to one over a version: the next one."""
    path, over = request["url"], request.get("ifMatch", 'W/"0"')[3:-1]
    version = str(int(over) + 1)
    LAST[path.partition("/")[0]].append({**resource, "meta": {"versionId": version}})
    status = "201 Created" if over == "0" else "200 OK"
    location = f"{path}/_history/{version}"
    return {"response": {"status": status, "location": location, "etag": f'W/"{version}"'}}


def _found(resource_type: str, body: bytes) -> bytes:
    (asked,) = parse_qs(body.decode())["identifier"]
    if asked.endswith("|"):
        found = list(LAST[resource_type])
    else:
        found = [_patient(*token.split("|", 1)) for token in _tokens(asked)]
    entries = [{"resource": one} for one in found]
    told = {"type": "searchset", "total": len(entries), "entry": entries}
    return orjson.dumps({"resourceType": "Bundle", **told})


def _tokens(asked: str) -> list[str]:
    """Return the tokens; the benchmark's identifiers hold no character that a search escapes."""
    return asked.replace("\\|", "|").split(",")


def _patient(system: str, value: str) -> dict[str, Any]:
    name = hashlib.sha256(f"{system}|{value}".encode()).hexdigest()[:12]
    identifier = [{"system": system, "value": value}]
    return {"resourceType": "Patient", "id": f"pat-{name}", "identifier": identifier}


def main() -> None:
    """Serve on a free port of this machine until the standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}/fhir", flush=True)
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
