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


def circles(edges: Iterable[Edge]) -> dict[str, frozenset[str]]:
    """Return, for each type that others need and that needs them in turn, all of that circle."""
    needs: dict[str, set[str]] = {}
    for source, target in edges:
        if source != target:
            needs.setdefault(source, set()).add(target)
    reached = {name: _reached(name, needs) for name in needs}
    return {
        name: frozenset(n for n in reached if name in reached[n] and n in reached[name])
        for name in reached
        if name in reached[name]
    }


def levels(resource_types: Collection[str], edges: Iterable[Edge]) -> dict[str, int]:
    """Return the wave of each type: 0 refers to none of the others, each next one only back.

    Types of one circle share a wave. Types of the hospital's own (not in `resource_types`) and
    self-references count for nothing.
    """
    pairs = [(s, t) for s, t in edges if s in resource_types and t in resource_types]
    round_ = circles(pairs)
    group = {name: round_.get(name, frozenset({name})) for name in resource_types}
    needs: dict[frozenset[str], set[frozenset[str]]] = {one: set() for one in group.values()}
    for source, target in pairs:
        if group[source] != group[target]:
            needs[group[source]].add(group[target])
    found: dict[frozenset[str], int] = {}
    while len(found) < len(needs):
        ready = [one for one in needs if one not in found and needs[one] <= found.keys()]
        level = 1 + max(found.values(), default=-1)
        found |= dict.fromkeys(ready, level)
    return {name: found[one] for name, one in group.items()}


def _reached(start: str, needs: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    left = list(needs.get(start, ()))
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += needs.get(name, ())
    return reached


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
