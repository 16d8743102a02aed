"""HAPI's `$validate` over many resources: Bundles of a hundred, else one by one."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from netfhir.fhir.canonical import to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHUNK = 100
_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")
_HEADERS = {"Content-Type": "application/fhir+json"}


class Issue(NamedTuple):
    """What HAPI says of one resource."""

    number: int
    """Of the resource, in what was asked."""
    severity: str
    message: str

    @property
    def is_error(self) -> bool:
        """Say whether the resource is invalid by it."""
        return self.severity in {"error", "fatal"}


def errors(base_url: str, resources: Sequence[dict[str, Any]]) -> dict[int, list[str]]:
    """Return the errors that HAPI finds, by the resource's index; {} if there is none."""
    found: dict[int, list[str]] = {}
    for issue in issues(base_url, resources):
        if issue.is_error:
            found.setdefault(issue.number, []).append(issue.message)
    return found


def issues(base_url: str, resources: Sequence[dict[str, Any]]) -> list[Issue]:
    """Return all that HAPI finds: errors, warnings and hints."""
    chunks = [range(i, min(i + CHUNK, len(resources))) for i in range(0, len(resources), CHUNK)]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda chunk: list(_chunk(base_url, resources, chunk)), chunks)
    return [issue for part in found for issue in part]


def _chunk(base_url: str, resources: Sequence[dict[str, Any]], chunk: range) -> Iterator[Issue]:
    entries = [_entry(base_url, resources[index]) for index in chunk]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    status, rows = _validate(base_url, "Bundle", to_bytes(bundle))
    if status != requests.codes.ok:
        for index in chunk:
            _, rows = _validate(
                base_url, resources[index]["resourceType"], to_bytes(resources[index])
            )
            yield from (Issue(index, severity, message) for _, severity, message in rows)
        return
    for place, severity, message in rows:
        match = _ENTRY.search(place)
        yield Issue(chunk[int(match.group(1))] if match else chunk[0], severity, message)


def _entry(base_url: str, resource: dict[str, Any]) -> dict[str, Any]:
    name = f"{resource['resourceType']}/{resource.get('id', 'none')}"
    return {"fullUrl": f"{base_url}/{name}", "resource": resource}


def single(base_url: str, resource: dict[str, Any]) -> list[str]:
    """Return the errors that HAPI finds in one resource."""
    _, rows = _validate(base_url, resource["resourceType"], to_bytes(resource))
    found = [Issue(0, severity, message) for _, severity, message in rows]
    return [issue.message for issue in found if issue.is_error]


def _validate(base_url: str, kind: str, body: bytes) -> tuple[int, list[tuple[str, str, str]]]:
    url = f"{base_url}/{kind}/$validate"
    reply = requests.post(url, data=body, headers=_HEADERS, timeout=300)
    rows = [
        (
            " ".join(issue.get("expression", issue.get("location", []))),
            issue["severity"],
            issue.get("diagnostics", ""),
        )
        for issue in json.loads(reply.content).get("issue", [])
    ]
    return reply.status_code, rows
