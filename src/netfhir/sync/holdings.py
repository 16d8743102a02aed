"""What the server holds of rows whose fate is open, and what that says of them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from netfhir.fhir.canonical import resource, to_bytes
from netfhir.fhir.identity import identifiers_of
from netfhir.hospital.client import Stored
from netfhir.sync.diff import diff, theirs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.sync.records import Planned


class Reads(Protocol):
    """What reading back needs of a client."""

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        """Read each `Type/id`, in order."""

    def search_identifiers(
        self, resource_type: str, tokens: Sequence[tuple[str, str]], elements: str = ""
    ) -> list[Json]:
        """Return the resources that carry one of these identifiers."""

    def of_patient(self, resource_type: str, among: str) -> list[Json]:
        """Return all resources of a type that a search, `patient=Patient/id`, finds."""

    def all_of_system(self, resource_type: str, system: str) -> list[Json] | None:
        """Return all resources with an identifier of a system; None where they are too many."""


class Finding(StrEnum):
    """What a read says of a row."""

    EQUAL = "equal"
    ABSENT = "absent"
    DELETED = "deleted-on-server"
    LAST_ACKED = "last-acked"
    OTHER = "changed-on-server"
    AMBIGUOUS = "several-on-server"
    ELSEWHERE = "other-id-on-server"


NOTHING = Stored(None)


@dataclass(frozen=True, slots=True)
class Held:
    """What the server holds of a row, and what that says."""

    finding: Finding
    server_id: str = ""
    stored: Stored = NOTHING


def held(client: Reads, items: Sequence[Planned]) -> list[Held]:
    """Read the rows back, in order: by path, or by identifier while the id is not known."""
    by_path = [item for item in items if item.path]
    paths = client.read_many([item.path for item in by_path])
    found = {
        item.key: _held(item, item.server_id, stored)
        for item, stored in zip(by_path, paths, strict=True)
    }
    found |= _searched(client, [item for item in items if not item.path])
    return [found[item.key] for item in items]


def objection(item: Planned, what: Held) -> str:
    """Return why a row is left as the server has it: the finding, and the elements that differ."""
    if what.finding is not Finding.OTHER or what.stored.body is None or not item.body:
        return what.finding.value
    changes = diff(what.stored.body, resource(item.body))
    elements = sorted({re.split(r"[.\[]", change.path)[0] for change in changes})
    return f"{what.finding} ({' '.join(elements)})"


def equal(item: Planned, stored: Json) -> bool:
    """Return whether the server's body says the same as ours, decimals by value."""
    ours = resource(item.body)
    return to_bytes(theirs(stored, ours)) == item.body or not diff(stored, ours)


def _held(item: Planned, server_id: str, stored: Stored) -> Held:
    return Held(_finding(item, stored), server_id, stored)


def _finding(item: Planned, stored: Stored) -> Finding:
    if stored.body is None:
        return Finding.DELETED if stored.deleted else Finding.ABSENT
    if item.body and equal(item, stored.body):
        return Finding.EQUAL
    if item.version_id and stored.version_id == item.version_id:
        return Finding.LAST_ACKED
    return Finding.OTHER


def _searched(client: Reads, items: Sequence[Planned]) -> dict[tuple[str, str], Held]:
    asked: dict[tuple[str, str], list[Planned]] = defaultdict(list)
    for item in items:
        asked[item.resource_type, item.among].append(item)
    found = {}
    for (resource_type, among), rows in asked.items():
        tokens = [row.token for row in rows]
        bodies = (
            client.of_patient(resource_type, among)
            if among
            else client.search_identifiers(resource_type, tokens)
        )
        for row in rows:
            found[row.key] = _matched(row, [b for b in bodies if carries(b, row.token)])
    return found


def carries(body: Json, token: tuple[str, str]) -> bool:
    """Return whether a body carries this identifier."""
    return any((i.get("system"), i.get("value")) == token for i in identifiers_of(body))


def _matched(item: Planned, bodies: list[Json]) -> Held:
    if len(bodies) > 1:
        return Held(Finding.AMBIGUOUS)
    if not bodies:
        return Held(Finding.ABSENT)
    version = str(bodies[0].get("meta", {}).get("versionId", ""))
    return _held(item, str(bodies[0]["id"]), Stored(bodies[0], version))
