"""HAPI's `$validate` over many resources: Bundles of a hundred, else one by one."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import requests

from netfhir.fhir.canonical import to_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK = 100
_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")
_HEADERS = {"Content-Type": "application/fhir+json"}


def errors(base_url: str, resources: Sequence[dict[str, Any]]) -> dict[int, list[str]]:
    """Return the errors that HAPI finds, by the resource's index; {} if there is none."""
    chunks = [range(i, min(i + CHUNK, len(resources))) for i in range(0, len(resources), CHUNK)]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda chunk: _chunk(base_url, resources, chunk), chunks)
    return {index: messages for part in found for index, messages in part.items()}


def _chunk(
    base_url: str, resources: Sequence[dict[str, Any]], chunk: range
) -> dict[int, list[str]]:
    entries = [_entry(base_url, resources[index]) for index in chunk]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    status, issues = _validate(base_url, "Bundle", to_bytes(bundle))
    if status != requests.codes.ok:
        return _singly(base_url, resources, chunk)
    found: dict[int, list[str]] = {}
    for place, message in issues:
        match = _ENTRY.search(place)
        index = chunk[int(match.group(1))] if match else chunk[0]
        found.setdefault(index, []).append(message)
    return found


def _entry(base_url: str, resource: dict[str, Any]) -> dict[str, Any]:
    name = f"{resource['resourceType']}/{resource.get('id', 'none')}"
    return {"fullUrl": f"{base_url}/{name}", "resource": resource}


def _singly(
    base_url: str, resources: Sequence[dict[str, Any]], chunk: range
) -> dict[int, list[str]]:
    found = {index: single(base_url, resources[index]) for index in chunk}
    return {index: messages for index, messages in found.items() if messages}


def single(base_url: str, resource: dict[str, Any]) -> list[str]:
    """Return the errors that HAPI finds in one resource."""
    _, issues = _validate(base_url, resource["resourceType"], to_bytes(resource))
    return [message for _, message in issues]


def _validate(base_url: str, resource_type: str, body: bytes) -> tuple[int, list[tuple[str, str]]]:
    url = f"{base_url}/{resource_type}/$validate"
    reply = requests.post(url, data=body, headers=_HEADERS, timeout=300)
    issues = [
        (" ".join(issue.get("expression", issue.get("location", []))), issue.get("diagnostics", ""))
        for issue in json.loads(reply.content).get("issue", [])
        if issue["severity"] in {"error", "fatal"}
    ]
    return reply.status_code, issues
