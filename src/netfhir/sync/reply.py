"""Whether a reply says what it seems to say: each entry judged by its own words, never by place.

Source: every item of section 1.6 of the server notes has a server behind it that got it wrong.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from netfhir.hospital import outcomes
from netfhir.hospital.replies import agrees, path_of, status_of, version_of
from netfhir.sync.holdings import carries
from netfhir.sync.records import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.sync.records import Planned

_MADE = 201
_STORED = frozenset({200, _MADE})

#: The remark on a row that was there before, and had to be made anew: somebody removed it.
RECREATED = "made-anew: it was gone from the server"


class Verdict(StrEnum):
    """What one entry of a reply says."""

    ACKED = "acked"
    MET = "met"
    """Nothing was made where something should have been: to be compared before it is ours."""
    PLACED = "placed"
    """Stored where the server says, which only a look can tell to be ours."""
    DEAD = "dead"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    RETRY = "retry"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Judged:
    """A row and the verdict on its entry."""

    item: Planned
    verdict: Verdict
    server_id: str = ""
    version_id: str = ""
    reason: str = ""


def check(reply: Json, items: Sequence[Planned], kind: str) -> list[Judged]:
    """Return a verdict for each item; `kind` is `transaction` or `batch`.

    Where the reply is of another type or has another number of entries, nothing can be told of any
    row: all are unknown. Nor can it of two rows that are said to be one resource.
    """
    if reply.get("resourceType") != "Bundle" or reply.get("type") != f"{kind}-response":
        return [Judged(item, Verdict.UNKNOWN, reason="reply-type") for item in items]
    entries = reply.get("entry")
    if not isinstance(entries, list) or len(entries) != len(items):
        return [Judged(item, Verdict.UNKNOWN, reason="reply-entries") for item in items]
    judged = [check_entry(entry, item) for entry, item in zip(entries, items, strict=True)]
    places = Counter((j.item.resource_type, j.server_id) for j in judged if j.server_id)
    return [
        Judged(j.item, Verdict.UNKNOWN, reason="reply-location")
        if places[j.item.resource_type, j.server_id] > 1
        else j
        for j in judged
    ]


def check_entry(entry: Json, item: Planned) -> Judged:
    """Return the verdict on one entry."""
    response = entry.get("response") if isinstance(entry, dict) else None
    if not isinstance(response, dict):
        return Judged(item, Verdict.UNKNOWN, reason="reply-response")
    status = status_of(response)
    if status in _STORED:
        return _stored(entry, response, item, made=status == _MADE)
    reason = _reason(status, response)
    if status is None:
        return Judged(item, Verdict.UNKNOWN, reason=reason)
    return Judged(item, _refused(status), reason=reason)


def _refused(status: int) -> Verdict:
    if outcomes.is_temporary(status):
        return Verdict.RETRY
    if outcomes.is_refused(status):
        return Verdict.DENIED
    if outcomes.is_conflict(status):
        return Verdict.CONFLICT
    return Verdict.DEAD if status >= _FIRST_REFUSAL else Verdict.UNKNOWN


_FIRST_REFUSAL = 400


def _reason(status: int | None, response: Json) -> str:
    said = outcomes.scrubbed(response.get("outcome"))
    code = "reply-status" if status is None else f"http-{status}"
    return f"{code} ({said})" if said else code


def _stored(entry: Json, response: Json, item: Planned, *, made: bool) -> Judged:
    outcome = response.get("outcome") or _outcome_in(entry)
    if outcomes.failures(outcome):
        return Judged(item, Verdict.DEAD, reason=f"error-in-success ({outcomes.scrubbed(outcome)})")
    path = path_of(response.get("location")) or _path_in(entry)
    if item.path and path and path != item.path:
        return Judged(item, Verdict.UNKNOWN, reason="reply-location")
    resource_type, _, server_id = (path or item.path).partition("/")
    if not server_id or resource_type != item.resource_type:
        return Judged(item, Verdict.UNKNOWN, reason="reply-location")
    if not agrees(response):
        return Judged(item, Verdict.UNKNOWN, reason="reply-version")
    first = item.action is Action.CREATE
    verdict = Verdict.ACKED if item.path or _is_ours(entry, item) else Verdict.PLACED
    if first and not made:
        verdict = Verdict.MET
    remarks = [RECREATED] if made and not first else []
    remarks += [said] if (said := outcomes.warnings(outcome)) else []
    version_id = version_of(response, _resource(entry))
    return Judged(item, verdict, server_id, version_id, "; ".join(remarks))


def _is_ours(entry: Json, item: Planned) -> bool:
    """Return whether the reply itself shows the resource, with our identifier."""
    return carries(_resource(entry), item.token)


def _resource(entry: Json) -> Json:
    body = entry.get("resource")
    return body if isinstance(body, dict) else {}


def _outcome_in(entry: Json) -> Json | None:
    body = _resource(entry)
    return body if body.get("resourceType") == "OperationOutcome" else None


def _path_in(entry: Json) -> str:
    body = _resource(entry)
    if body.get("resourceType") == "OperationOutcome" or "id" not in body:
        return ""
    return f"{body.get('resourceType')}/{body['id']}"
