"""Which differences between a resource and our body are the hospital's doing; writes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from netfhir.sync.elements import decoded
from netfhir.sync.reconciling import merged_with

if TYPE_CHECKING:
    from netfhir.fhir.identity import SiteKey
    from netfhir.hospital.client import Stored
    from netfhir.sync.records import Planned


class Hospitals(NamedTuple):
    """Names of elements."""

    changed: frozenset[str]
    """Ours once, and changed there since."""
    added: frozenset[str]
    """Never ours, or a list that has items of the hospital's beside ours."""


def hospitals(item: Planned, stored: Stored, site_key: SiteKey) -> Hospitals:
    """Return what the hospital changed and added.

    A change is believed only where the server's version has moved on since we wrote, or where it
    was kept by an earlier update: a server that holds another thing under the version that it
    acknowledged to us has not stored what we sent.
    """
    if stored.body is None:
        return Hospitals(frozenset(), frozenset())
    merged = merged_with(item, stored.body, site_key)
    base = decoded(item.base)
    moved = _is_later(stored.version_id, item.version_id)
    changed = {name for name in merged.kept if moved or (name in base and base[name].kept)}
    stands = {name for name, element in merged.elements.items() if element.kept}
    added = stands - {*merged.kept, *merged.conflicts}
    if any(name.startswith("meta.") for name in added):
        added.add("meta")
    return Hospitals(frozenset(changed), frozenset(added))


def element_at(path: str) -> str:
    """Return the element of a path: `component` of `component[0].code`."""
    steps = re.split(r"[.\[]", path)
    return ".".join(steps[:2]) if steps[0] == "meta" else steps[0].removeprefix("_")


def _is_later(version_id: str, than: str) -> bool:
    """Return whether a version is known to come after another: only numbers tell."""
    return version_id.isdecimal() and than.isdecimal() and int(version_id) > int(than)
