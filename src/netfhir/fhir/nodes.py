"""What the tables compile to: nodes, which are complex elements, and the names in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from netfhir.fhir.invariants import Check
    from netfhir.fhir.primitives import Test

#: The type of the names that hold whole resources; their node is chosen by resourceType.
RESOURCE = "Resource"


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
    """The rule that a value breaks which fails the test, and what it expects."""
    expected: str = ""
    choice: str = ""
    """The `value[x]` it is one of: two types of one choice are a fault."""
    checks: tuple[Check, ...] = ()
    """What is asked of the node when this name is present."""
    compiles: Callable[[], Node] | None = None
    opened: Node | None = None

    def node(self) -> Node:
        """Return the node of a complex element, compiled when first asked for."""
        if self.opened is None:
            if self.compiles is None:
                raise LookupError(self.path)
            self.opened = self.compiles()
        return self.opened


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
