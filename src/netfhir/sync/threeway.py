"""Ours as it was, ours now, theirs now: what is sent so that both sides' changes survive.

Pure: it knows no server and no ledger. Elements are compared by their digests, so that the base
need be no more than those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from netfhir.sync.elements import Element, Elements, Parts, digests, is_shared, joined, parts
from netfhir.sync.ownership import META_OWN, META_SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.identity import SiteKey

_Marks = tuple[bytes, ...]


class Take(StrEnum):
    """Whose element stands where both changed it; a person may decide."""

    NEITHER = ""
    OURS = "ours"
    THEIRS = "theirs"


@dataclass(slots=True)
class Merged:
    """What came of two bodies and their base."""

    parts: Parts = field(default_factory=dict)
    elements: Elements = field(default_factory=dict)
    """What the ledger is to keep once the server holds the merged body, or theirs as it is."""
    kept: list[str] = field(default_factory=list)
    """Elements of ours that the hospital changed, and that stay as it has them."""
    conflicts: list[str] = field(default_factory=list)
    """Elements that both changed, each otherwise."""
    writes: bool = False
    """Whether the merged body differs from theirs."""


@dataclass(frozen=True, slots=True)
class _Three:
    """One element: units and digests of ours and theirs, digests of the base."""

    name: str
    base: _Marks
    ours: _Marks
    theirs: _Marks
    our_units: list[Any]
    their_units: list[Any]


def merge(
    base: Elements, ours: Json, theirs: Json, site_key: SiteKey, take: Take = Take.NEITHER
) -> Merged:
    """Return ours laid over theirs, element by element.

    Only ours changed: ours. Only theirs changed: theirs. Both, to the same: either. Both, each
    otherwise: a conflict, and theirs stands until `take` says whose. What we never sent is theirs.
    """
    merged = Merged()
    for element in _threes(base, ours, theirs, site_key):
        shared = is_shared(element.name, [*element.our_units, *element.their_units])
        chosen = _items(element, take) if shared else _whole(element, take)
        _put(merged, element, chosen)
    merged.kept.sort()
    return merged


def body_of(merged: Merged, theirs: Json) -> Json:
    """Return the resource to send: the merged elements under the server's id."""
    body: Json = {name: theirs[name] for name in ("resourceType", "id") if name in theirs}
    body |= joined(merged.parts)
    meta = {n: v for n, v in theirs.get("meta", {}).items() if n not in {*META_OWN, *META_SHARED}}
    if source := str(meta.pop("source", "")).partition("#")[0]:
        meta["source"] = source
    if meta:
        body["meta"] = {**meta, **body.get("meta", {})}
    return body


@dataclass(frozen=True, slots=True)
class _Chosen:
    units: list[Any]
    kept: bool = False
    """Whether the hospital's stands where ours, or nothing of ours, would."""
    told: bool = False
    """Whether the hospital changed or removed what we sent, not only added to it."""
    conflict: bool = False
    writes: bool = False


def _threes(base: Elements, ours: Json, theirs: Json, site_key: SiteKey) -> Iterator[_Three]:
    our_parts, their_parts = parts(ours), parts(theirs)
    our_marks, their_marks = digests(site_key, our_parts), digests(site_key, their_parts)
    for name in sorted(base.keys() | our_parts.keys() | their_parts.keys()):
        yield _Three(
            name,
            base[name].digests if name in base else (),
            our_marks.get(name, ()),
            their_marks.get(name, ()),
            our_parts.get(name, []),
            their_parts.get(name, []),
        )


def _whole(element: _Three, take: Take) -> _Chosen:
    ours, theirs = element.our_units, element.their_units
    if element.ours == element.theirs:
        return _Chosen(ours)
    sent = bool(element.ours or element.base)
    if (take is Take.OURS and sent) or element.theirs == element.base:
        return _Chosen(ours, writes=True)
    if element.ours == element.base or take is Take.THEIRS:
        return _Chosen(theirs, kept=True, told=sent)
    return _Chosen(theirs, kept=True, conflict=True)


def _items(element: _Three, take: Take) -> _Chosen:
    """Return a shared list item by item: the order is theirs, ours come after."""
    base, ours, theirs = map(frozenset, (element.base, element.ours, element.theirs))
    if take is Take.THEIRS and theirs not in {base, ours}:
        return _Chosen(element.their_units, kept=True, told=bool((base | ours) - theirs))
    dropped_by_us, dropped_by_them = base - ours, base - theirs
    if take is Take.OURS:
        dropped_by_them = frozenset()
    kept_units = [
        unit
        for mark, unit in zip(element.theirs, element.their_units, strict=True)
        if mark not in dropped_by_us
    ]
    new = [
        unit
        for mark, unit in zip(element.ours, element.our_units, strict=True)
        if mark not in theirs and mark not in dropped_by_them
    ]
    kept = bool(theirs - ours - dropped_by_us) or bool(dropped_by_them & ours)
    return _Chosen(
        [*kept_units, *new],
        kept=kept,
        told=kept and bool(dropped_by_them),
        conflict=bool(dropped_by_us & dropped_by_them)
        and bool(ours - base - theirs)
        and bool(theirs - base - ours)
        and take is Take.NEITHER,
        writes=bool(new) or len(kept_units) != len(element.their_units),
    )


def _put(merged: Merged, element: _Three, chosen: _Chosen) -> None:
    if chosen.units:
        merged.parts[element.name] = chosen.units
    if element.ours or chosen.kept:
        merged.elements[element.name] = Element(element.ours, chosen.kept)
    if chosen.conflict:
        merged.conflicts.append(element.name)
    elif chosen.told:
        merged.kept.append(element.name)
    merged.writes |= chosen.writes
