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
def systems() -> Mapping[str, frozenset[str]]:
    """Return the codes of each code system that the tables have whole."""
    listed = tables.read("codes")["systems"]
    return {url: frozenset(rows) for url, rows in listed.items()}


@cache
def resource_types() -> frozenset[str]:
    """Return the names of R4's resource types."""
    return systems()["http://hl7.org/fhir/resource-types"]


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


def _member_test(system: str, rows: Iterable[str] | None) -> Callable[[str], object]:
    if rows == "ucum":
        return is_ucum
    if isinstance(rows, str):
        return re.compile(_SYNTAX[rows]).fullmatch
    return (systems()[system] if rows is None else frozenset(rows)).__contains__


@cache
def value_set(url: str) -> ValueSet:
    """Return the value set of a required binding."""
    listed = tables.read("codes")["required"][url]
    return ValueSet(url, {system: _member_test(system, rows) for system, rows in listed.items()})


def is_known(coding: Json) -> bool:
    """Say whether a code can be: true wherever the tables do not have its (absolute) system."""
    system, code = coding.get("system"), coding.get("code")
    if system is None or code is None:
        return True
    if system == UCUM:
        return is_ucum(code)
    listed = systems().get(system)
    return code in listed if listed is not None else _is_absolute(system)


def is_known_coding(coding: Json) -> bool:
    """Say the same of a Coding, which names a code of HL7's if it names HL7's system."""
    return is_known(coding) if "code" in coding else coding.get("system") not in systems()


def is_known_unit(quantity: Json) -> bool:
    """Say the same of a Quantity, whose system is none of the specification's but those it has."""
    system = quantity.get("system", "")
    is_own = system.startswith("http://hl7.org/fhir/") and system not in systems()
    return is_known(quantity) and not is_own


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
