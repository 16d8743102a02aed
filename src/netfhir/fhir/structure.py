"""The shape of a version's resources, compiled from the tables a path at a time, when first seen.

A node is a complex element at a path; it knows the JSON names that may stand in it. An element is
one of those names: a primitive with its test, a node, or the `_name` that carries extensions of a
primitive. Elements are numbered, so that a resource's shape is a tuple of small numbers.
"""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from netfhir.fhir import codes, known_extensions, tables
from netfhir.fhir.invariants import Check, checks_of
from netfhir.fhir.nodes import RESOURCE, Element, Node
from netfhir.fhir.primitives import PRIMITIVES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version

_BACKBONE = {"BackboneElement", "Element"}
_AMOUNTS = {"Age", "Count", "Distance", "Duration"}


class Row(NamedTuple):
    """One type that an element of the table may have."""

    name: str
    """In the table: `value[x]`."""
    json_name: str
    """In JSON: `valueQuantity`."""
    place: str
    """In its structure: `component.value[x]`."""
    types: list[str]
    """The type, then the targets of a Reference or the profile of a datatype."""
    data: Json


class Slot(NamedTuple):
    """What to compile: a path, the structure that describes it, and the place in that."""

    path: str
    structure: str
    place: str = ""
    contexts: frozenset[str] = frozenset()
    """What an extension's definition may call this element: its type, its definition's path."""


class Structure:
    """Compiles nodes from the tables; cheap until the first resource comes."""

    def __init__(self, version: Version) -> None:
        """Start numbering the elements at 1."""
        self.version = version
        self._numbers = itertools.count(1)
        self._resources: dict[tuple[str, str], Node] = {}

    @cached_property
    def _table(self) -> Json:
        return tables.read(self.version, "structure")

    @cached_property
    def _places(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """Map each structure and place to the names and places right below it."""
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for structure, table in self._table.items():
            for place in table["elements"]:
                above, _, name = place.rpartition(".")
                found.setdefault((structure, above), []).append((name, place))
        return found

    def knows(self, resource_type: object) -> bool:
        """Say whether the tables have this resource type."""
        known = self._table.get(resource_type) if isinstance(resource_type, str) else None
        return known is not None and known["kind"] == "resource"

    def resource(self, resource_type: str, path: str = "") -> Node:
        """Return the node of a resource type at a path, by default its own name."""
        key = (path or resource_type, resource_type)
        if key not in self._resources:
            contexts = frozenset({resource_type, "DomainResource", "Resource"})
            slot = Slot(key[0], resource_type, contexts=contexts)
            node = self._compile(slot, resource_type)
            for name, type_name in (("resourceType", "code"), ("id", "id")):
                row = Row(name, name, name, [type_name], {})
                node.elements[name] = self._element(slot, row)
            self._resources[key] = node
        return self._resources[key]

    def _compile(self, slot: Slot, type_name: str) -> Node:
        """Return the node of a slot, its children not yet opened."""
        node = Node(slot.path, type_name)
        elements = self._table[slot.structure]["elements"]
        own = elements[slot.place] if slot.place else self._table[slot.structure]
        keys = list(own.get("invariants", []))
        required = []
        for name, place in self._places[slot.structure, slot.place]:
            rows = list(_rows(name, place, elements[place]))
            for row in rows:
                self._add(node, slot, row)
            if elements[place].get("min"):
                required.append((name, _satisfying(rows, node)))
            if rows[0].types[0] in PRIMITIVES:
                keys += elements[place].get("invariants", [])
        node.required = tuple(required)
        node.checks = self._asked(node, keys)
        return node

    def _add(self, node: Node, slot: Slot, row: Row) -> None:
        element = self._element(slot, row)
        node.elements[row.json_name] = element
        if element.test is not None:
            node.elements[f"_{row.json_name}"] = Element(
                next(self._numbers),
                element.path,
                "Element",
                element.is_list,
                choice=element.choice,
                compiles=lambda: self._compile(
                    Slot(element.path, "Element", contexts=_contexts(slot, row)), "Element"
                ),
            )

    def _element(self, slot: Slot, row: Row) -> Element:
        type_name, data = row.types[0], row.data
        element = Element(
            next(self._numbers),
            f"{slot.path}.{row.json_name}",
            type_name,
            is_list=data.get("max", "1") != "1",
            choice=f"{row.name} {type_name}" if row.name.endswith("[x]") else "",
        )
        if type_name in PRIMITIVES:
            self._make_primitive(element, slot, row)
        elif type_name != RESOURCE:
            element.compiles = lambda: self._child(element.path, slot, row)
        return element

    def _child(self, path: str, slot: Slot, row: Row) -> Node:
        """Return the node below an element: of a backbone, a datatype or another element."""
        type_name, contexts = row.types[0], _contexts(slot, row)
        if "same" in row.data:
            structure, _, place = row.data["same"].partition(".")
            return self._compile(Slot(path, structure, place, contexts), "BackboneElement")
        if type_name in _BACKBONE and (slot.structure, row.place) in self._places:
            return self._compile(Slot(path, slot.structure, row.place, contexts), type_name)
        if type_name == "Reference":
            node = self._compile(Slot(path, type_name, contexts=contexts), type_name)
            node.targets = frozenset(row.types[1:]) - {RESOURCE}
            return node
        if type_name == "CodeableReference":
            return self._codeable_reference(Slot(path, type_name, contexts=contexts), row)
        node = self._compile(Slot(path, row.types[-1], contexts=contexts), type_name)
        own = [key for key in row.data.get("invariants", []) if key not in self._keys(type_name)]
        node.checks += self._asked(node, own)
        if type_name == "Extension":
            node.checks += known_extensions.checks(self.version, slot.contexts, slot.structure)
        if "binding" in row.data:
            node.checks += (self._bound(type_name, row.data["binding"]),)
        return node

    def _codeable_reference(self, slot: Slot, row: Row) -> Node:
        """Return the node of a CodeableReference, whose reference has the row's targets."""
        node = self._compile(slot, row.types[0])
        link = node.elements["reference"]
        target = Row("reference", "reference", "reference", ["Reference", *row.types[1:]], {})
        link.compiles = lambda: self._child(link.path, slot, target)
        return node

    def _make_primitive(self, element: Element, slot: Slot, row: Row) -> None:
        primitive = PRIMITIVES[element.type_name]
        element.kinds, element.test = primitive.kinds, primitive.test
        element.rule, element.expected = element.type_name, primitive.expected
        if row.json_name == "resourceType":
            element.test = frozenset({slot.structure}).__contains__
        elif "binding" in row.data:
            bound = codes.value_set(self.version, row.data["binding"])
            element.test = bound.code_test()
            element.rule, element.expected = "required-binding", f"a code of {bound.url}"

    def _bound(self, type_name: str, url: str) -> Check:
        bound = codes.value_set(self.version, url)
        holds = bound.has_concept if type_name == "CodeableConcept" else bound.has_coding
        return Check("required-binding", holds, f"a code of {url}")

    def _keys(self, structure: str) -> list[str]:
        found: list[str] = self._table[structure]["invariants"]
        return found

    def _asked(self, node: Node, keys: list[str]) -> tuple[Check, ...]:
        """Hang each invariant on the names that make it matter; return those asked always."""
        always: list[Check] = []
        for check in checks_of(self.version, keys, node.type_name):
            if not check.when:
                always.append(check)
            for name, element in node.elements.items():
                known_as = element.choice.partition(" ")[0] or name.removeprefix("_")
                if known_as in check.when:
                    element.checks += (check,)
        return tuple(always)


def _rows(name: str, place: str, data: Json) -> Iterator[Row]:
    if "same" in data:
        yield Row(name, name, place, ["BackboneElement"], data)
    for types in data.get("types", []):
        code = types[0]
        json_name = name.replace("[x]", code[0].upper() + code[1:])
        yield Row(name, json_name, place, types, data)


def _satisfying(rows: list[Row], node: Node) -> frozenset[str]:
    """Return the names that a required element may stand under.

    An extension in place of a code does not satisfy a required binding.
    """
    names = {row.json_name for row in rows}
    if "binding" not in rows[0].data:
        names |= {f"_{name}" for name in names}
    return frozenset(names & node.elements.keys())


def _contexts(slot: Slot, row: Row) -> frozenset[str]:
    type_name = row.types[0]
    path = f"{slot.structure}.{row.place}"
    names = {type_name, path, path.removesuffix("[x]"), row.data.get("same", "")}
    return frozenset(names | {"Quantity"} if type_name in _AMOUNTS else names)
