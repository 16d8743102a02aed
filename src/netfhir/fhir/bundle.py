"""Drafts as one collection Bundle, its literal references held by the full URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft

BASE: Final = "https://netfhir.example/fhir"
"""A server that is none: `Type/id` in a reference is then found by the entry's full URL."""


def collection(drafts: Iterable[Draft], base: str = BASE) -> Json:
    """Return a Bundle of type collection, an entry a draft, in their order."""
    entries = [
        {"fullUrl": f"{base}/{draft.resource_type}/{draft.id}", "resource": draft.body}
        for draft in drafts
    ]
    bundle: Json = {"resourceType": "Bundle", "type": "collection"}
    return bundle | {"entry": entries} if entries else bundle
