"""A server that refuses, in two flavours: as the recorded statements of Epic and Oracle say.

Both are `FhirStore`s whose statement is the recorded one, as far as netfhir asks, and which keep to
it: what is not listed is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_store import FhirStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_httpserver import HTTPServer

    from fhir_store import Json


def _type(*interactions: str, searches: tuple[str, ...] = ()) -> Json:
    return {
        "interaction": [{"code": code} for code in interactions],
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalUpdate": False,
        "searchParam": [{"name": name} for name in searches],
    }


_READ = ("read", "search-type")

#: Epic's CapabilityStatement of May 2026, harvested in July 2026: the types that netfhir writes,
#: of those that are on record.
EPIC: dict[str, Json] = {
    "AdverseEvent": _type(*_READ, searches=("study", "subject")),
    "MedicationAdministration": _type(*_READ, searches=("patient", "identifier")),
    "Observation": _type("create", *_READ, "update", searches=("patient", "identifier", "code")),
    "Organization": _type(*_READ),
    "Patient": _type("create", *_READ, searches=("identifier", "family")),
    "Practitioner": _type(*_READ),
    "ResearchStudy": _type(*_READ, searches=("identifier",)),
    "ResearchSubject": _type(*_READ, searches=("identifier", "patient")),
}

#: Oracle Health Millennium's statement and API reference, harvested in August 2026: no research
#: types; Observations are searched by patient, never by identifier; Procedures are not updated.
ORACLE: dict[str, Json] = {
    "MedicationAdministration": _type(*_READ, searches=("patient",)),
    "Observation": _type("create", *_READ, "update", searches=("patient", "subject", "code")),
    "Patient": _type("create", *_READ, "update", searches=("identifier",)),
    "Procedure": _type("create", *_READ, searches=("patient", "subject")),
}


def epic(server: HTTPServer, patients: Iterable[Json]) -> FhirStore:
    """Return a store that answers as Epic: single requests only."""
    return _holding(
        FhirStore(
            server,
            listed=tuple(EPIC),
            software="Epic",
            interactions=(),
            recorded=EPIC,
            counts=False,
        ),
        patients,
    )


def oracle(server: HTTPServer, patients: Iterable[Json]) -> FhirStore:
    """Return a store that answers as Oracle Health: batches, 409 for a stale version."""
    return _holding(
        FhirStore(
            server,
            listed=tuple(ORACLE),
            software="Millennium",
            interactions=("batch",),
            recorded=ORACLE,
            counts=False,
            page=20,
            stale=409,
            refuses=lambda body: 422 if "modifierExtension" in body else 0,
        ),
        patients,
    )


def _holding(store: FhirStore, patients: Iterable[Json]) -> FhirStore:
    store.server.clear()
    store.__post_init__()
    for body in patients:
        store.put(body)
    return store
