"""The parts of an entry of a bundle's reply: status, place and version; judges nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json

_STATUS = re.compile(r"\s*([1-5]\d\d)\b")
_LOCATION = re.compile(
    r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9.-]{1,64}))?$"
)
_ETAG = re.compile(r'(?:W/)?"?([^"]+)"?')


def status_of(response: Json) -> int | None:
    """Return 201 of "201 Created"; None of anything that is no status."""
    found = _STATUS.match(str(response.get("status")))
    return int(found[1]) if found else None


def path_of(location: object) -> str:
    """Return `Type/id` of a location, absolute or relative, with or without its version."""
    found = _LOCATION.search(location) if isinstance(location, str) else None
    return f"{found['type']}/{found['id']}" if found else ""


def agrees(response: Json) -> bool:
    """Return whether ETag and location, where both name a version, name the same one."""
    named = (version_of({name: response.get(name)}) for name in ("etag", "location"))
    return len({version for version in named if version}) < len(("two", "versions"))


def version_of(response: Json, resource: Json | None = None) -> str:
    """Return the version by ETag, else by location, else by the resource's meta; "" without."""
    etag = response.get("etag")
    if isinstance(etag, str) and (found := _ETAG.fullmatch(etag.strip())):
        return found[1]
    location = response.get("location")
    at = _LOCATION.search(location) if isinstance(location, str) else None
    if at and at["version"]:
        return at["version"]
    meta = (resource or {}).get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else ""
