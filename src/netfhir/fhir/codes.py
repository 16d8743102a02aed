"""Codes the gate can judge: HL7's own code systems, required value sets, UCUM by its grammar.

A code of a system that is not in the tables (LOINC, SNOMED CT, NCIt, a local one) is not judged
here: `netfhir.terminology` vouches for those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, cast

from netfhir.fhir import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version

UCUM = "http://unitsofmeasure.org"

#: UCUM has no powers of plain numbers, and its parser lets `10-3` through.
_POWER_OF_FACTOR = re.compile(r"(?:^|[./(])[0-9]+[+-]")
_ANNOTATION = re.compile(r"\{[^}]*\}")
_SYNTAX = {
    "any": r"\S.*",
    "mime": r"[A-Za-z0-9.+*-]+/[A-Za-z0-9.+*-]+(?:\s*;.*)?|[A-Za-z]+",
    "language": r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*",
    "currency": r"[A-Z]{3}",
}


@cache
def systems(version: Version) -> Mapping[str, frozenset[str]]:
    """Return the codes of each code system that the version's tables have whole."""
    listed = tables.read(version, "codes")["systems"]
    return {url: frozenset(rows) for url, rows in listed.items()}


@cache
def resource_types(version: Version) -> frozenset[str]:
    """Return the names of the version's resource types."""
    return frozenset(tables.read(version, "codes")["resources"])


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A value set with a required binding: for each system, a test of its codes."""

    url: str
    members: Mapping[str, Callable[[str], object]]

    def has_code(self, code: str) -> bool:
        """Say whether a bare `code` is a member, whatever its system."""
        return any(test(code) for test in self.members.values())

    def has_coding(self, coding: Json) -> bool:
        """Say whether a Coding, or the unit of a Quantity, is a member."""
        test = self.members.get(coding.get("system", ""))
        return test is not None and bool(test(coding.get("code", "")))

    def has_concept(self, concept: Json) -> bool:
        """Say whether a CodeableConcept has a coding that is a member."""
        return any(self.has_coding(coding) for coding in concept.get("coding", ()))

    def code_test(self) -> Callable[[object], object]:
        """Return the quickest test of a bare `code`."""
        if len(self.members) == 1:
            return cast("Callable[[object], object]", next(iter(self.members.values())))
        return cast("Callable[[object], object]", self.has_code)


def _member_test(
    version: Version, system: str, rows: Iterable[str] | None
) -> Callable[[str], object]:
    if rows == "ucum":
        return is_ucum
    if isinstance(rows, str):
        return re.compile(_SYNTAX[rows]).fullmatch
    return (systems(version)[system] if rows is None else frozenset(rows)).__contains__


@cache
def value_set(version: Version, url: str) -> ValueSet:
    """Return the value set of a required binding."""
    listed = tables.read(version, "codes")["required"][url]
    members = {system: _member_test(version, system, rows) for system, rows in listed.items()}
    return ValueSet(url, members)


def is_known(version: Version, coding: Json) -> bool:
    """Say whether a code can be: true wherever the tables do not have its (absolute) system."""
    system, code = coding.get("system"), coding.get("code")
    if system is None or code is None:
        return True
    if system == UCUM:
        return is_ucum(code)
    listed = systems(version).get(system)
    return code in listed if listed is not None else _is_absolute(system)


def known_coding(version: Version) -> Callable[[Json], bool]:
    """Return the same test of a Coding, which names a code of HL7's if it names HL7's system."""

    def holds(coding: Json) -> bool:
        if "code" in coding:
            return is_known(version, coding)
        return coding.get("system") not in systems(version)

    return holds


def known_unit(version: Version) -> Callable[[Json], bool]:
    """Return the same test of a Quantity; of the specification's systems it has those listed."""

    def holds(quantity: Json) -> bool:
        system = quantity.get("system", "")
        is_own = system.startswith("http://hl7.org/fhir/") and system not in systems(version)
        return is_known(version, quantity) and not is_own

    return holds


@lru_cache(maxsize=1024)
def _is_absolute(system: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", system) is not None


@cache
def _ucum() -> Callable[[str], object]:
    from ucumvert import get_ucum_parser  # noqa: PLC0415 - takes 0.7 s, and only units need it

    return cast("Callable[[str], object]", get_ucum_parser().parse)


@lru_cache(maxsize=4096)
def is_ucum(unit: str) -> bool:
    """Say whether a unit is valid UCUM (case-sensitive form)."""
    if _POWER_OF_FACTOR.search(_ANNOTATION.sub("", unit)):
        return False
    from lark.exceptions import LarkError  # noqa: PLC0415 - comes with ucumvert

    try:
        _ucum()(unit)
    except LarkError:
        return False
    return True
