"""The extensions that HL7 itself defines for a version: where each may stand and what value it has.

An extension of anybody else is judged by its structure alone, and by its URL, which is absolute
except inside another extension.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from netfhir.fhir import codes, tables
from netfhir.fhir.invariants import Check
from netfhir.fhir.rules.rule import chosen_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.codes import ValueSet
    from netfhir.fhir.version import Version

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class Part(NamedTuple):
    """An extension inside one of these extensions."""

    least: int
    most: float
    values: frozenset[str]
    """JSON names its value may have; empty for one made of extensions."""


class Known(NamedTuple):
    """What the package says of one extension."""

    contexts: frozenset[str]
    """Empty where any element may have it."""
    values: frozenset[str]
    """JSON names its value may have; empty for an extension made of extensions."""
    bound: ValueSet | None
    parts: Mapping[str, Part]


@cache
def _known(version: Version) -> Mapping[str, Known]:
    rows = tables.read(version, "extensions")
    return {_CORE + name: _entry(version, row) for name, row in rows.items()}


def _names(types: Iterable[str]) -> frozenset[str]:
    return frozenset("value" + name[0].upper() + name[1:] for name in types)


def _part(least: int, most: str, *types: str) -> Part:
    return Part(least, math.inf if most == "*" else int(most), _names(types))


def _entry(version: Version, row: Json) -> Known:
    bound = codes.value_set(version, row["binding"]) if "binding" in row else None
    parts = {url: _part(*part) for url, part in row.get("parts", {}).items()}
    return Known(frozenset(row.get("on", [])), _names(row.get("types", [])), bound, parts)


def _has_value(known: Known, extension: Json) -> bool:
    return _is_of(extension, known.values)


def _has_parts(known: Known, extension: Json) -> bool:
    if not known.parts:
        return True
    inner = extension.get("extension", ())
    count = Counter(part["url"] for part in inner)
    return (
        count.keys() <= known.parts.keys()
        and all(part.least <= count[url] <= part.most for url, part in known.parts.items())
        and all(_is_of(part, known.parts[part["url"]].values) for part in inner)
    )


def _is_of(extension: Json, values: frozenset[str]) -> bool:
    name = chosen_name(extension, "value").removeprefix("_")
    return name in values if name else not values


def _is_member(known: Known, extension: Json) -> bool:
    value = extension.get(chosen_name(extension, "value"))
    if known.bound is None or value is None:
        return True
    if isinstance(value, str):
        return known.bound.has_code(value)
    return known.bound.has_concept(value) if "coding" in value else known.bound.has_coding(value)


def _is_absolute(extension: Json) -> bool:
    return _ABSOLUTE.fullmatch(extension["url"]) is not None


def checks(version: Version, contexts: frozenset[str], structure: str) -> tuple[Check, ...]:
    """Return what to ask of the extensions of an element that is called by these names."""

    def of_known(test: Callable[[Known, Json], bool]) -> Callable[[Json], bool]:
        def holds(extension: Json) -> bool:
            known = _known(version).get(extension["url"])
            return known is None or test(known, extension)

        return holds

    def may_stand(known: Known, _: Json) -> bool:
        return not known.contexts or not known.contexts.isdisjoint(contexts)

    asked = [
        Check("extension-value", of_known(_has_value), "a value of the type that FHIR gives it"),
        Check("extension-parts", of_known(_has_parts), "the extensions inside that FHIR gives it"),
        Check("extension-binding", of_known(_is_member), "a code of the extension's value set"),
    ]
    if structure != "Extension":
        asked += [
            Check(
                "extension-context", of_known(may_stand), "an element that FHIR lets it stand on"
            ),
            Check("extension-url", _is_absolute, "an absolute URL", at=".url"),
        ]
    return tuple(asked)
