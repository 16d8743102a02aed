"""One pass over a resource: structure and primitives at once, then the rules of what was met."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netfhir.fhir import references
from netfhir.fhir.findings import Finding
from netfhir.fhir.nodes import RESOURCE, Element, Node
from netfhir.fhir.primitives import PRIMITIVES, kind_words

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.invariants import Check
    from netfhir.fhir.references import Scope
    from netfhir.fhir.structure import Structure

_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")
#: Deeper nesting than any real resource has; servers refuse it too.
_DEEPEST = 60


class Walk:
    """The pass: what was found, the shape seen, and what is still to be asked."""

    __slots__ = (
        *("_checks", "_depth", "_fragments", "_links", "_scope", "_structure", "findings", "shape"),
    )

    def __init__(self, structure: Structure) -> None:
        """Start with nothing found."""
        self.findings: list[Finding] = []
        self.shape: list[int] = []
        self._structure = structure
        self._checks: list[tuple[Node, tuple[Check, ...], Json]] = []
        self._fragments: list[tuple[Element, str, Scope]] = []
        self._links: list[tuple[Node, Json, Scope]] = []
        self._depth = 0
        self._scope = references.Scope("", structure.version)

    def run(self, body: object) -> None:
        """Walk a whole resource. Rules are asked only if its structure holds."""
        self._resource(body, "", is_root=True)
        if not self.findings:
            self._ask()

    def _ask(self) -> None:
        for asked, checks, value in self._checks:
            for check in checks:
                if not check.holds(value):
                    self._found(check.rule, asked.path + check.at, check.expected)
        for node, value, scope in self._links:
            finding = references.fault(node, value, scope)
            if finding is not None:
                self.findings.append(finding)
        for element, name, scope in self._fragments:
            if name not in scope.contained:
                self._found("canonical", element.path, "the id of a contained resource")

    def _found(self, rule: str, path: str, expected: str) -> None:
        self.findings.append(Finding(rule, path, expected))

    def _resource(self, value: object, path: str, *, is_root: bool) -> None:
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not self._structure.knows(kind):
            where = path or "resourceType"
            self._found("resource-type", where, "a resource of a type that the gate knows")
            return
        around = self._scope
        if is_root:
            self._scope = references.scope_of(value, around)
        self._object(self._structure.resource(str(kind), path), value)
        self._scope = around

    def _object(self, node: Node, value: object) -> None:
        if type(value) is not dict:
            self._found("json-kind", node.path, "an object")
            return
        elements, shape, checks = node.elements, self.shape, node.checks
        choices: list[str] | None = None
        for name, item in value.items():
            element = elements.get(name)
            if element is None:
                self._unknown(node, name)
                continue
            if element.is_list:
                self._list(element, item, value, name)
            elif element.test is None:
                shape.append(element.number)
                self._complex(element, item)
            elif type(item) in element.kinds and element.test(item):
                shape.append(element.number)
            else:
                self._refuse(element, item)
            if element.checks:
                checks += element.checks
            if element.choice:
                choices = [*(choices or ()), element.choice]
        self._close(node, value, choices)
        if checks:
            self._checks.append((node, checks, value))

    def _close(self, node: Node, value: Json, choices: list[str] | None) -> None:
        """Look at what the object as a whole must have."""
        for name, names in node.required:
            if names.isdisjoint(value):
                self._found("missing-element", f"{node.path}.{name}", "the element is required")
        if choices is not None and len(choices) > 1 and len(set(choices)) > 1:
            self._count_choices(node, set(choices))
        if not value or (len(value) == 1 and "id" in value and "resourceType" not in node.elements):
            self._found("ele-1", node.path, "a value or children")
        if node.type_name == "Reference":
            self._links.append((node, value, self._scope))

    def _count_choices(self, node: Node, choices: set[str]) -> None:
        names = [choice.partition(" ")[0] for choice in choices]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._found("choice", f"{node.path}.{name}", "one type of the choice")

    def _complex(self, element: Element, item: object) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._found("too-deep", element.path, f"at most {_DEEPEST} levels")
        elif element.type_name == RESOURCE:
            is_entry = not element.path.endswith(".contained")
            self._resource(item, element.path, is_root=is_entry)
        else:
            self._object(element.opened or element.node(), item)
        self._depth -= 1

    def _list(self, element: Element, items: object, parent: Json, name: str) -> None:
        if type(items) is not list:
            self._found("json-kind", element.path, "an array")
            return
        if not items:
            self._found("empty-array", element.path, "at least one item, or no element")
        for place, item in enumerate(items):
            self.shape.append(element.number)
            if item is None and _has_twin(parent, name, place):
                self.shape.append(0)
            elif element.test is None:
                self._complex(element, item)
            elif not (type(item) in element.kinds and element.test(item)):
                self._refuse(element, item)

    def _unknown(self, node: Node, name: object) -> None:
        shown = name if isinstance(name, str) and _NAME.fullmatch(name) else "?"
        self._found("unknown-element", f"{node.path}.{shown}", f"an element of {node.type_name}")

    def _refuse(self, element: Element, item: object) -> None:
        """Say why a primitive is refused: its kind, its emptiness, or its value."""
        if item is None:
            self._found("null", element.path, "a value, or no element")
        elif element.type_name == "canonical" and type(item) is str and item.startswith("#"):
            self.shape.append(element.number)
            self._fragments.append((element, item[1:], self._scope))
        elif type(item) not in element.kinds:
            self._found("json-kind", element.path, kind_words(element.kinds))
        elif item == "":
            self._found("empty-string", element.path, PRIMITIVES[element.type_name].expected)
        else:
            self._found(element.rule, element.path, element.expected)


def _has_twin(parent: Json, name: str, place: int) -> bool:
    """Say whether the same place of the other array, `name` or `_name`, has something."""
    twin = parent.get(name[1:] if name.startswith("_") else f"_{name}")
    return isinstance(twin, list) and place < len(twin) and twin[place] is not None
