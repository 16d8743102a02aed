"""Who the patients are, and what they decided about research."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, cast

from netfhir.screening import members
from netfhir.screening.days import days
from netfhir.screening.facts import Consent, Person
from netfhir.screening.shapes import CONSENT_SCOPE

if TYPE_CHECKING:
    from netfhir.screening.members import Json


def person(body: Json) -> Person:
    """Read a Patient; a birth date that is none is left out, a gender likewise."""
    meta = body.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    born = body.get("birthDate")
    interval = days(born) if isinstance(born, str) else None
    gender = body.get("gender")
    return Person(
        id=cast("str", body["id"]),
        version=str(meta.get("versionId", "")),
        updated=str(meta.get("lastUpdated", "")),
        gender=gender if isinstance(gender, str) else "",
        born_lo=interval.lo if interval else None,
        born_hi=interval.hi if interval else None,
        deceased="deceasedDateTime" in body or body.get("deceasedBoolean") is True,
    )


def consent(body: Json) -> Consent | None:
    """Read a Consent to research; None where it is about something else.

    What cannot be read in one that is about research counts as a refusal.
    """
    meta = body.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    found = Consent(
        permit=False,
        decided=date.max,
        start=None,
        end=None,
        id=str(body.get("id", "")),
        version=str(meta.get("versionId", "")),
        updated=str(meta.get("lastUpdated", "")),
    )
    try:
        if CONSENT_SCOPE not in members.codings(body, "scope"):
            return None
        if body.get("status") != "active":
            return replace(found, stands=False)
        provision = members.member(body, "provision")
        start, end = members.period(members.member(provision, "period"))
        return replace(
            found,
            permit=provision.get("type") == "permit",
            decided=members.day(body, "dateTime"),
            start=start.lo if start else None,
            end=end.hi if end else None,
        )
    except members.ShapeError:
        return found
