"""Members of a resource as FHIR shapes them; another shape is an error, never an empty value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from netfhir.screening.days import Days, days

if TYPE_CHECKING:
    from datetime import date

    from netfhir.screening.concept_sets import Code

Json = dict[str, Any]
_PATIENT = re.compile(r"(?:.*/)?Patient/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]+)?\Z")


class ShapeError(ValueError):
    """A member of a resource has another shape than FHIR gives it."""


def patient_of(body: Json, member: str) -> str:
    """Return the id of the patient that a resource refers to, or an empty text."""
    reference = body.get(member)
    text = reference.get("reference") if isinstance(reference, dict) else None
    found = _PATIENT.match(text) if isinstance(text, str) else None
    return found[1] if found else ""


def period(period: Json) -> tuple[Days | None, Days | None]:
    """Return the days of start and end of a Period."""
    found = []
    for name in ("start", "end"):
        interval = days(text(period, name)) if name in period else None
        if name in period and interval is None:
            raise ShapeError(name)
        found.append(interval)
    return found[0], found[1]


def day(body: Json, name: str) -> date | None:
    """Return the first day of a date, if it is one."""
    found = days(text(body, name))
    return found.lo if found else None


def member(body: Json, name: str) -> Json:
    """Return an object, an empty one where there is none."""
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise ShapeError(name)
    return value


def items(body: Json, name: str) -> list[Json]:
    """Return a list of objects, an empty one where there is none."""
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ShapeError(name)
    return value


def text(body: Json, name: str) -> str:
    """Return a text, an empty one where there is none; another scalar is taken by its digits."""
    value = body.get(name, "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise ShapeError(name)
    return value


def codings(body: Json, name: str) -> list[Code]:
    """Return the (system, code) pairs of a CodeableConcept."""
    return [(text(one, "system"), text(one, "code")) for one in items(member(body, name), "coding")]


def list_codings(body: Json, name: str) -> list[Code]:
    """Return the (system, code) pairs of a list of CodeableConcepts."""
    return [
        (text(coding, "system"), text(coding, "code"))
        for one in items(body, name)
        for coding in items(one, "coding")
    ]


def bare_codes(body: Json, name: str) -> set[str]:
    """Return the codes of a CodeableConcept of one required system."""
    return {code for _, code in codings(body, name)} - {""}
