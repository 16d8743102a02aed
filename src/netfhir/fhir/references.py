"""Where a Reference may point: its form, its target's type, and the contained resources.

Source: hl7.org/fhir/R4/references.html. A literal is `Type/id`, with or without a version, `#id`
of a contained resource, an absolute URL, or the `urn:` that another entry of the Bundle has as
fullUrl. A reference by identifier alone, or by display alone, is legal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netfhir.fhir import codes
from netfhir.fhir.findings import Finding
from netfhir.fhir.primitives import PRIMITIVES

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.nodes import Node
    from netfhir.fhir.version import Version

_TYPED = re.compile(
    r"(?P<base>https?://\S+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})"
    r"(?:/_history/[A-Za-z0-9.-]{1,64})?(?:#\S+)?"
)
_ABSOLUTE = re.compile(r"https?://[^/\s]+/\S+|(?!https?:)[a-z][a-z0-9+.-]*:\S+")
_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?\S+=\S*")
_FORMS = "Type/id, #id of a contained resource, or an absolute URL"


@dataclass(slots=True)
class Scope:
    """What a reference can see: the resource that contains, and the Bundle around it."""

    root_type: str
    version: Version
    contained: dict[str, str] = field(default_factory=dict)
    """Id to type of each contained resource."""
    entries: dict[str, str] = field(default_factory=dict)
    """Full URL to type of each entry of the Bundle."""
    is_transaction: bool = False
    """In a transaction a conditional reference may stand."""


def scope_of(resource: Json, around: Scope) -> Scope:
    """Return what references in a root resource can see."""
    scope = Scope(str(resource.get("resourceType", "")), around.version)
    for inner in _objects(resource.get("contained")):
        scope.contained[str(inner.get("id", ""))] = str(inner.get("resourceType", ""))
    if scope.root_type == "Bundle":
        scope.is_transaction = resource.get("type") == "transaction"
        for entry in _objects(resource.get("entry")):
            body = entry.get("resource")
            kind = body.get("resourceType", "") if isinstance(body, dict) else ""
            scope.entries[str(entry.get("fullUrl", ""))] = str(kind)
    else:
        scope.entries, scope.is_transaction = around.entries, around.is_transaction
    return scope


def _objects(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def fault(node: Node, reference: Json, scope: Scope) -> Finding | None:
    """Return what is wrong with a Reference whose structure holds, or None."""
    said = reference.get("type")
    if said is not None:
        finding = _fault_of_type(node, said.rpartition("/")[2], ".type", scope.version)
        if finding:
            return finding
    literal = reference.get("reference")
    if literal is None:
        return None
    path = node.path + ".reference"
    if literal.startswith("#"):
        return _fault_of_local(node, literal[1:], scope)
    kind = _type_of(literal, scope)
    if kind is None:
        return Finding("reference", path, _FORMS)
    if said is not None and kind and said.rpartition("/")[2] != kind:
        return Finding("reference-target", node.path + ".type", "the type of the literal")
    return _fault_of_type(node, kind, ".reference", scope.version) if kind else None


def _fault_of_local(node: Node, name: str, scope: Scope) -> Finding | None:
    kind = scope.contained.get(name) if name else scope.root_type
    if kind is None:
        return Finding("ref-1", node.path + ".reference", "the id of a contained resource")
    return _fault_of_type(node, kind, ".reference", scope.version)


def _type_of(literal: str, scope: Scope) -> str | None:
    """Return the target's type, "" where the literal does not tell it, None if it is no literal."""
    if literal in scope.entries:
        return scope.entries[literal]
    typed = _TYPED.fullmatch(literal)
    if typed:
        kind = typed["type"]
        return "" if typed["base"] and kind not in codes.resource_types(scope.version) else kind
    conditional = _CONDITIONAL.fullmatch(literal) if scope.is_transaction else None
    if conditional:
        return conditional["type"]
    is_uri = _ABSOLUTE.fullmatch(literal) and PRIMITIVES["uri"].test(literal)
    return "" if is_uri else None


def _fault_of_type(node: Node, kind: str, below: str, version: Version) -> Finding | None:
    if kind not in codes.resource_types(version):
        return Finding("reference", node.path + below, f"a resource type of {version.upper()}")
    if node.targets and kind not in node.targets:
        expected = "a reference to " + " or ".join(sorted(node.targets))
        return Finding("reference-target", node.path + below, expected)
    return None
