"""References inside canonical bytes: which types point where, and what they become on a server.

Works on the bytes of `fhir.canonical.to_bytes`, where a reference has one spelling: no JSON is
parsed for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netfhir.fhir.canonical import to_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Edge = tuple[str, str]
"""A type that refers, and the type it refers to."""

PATIENT = "Patient"

_LITERAL = re.compile(rb'"reference":"(([A-Z][A-Za-z]*)/[A-Za-z0-9.-]{1,64})"')


def targets(body: bytes) -> set[tuple[str, str]]:
    """Return each literal reference of `body` as (`Type/id`, `Type`), patients left out."""
    found = {(path.decode(), kind.decode()) for path, kind in _LITERAL.findall(body)}
    return {(path, kind) for path, kind in found if kind != PATIENT}


def target_types(body: bytes) -> set[str]:
    """Return the types that `body` refers to, patients left out."""
    return {kind.decode() for _, kind in _LITERAL.findall(body)} - {PATIENT}


def levels(resource_types: Collection[str], edges: Iterable[Edge]) -> dict[str, int]:
    """Return the wave of each type: 0 refers to none of the others, each next one only back.

    Types that need each other share a level; within it their rows are ordered one by one. Types of
    the hospital's own (not in `resource_types`) and self-references count for nothing.
    """
    edges = list(edges)
    needs = _needs(resource_types, edges)
    for circle in circles(resource_types, edges):
        outer = set[str]().union(*(needs[name] for name in circle)) - circle
        needs |= dict.fromkeys(circle, outer)
    found: dict[str, int] = {}
    while len(found) < len(needs):
        ready = [n for n in needs if n not in found and needs[n] <= found.keys()]
        level = 1 + max(found.values(), default=-1)
        found |= dict.fromkeys(ready, level)
    return found


def circles(resource_types: Collection[str], edges: Iterable[Edge]) -> set[frozenset[str]]:
    """Return each set of types that need each other."""
    reach = _needs(resource_types, edges)
    for middle in reach:
        for targets in reach.values():
            if middle in targets:
                targets.update(reach[middle])
    mutual = ({n for n in reach[name] if name in reach[n]} for name in reach)
    return {frozenset(names) for names in mutual if names}


def _needs(resource_types: Collection[str], edges: Iterable[Edge]) -> dict[str, set[str]]:
    needs: dict[str, set[str]] = {name: set() for name in resource_types}
    for source, target in edges:
        if source != target and target in needs and source in needs:
            needs[source].add(target)
    return needs


def placeholder(subject_system: str, subject: str) -> bytes:
    """Return the bytes that stand for a subject's Patient until `plan` knows it."""
    identifier = {"system": subject_system, "value": subject}
    return to_bytes({"identifier": identifier, "type": PATIENT})


def patient_of(body: bytes) -> str:
    """Return the `Patient/id` that `body` refers to, "" without one."""
    found = [path for path, kind in _LITERAL.findall(body) if kind == PATIENT.encode()]
    return found[0].decode() if found else ""


def patient_reference(patient_id: str) -> bytes:
    """Return the reference that takes the placeholder's place."""
    return to_bytes({"reference": f"{PATIENT}/{patient_id}"})


def relocated(body: bytes, server_paths: Mapping[str, str]) -> bytes:
    """Return `body` with references to resources that the server named otherwise rewritten."""
    for path, _ in targets(body):
        there = server_paths.get(path)
        if there is not None:
            body = body.replace(_spelled(path), _spelled(there))
    return body


def logical(body: bytes, path: str, identifier: tuple[str, str]) -> bytes:
    """Return `body` with references to `path` by identifier: of what a server cannot hold.

    `identifier` is system and value of the resource at `path`.
    """
    system, value = identifier
    named = to_bytes({"identifier": {"system": system, "value": value}, "type": _type(path)})
    return body.replace(_spelled(path), named[1:-1])


def without_id(body: bytes, resource_id: str) -> bytes:
    """Return `body` without its own (derived, hence unique) id."""
    return body.replace(b'"id":"%b",' % resource_id.encode(), b"", 1)


def _type(path: str) -> str:
    return path.partition("/")[0]


def _spelled(path: str) -> bytes:
    return b'"reference":"%b"' % path.encode()
