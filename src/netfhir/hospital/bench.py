"""Harmless resources of a probe's own: made, remembered and removed again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote

from netfhir.errors import ServerError
from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.replies import path_of, status_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.client import Client, Stored

#: A number whose digits say whether they are kept.
PRECISE = Decimal("7.40")

_NOTE = "netfhir probe, to be removed"

#: Types that netfhir writes and that belong to no patient, each marked as nothing to act upon.
SUBJECTS: Mapping[str, Json] = {
    "Medication": {
        "status": "entered-in-error",
        "code": {"text": _NOTE},
        "amount": {"numerator": {"value": PRECISE}, "denominator": {"value": 1}},
    },
    "Location": {
        "status": "inactive",
        "name": _NOTE,
        "position": {"longitude": PRECISE, "latitude": PRECISE},
    },
    "Organization": {"active": False, "name": _NOTE},
}

_MADE = frozenset({200, 201})


@dataclass(slots=True)
class Bench:
    """One type of one server; `made` are the paths to be removed."""

    client: Client
    resource_type: str
    kind: str = ""
    """`transaction` or `batch`; empty where the server takes no bundles."""
    system: str = field(default_factory=lambda: f"urn:uuid:{uuid.uuid4()}")
    """The system of this probe's identifiers: nobody else's."""
    made: list[str] = field(default_factory=list)

    def name(self) -> str:
        """Return an id of the shape of ours."""
        return f"n{uuid.uuid4().hex}"

    def token(self, what: str) -> tuple[str, str]:
        """Return an identifier of the shape of ours: separators and escapes included."""
        return self.system, f"probe|{what}||a%20b|"

    def body(self, what: str, name: str = "", *, changed: bool = False) -> bytes:
        """Return a body with the identifier `what`, and the id `name` if one is given."""
        system, value = self.token(what)
        identifiers = [{"system": system, "value": value}]
        if changed:
            identifiers.append({"system": system, "value": "changed"})
        own = {"id": name} if name else {}
        content = {**SUBJECTS[self.resource_type], **own, "identifier": identifiers}
        return to_bytes({"resourceType": self.resource_type, **content})

    def put(self, name: str, body: bytes, if_match: str = "", *, create_only: bool = False) -> Json:
        """Put a resource by id; return the response."""
        path = f"{self.resource_type}/{name}"
        self.made.append(path)
        entry = self.client.put(path, body, if_match, create_only=create_only)
        return self._noted(entry)

    def post(self, body: bytes) -> Json:
        """Make a resource; return the response."""
        return self._noted(self.client.post(self.resource_type, body))

    def conditional(self, method: str, what: str) -> Json:
        """Send one conditional entry in a bundle; return the response."""
        condition = f"identifier={quote('|'.join(self.token(what)), safe='')}"
        request = {"method": method, "url": self.resource_type, "ifNoneExist": condition}
        if method == "PUT":
            request = {"method": method, "url": f"{self.resource_type}?{condition}"}
        (response,) = self.bundle(self.kind, [(request, self.body(what))])
        return response

    def bundle(self, kind: str, entries: Sequence[tuple[Mapping[str, str], bytes]]) -> list[Json]:
        """Send a bundle; return the responses, [] for a reply of another type."""
        for request, _ in entries:
            if request["method"] == "PUT" and "?" not in request["url"]:
                self.made.append(request["url"])
        spliced = b",".join(
            b'{"request":%b,"resource":%b}' % (to_bytes(dict(request)), body)
            for request, body in entries
        )
        reply = self.client.post_bundle(
            b'{"entry":[%b],"resourceType":"Bundle","type":"%b"}' % (spliced, kind.encode())
        )
        if reply.get("type") != f"{kind}-response":
            return []
        return [self._noted(entry) for entry in reply.get("entry", [])]

    def read(self, path: str) -> Stored:
        """Read one resource."""
        (found,) = self.client.read_many([path])
        return found

    def found(self, what: str) -> list[str]:
        """Return the paths of the resources that carry the identifier `what`."""
        bodies = self.client.search_identifiers(self.resource_type, [self.token(what)])
        return [f"{self.resource_type}/{body['id']}" for body in bodies]

    def remove(self) -> list[str]:
        """Remove everything that was made; return what could not be removed."""
        left = []
        for path in dict.fromkeys(self.made):
            try:
                if self.read(path).body is not None:
                    self.client.delete(path)
            except ServerError as error:
                left.append(f"{path} ({error.code})")
        return left

    def _noted(self, entry: Json) -> Json:
        response: Json = entry.get("response", {})
        path = path_of(response.get("location"))
        if path and status_of(response) in _MADE:
            self.made.append(path)
        return response
