"""Invariants of R4's Bundle (hl7.org/fhir/R4/bundle.html); in R5 none is judged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netfhir.fhir import codes
from netfhir.fhir.rules.rule import Rule, any_of, has

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_TYPE_AND_ID = re.compile(r"/([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})$")
_REQUESTS = {"batch", "transaction", "history"}
_RESPONSES = {"batch-response", "transaction-response", "history"}


def _entries(bundle: Json) -> list[Json]:
    found: list[Json] = bundle.get("entry", [])
    return found


def _each(name: str, types: set[str]) -> Rule:
    def holds(bundle: Json) -> bool:
        wanted = bundle.get("type") in types
        return all(has(entry, name) == wanted for entry in _entries(bundle))

    return Rule(holds, ("entry",))


def _first_is(bundle_type: str, resource_type: str) -> Rule:
    def holds(bundle: Json) -> bool:
        if bundle.get("type") != bundle_type:
            return True
        first = next(iter(_entries(bundle)), {})
        return bool(first.get("resource", {}).get("resourceType") == resource_type)

    return Rule(holds)


def _bdl_1(bundle: Json) -> bool:
    return bundle.get("type") in {"searchset", "history"}


def _bdl_2(bundle: Json) -> bool:
    is_search = bundle.get("type") == "searchset"
    return is_search or not any(has(entry, "search") for entry in _entries(bundle))


def _bdl_7(bundle: Json) -> bool:
    if bundle.get("type") == "history":
        return True
    names = [
        (entry["fullUrl"], entry.get("resource", {}).get("meta", {}).get("versionId"))
        for entry in _entries(bundle)
        if "fullUrl" in entry
    ]
    return len(set(names)) == len(names)


def _bdl_9(bundle: Json) -> bool:
    identifier = bundle.get("identifier", {})
    is_named = has(identifier, "system") and has(identifier, "value")
    return bundle.get("type") != "document" or is_named


def _bdl_10(bundle: Json) -> bool:
    return bundle.get("type") != "document" or "timestamp" in bundle


def _full_urls(bundle: Json) -> bool:
    may_lack = bundle.get("type") in _REQUESTS | _RESPONSES
    return may_lack or all("fullUrl" in entry for entry in _entries(bundle))


def _names_its_resource(entry: Json) -> bool:
    """Say whether a URL is absolute and, where it looks like one of a server, ends in Type/id."""
    url, resource = entry["fullUrl"], entry.get("resource", {})
    found = _TYPE_AND_ID.search(url)
    if found is None or found[1] not in codes.resource_types("r4"):
        return _ABSOLUTE.match(url) is not None
    own = (resource.get("resourceType", found[1]), resource.get("id", found[2]))
    return _ABSOLUTE.match(url) is not None and found.groups() == own


RULES: dict[str, Rule] = {
    "entry-url": Rule(_full_urls, ("entry",), ".entry.fullUrl"),
    "full-url": Rule(_names_its_resource, ("fullUrl",), ".fullUrl"),
    "bdl-1": Rule(_bdl_1, ("total",)),
    "bdl-2": Rule(_bdl_2, ("entry",)),
    "bdl-3": _each("request", _REQUESTS),
    "bdl-4": _each("response", _RESPONSES),
    "bdl-5": any_of("resource", "request", "response"),
    "bdl-7": Rule(_bdl_7, ("entry",)),
    "bdl-8": Rule(lambda entry: "/_history/" not in entry.get("fullUrl", ""), ("fullUrl",)),
    "bdl-9": Rule(_bdl_9),
    "bdl-10": Rule(_bdl_10),
    "bdl-11": _first_is("document", "Composition"),
    "bdl-12": _first_is("message", "MessageHeader"),
}
