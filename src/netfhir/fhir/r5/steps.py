"""How one R4 element is carried into R5: small functions that return the R5 elements it becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from netfhir.fhir.canonical import Json

Turn: TypeAlias = "Callable[[Any], Json]"
"""Takes the value of an R4 element, whose children are R5 already; returns R5 elements by name."""


class Renamed(str):
    """An R5 name, of an element whose value stays; `occurence[x]` for all types of a choice."""

    __slots__ = ()


class Day(str):
    """An R5 name, of a date that R4 gives as a dateTime: the time of day has no place in it."""

    __slots__ = ()


class Inside(NamedTuple):
    """Where R5 has the element: a part of an object that R4 does not have."""

    name: str
    part: str


Step: TypeAlias = "Renamed | Day | Inside | Turn"


def _items(value: Any) -> list[Any]:  # noqa: ANN401 - any FHIR element
    return value if isinstance(value, list) else [value]


def listed(name: str) -> Turn:
    """Return the step of an element that R5 repeats."""
    return lambda value: {name: _items(value)}


def each(name: str, part: str) -> Turn:
    """Return the step of elements that R5 wraps, one by one, in an object with one part."""
    return lambda value: {name: [{part: item} for item in _items(value)]}


def one(name: str, part: str) -> Turn:
    """Return the step of one value that becomes a CodeableReference (`concept`, `reference`)."""
    return lambda value: {name: {part: value}}


def concepts(name: str) -> Turn:
    """Return the step of CodeableConcepts that become CodeableReferences."""
    return each(name, "concept")


def links(name: str) -> Turn:
    """Return the step of References that become CodeableReferences."""
    return each(name, "reference")


def coded(name: str, codes: dict[Any, str]) -> Turn:
    """Return the step of a code that R5 calls otherwise; KeyError for one that R5 has not."""
    return lambda value: {name: codes[value]}


def concept_of(name: str) -> Turn:
    """Return the step of Codings that become CodeableConcepts, listed if they were or not."""

    def turn(value: Any) -> Json:  # noqa: ANN401 - a Coding or a list of them
        if isinstance(value, list):
            return {name: [{"coding": [coding]} for coding in value]}
        return {name: {"coding": [value]}}

    return turn
