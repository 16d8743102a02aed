"""Patients that the hospital merged: which record stands in the place of another.

Source: hl7.org/fhir/R4/patient.html#links: `replaced-by` names the record to use instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.client import Stored

_LITERAL = re.compile(r"Patient/([A-Za-z0-9.-]{1,64})")


class Survivor(NamedTuple):
    """The record at the end of a chain of merges; no id where the chain leads nowhere."""

    patient_id: str
    active: bool


class Reads(Protocol):
    """What following needs of a client."""

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        """Read each `Type/id`, in order."""


def survivors(client: Reads, patients: Mapping[str, Json]) -> dict[str, Survivor]:
    """Return the surviving record of each Patient, reading those that are named on the way."""
    known: dict[str, Json | None] = dict(patients)
    while unread := sorted(_named(known.values()) - known.keys()):
        stored = client.read_many([f"Patient/{patient_id}" for patient_id in unread])
        known |= {name: what.body for name, what in zip(unread, stored, strict=True)}
    return {patient_id: _end(patient_id, known) for patient_id in patients}


def _end(patient_id: str, known: Mapping[str, Json | None]) -> Survivor:
    seen: set[str] = set()
    while patient_id not in seen:
        seen.add(patient_id)
        body = known.get(patient_id)
        if body is None:
            break
        following = _replacements(body)
        if not following:
            return Survivor(patient_id, body.get("active") is not False)
        if len(following) > 1:
            break
        patient_id = following[0]
    return Survivor("", active=False)


def _named(patients: Iterable[Json | None]) -> set[str]:
    return {name for body in patients if body for name in _replacements(body) if name}


def _replacements(body: Json) -> list[str]:
    """Return the ids of the records in this one's place; "" for one that is not of this server."""
    references = {
        str(link.get("other", {}).get("reference", ""))
        for link in body.get("link", [])
        if link.get("type") == "replaced-by"
    }
    found = (_LITERAL.fullmatch(reference) for reference in sorted(references))
    return [match[1] if match else "" for match in found]
