"""What a rule is, and the two questions that FHIRPath asks most."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netfhir.fhir.canonical import Json


class Rule(NamedTuple):
    """A test of one element, and the names whose presence makes it worth asking."""

    holds: Callable[[Json], bool]
    when: tuple[str, ...] = ()
    at: str = ""
    """The child that a finding names, such as `.code`; none: the element itself."""


def has(value: Json, *names: str) -> bool:
    """Say whether any of the names is there, as a value or with extensions only."""
    return any(name in value or f"_{name}" in value for name in names)


def chosen_name(value: Json, choice: str) -> str:
    """Return the name under which `choice[x]` stands, or ""."""
    return next((name for name in value if name.startswith((choice, f"_{choice}"))), "")


def chosen(value: Json, choice: str) -> object:
    """Return the value of `choice[x]`, or None."""
    return value.get(chosen_name(value, choice))


def has_code(concept: Json, system: str, *codes: str) -> bool:
    """Say whether a CodeableConcept holds one of these codes."""
    found = [row for row in concept.get("coding", ()) if row.get("system") == system]
    return any(row.get("code") in codes for row in found)


def excludes(name: str, *others: str) -> Rule:
    """Return the rule that none of the others stands beside the name."""
    return Rule(lambda value: not has(value, *others), (name,))


def needs(name: str, *others: str) -> Rule:
    """Return the rule that the name stands only beside one of the others."""
    return Rule(lambda value: has(value, *others), (name,))


def any_of(*names: str) -> Rule:
    """Return the rule that one of the names is there."""
    return Rule(lambda value: has(value, *names))


def descendants(value: object) -> Iterator[Json]:
    """Yield every object below and including `value`."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from descendants(item)
    elif isinstance(value, list):
        for item in value:
            yield from descendants(item)
