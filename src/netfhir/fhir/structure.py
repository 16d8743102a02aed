"""The shape of R4 resources, compiled from the tables one element path at a time, when first seen.

A node is a complex element at a path; it knows the JSON names that may stand in it. An element is
one of those names: a primitive with its test, a node, or the `_name` that carries extensions of a
primitive. Elements are numbered, so that a resource's shape is a tuple of small numbers.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from netfhir.fhir import codes, invariants, tables
from netfhir.fhir.primitives import PRIMITIVES, Test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netfhir.fhir.canonical import Json

_BACKBONE = {"BackboneElement", "Element"}
#: The two names that hold whole resources; the node is chosen by their resourceType.
_RESOURCE = "Resource"


class Check(NamedTuple):
    """A rule of one complex element: holds, or the finding that says which and why."""

    rule: str
    holds: Callable[[Json], bool]
    expected: str
    path: str = ""
    """Below the node, where the finding belongs to a child."""


@dataclass(slots=True, eq=False)
class Element:
    """One JSON name at one path."""

    number: int
    path: str
    type_name: str
    is_list: bool
    kinds: tuple[type, ...] = ()
    test: Test | None = None
    """For a primitive; None for a complex element."""
    rule: str = ""
    expected: str = ""
    choice: str = ""
    """The `value[x]` it is one of, with the type: two of one choice are a fault."""
    checks: tuple[Check, ...] = ()
    """What the node must be asked when this name is present."""
    make_node: Callable[[], Node] | None = None
    _node: Node | None = None

    def node(self) -> Node:
        """Return the node of a complex element, compiled when first asked for."""
        if self._node is None:
            if self.make_node is None:  # pragma: no cover - resources are opened by their type
                raise LookupError(self.path)
            self._node = self.make_node()
        return self._node


@dataclass(slots=True, eq=False)
class Node:
    """A complex element at one path."""

    path: str
    type_name: str
    elements: dict[str, Element] = field(default_factory=dict)
    required: tuple[tuple[str, frozenset[str]], ...] = ()
    """The name of each required element, and the JSON names that satisfy it."""
    checks: tuple[Check, ...] = ()
    """What is asked of every instance."""
    targets: frozenset[str] = frozenset()
    """Of a Reference: the types it may point to; empty stands for any."""
    nested: dict[str, Node] = field(default_factory=dict)
    """The resource types met in `contained` and `entry.resource`."""


class Slot(NamedTuple):
    """Where a row of the table stands: the path above it, the structure and its place in that."""

    path: str
    structure: str
    prefix: str


class Structure:
    """Compiles nodes from the tables; cheap until the first resource comes."""

    def __init__(self) -> None:
        """Number elements from 1."""
        self._numbers = itertools.count(1)
        self._resources: dict[str, Node] = {}

    @cached_property
    def _tables(self) -> Json:
        return tables.read("structure")

    def knows(self, resource_type: object) -> bool:
        """Say whether the tables have this resource type."""
        known = self._tables.get(resource_type) if isinstance(resource_type, str) else None
        return known is not None and known["kind"] == "resource"

    def resource(self, resource_type: str, path: str = "") -> Node:
        """Return the node of a resource type at a path, by default its own."""
        where = path or resource_type
        node = self._resources.get(f"{where}:{resource_type}")
        if node is None:
            node = self._compile(Slot(where, resource_type, ""), resource_type)
            named = frozenset({resource_type})
            node.elements["resourceType"] = self._primitive(
                Row("resourceType", "code", {}), f"{where}.resourceType", named.__contains__
            )
            node.elements["id"] = self._primitive(Row("id", "id", {}), f"{where}.id")
            self._resources[f"{where}:{resource_type}"] = node
        return node

    def _compile(self, slot: Slot, type_name: str, entry: list[str] | None = None) -> Node:
        node = Node(slot.path, type_name)
        table = self._tables[slot.structure]
        keys = list(table["invariants"]) if not slot.prefix else []
        if slot.prefix:
            keys += table["elements"][slot.prefix[:-1]].get("invariants", [])
        always, triggered = _checks(keys)
        if type_name == "Reference" and entry:
            node.targets = frozenset(entry[1:]) - {_RESOURCE}
        for row in self._rows(slot):
            element = self._element(slot, row)
            element.checks = triggered.get(element_name(row), ())
            node.elements[row.name] = element
            if element.test is not None:
                self._shadow(node, row, element)
        node.required = tuple(_required(self._groups(slot), node))
        node.checks = always
        return node

    def _groups(self, slot: Slot) -> Iterator[tuple[str, Json]]:
        for place, data in self._tables[slot.structure]["elements"].items():
            above, _, name = place.rpartition(".")
            if above == slot.prefix[:-1]:
                yield name, data

    def _rows(self, slot: Slot) -> Iterator[Row]:
        for name, data in self._groups(slot):
            if "same" in data:
                yield Row(name, "", data)
            for entry in data.get("types", []):
                yield Row(_json_name(name, entry), entry[0], data, entry, name)

