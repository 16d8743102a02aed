"""The synthetic hospital of the screening tests: patients with known answers, and the protocol."""

from __future__ import annotations

import sys
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netfhir.screening import protocol
from netfhir.screening.facts import Fact, Gap, Record
from netfhir.screening.people import consent, person
from netfhir.screening.reading import Reader
from netfhir.settings import shipped_mappings
from netfhir.trial import declaration

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fixtures.NCT05987176 import overlay  # noqa: E402 - the fixtures are scripts in the checkout

if TYPE_CHECKING:
    from netfhir.screening.protocol import Protocol

TRIAL = "NCT05987176"
AS_OF = date(2026, 5, 4)
SITE = ROOT / "fixtures" / TRIAL / "site"
HOSPITAL = ROOT / "fixtures" / TRIAL / "hospital"

__all__ = ["AS_OF", "HOSPITAL", "ROOT", "SITE", "TRIAL", "asked", "overlay", "reader", "record"]


@cache
def asked(*, covered: bool = False) -> Protocol:
    """Return the screening of the trial, at a site with or without complete sources."""
    folders = [shipped_mappings(), *([SITE] if covered else [])]
    return protocol.load(declaration.load(TRIAL, folders), AS_OF)


@cache
def reader() -> Reader:
    """Return the reader of resources."""
    return Reader(asked().sets, asked().file.unit_spellings)


def record(resources: list[dict[str, Any]]) -> Record:
    """Return the record that the resources of one patient make; the first is the Patient."""
    found = Record(person(resources[0]))
    if "birthDate" in resources[0] and found.person.born_lo is None:
        found.gaps.append(Gap(found.person.id, "Patient", "data-error"))
    for body in resources[1:]:
        if body["resourceType"] == "Consent":
            decision = consent(body)
            found.consents += [decision] if decision else []
            continue
        for item in reader().facts(body, {}):
            if isinstance(item, Fact):
                found.facts.append(item)
            else:
                found.gaps.append(item)
    return found
