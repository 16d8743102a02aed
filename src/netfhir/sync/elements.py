"""A resource as elements that have an owner each, and their keyed digests: no value is kept.

A digest is of the value: 7.40 and 7.4 have the same, for servers drop digits. So has a reference
with and without its version, for HAPI 8.8 drops it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from netfhir.sync.element_names import NAMES
from netfhir.sync.ownership import META_SHARED, SERVER_OWN, SHARED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.identity import SiteKey

_DIGEST_BYTES = 8
_OURS, _THEIRS_TOO = b"\x00", b"\x01"
_KEPT = 0x80
_MOST_ITEMS = 0x7F
_NAMED = 0x80
#: Larger integers are written as floats.
_WRITABLE = 2**63
_NAME_BYTES = {name: bytes([_NAMED | place]) for place, name in enumerate(NAMES)}
#: Rows kept at hand: most elements of a trial (codes, units, ranges) are those of other resources.
_REMEMBERED = 4096


class Element(NamedTuple):
    """What the ledger keeps of an element: a digest, or one an item of a shared list."""

    digests: tuple[bytes, ...]
    """Of our value; empty for an element that we never sent."""
    kept: bool = False
    """Whether the server holds the hospital's value in its place, or items of the hospital's."""


Elements = dict[str, Element]
Parts = dict[str, list[Any]]
"""An element's value as a list of one, a shared list's items one by one."""


def parts(body: Json) -> Parts:
    """Return the elements of a body by name; a primitive and its extensions are one element."""
    found: Parts = {}
    for name, value in body.items():
        if name in SERVER_OWN:
            continue
        if name == "meta":
            found |= {f"meta.{kind}": list(value[kind]) for kind in META_SHARED if value.get(kind)}
        elif name in SHARED and isinstance(value, list):
            found[name] = list(value)
        elif name[0] == "_":
            plain = name[1:]
            found[plain] = [{n: body[n] for n in (plain, name) if n in body}]
        elif name not in found:
            found[name] = [{name: value}]
    return found


def joined(found: Parts) -> Json:
    """Return the body of these elements: the way back from `parts`, without the server's own."""
    body: Json = {}
    for name, units in found.items():
        if name.startswith("meta."):
            body.setdefault("meta", {})[name.removeprefix("meta.")] = units
        elif is_shared(name, units):
            body[name] = units
        else:
            body |= units[0]
    return body


def is_shared(name: str, units: Sequence[Any]) -> bool:
    """Return whether the units are the items of a shared list: Procedure's category is no list."""
    if name.startswith("meta."):
        return True
    return name in SHARED and not any(unit.keys() <= {name, f"_{name}"} for unit in units)


def digests(site_key: SiteKey, found: Parts) -> dict[str, tuple[bytes, ...]]:
    """Return the digests of each element, an item's one each."""
    return {
        name: tuple([_digest(site_key, _text(name, unit)) for unit in units])
        for name, units in found.items()
    }


def elements_of(site_key: SiteKey, body: bytes) -> bytes:
    """Return what the ledger keeps of a canonical body of ours that is sent as it is."""
    rows = [_OURS]
    for name, units in parts(orjson.loads(body)).items():
        if len(units) == 1:
            rows.append(_row_of_one(site_key, name, _text(name, units[0])))
        else:
            marks = [_digest(site_key, _text(name, unit)) for unit in units]
            rows.append(_row(name, tuple(marks), 0))
    return b"".join(rows)


def encoded(elements: Mapping[str, Element]) -> bytes:
    """Return the compact form: whether any is kept; name, count with the mark of it, digests.

    A name is its place in `NAMES` with the highest bit set, or its length and its letters.
    """
    rows = [
        _row(name, element.digests, _KEPT if element.kept else 0)
        for name, element in sorted(elements.items())
    ]
    kept = any(element.kept for element in elements.values())
    return (_THEIRS_TOO if kept else _OURS) + b"".join(rows)


def _row(name: str, marks: tuple[bytes, ...], kept: int) -> bytes:
    told = marks if len(marks) <= _MOST_ITEMS else marks[:_MOST_ITEMS]
    return _head(name, kept | len(told)) + b"".join(told)


@lru_cache(maxsize=1024)
def _head(name: str, count: int) -> bytes:
    spelled = _NAME_BYTES.get(name) or b"%c%b" % (len(name), name.encode())
    return b"%b%c" % (spelled, count)


def decoded(blob: bytes) -> Elements:
    """Return the elements of the compact form."""
    found: Elements = {}
    at = 1
    while at < len(blob):
        name, at = _name_at(blob, at)
        kept, count = bool(blob[at] & _KEPT), blob[at] & _MOST_ITEMS
        ends = range(at + 1, at + 1 + count * _DIGEST_BYTES, _DIGEST_BYTES)
        found[name] = Element(tuple(blob[end : end + _DIGEST_BYTES] for end in ends), kept)
        at += 1 + count * _DIGEST_BYTES
    return found


def _name_at(blob: bytes, at: int) -> tuple[str, int]:
    """Return the name that begins here, and where it has ended."""
    first = blob[at]
    if first & _NAMED:
        return NAMES[first ^ _NAMED], at + 1
    end = at + 1 + first
    return blob[at + 1 : end].decode(), end


def holds_theirs(blob: bytes | None) -> bool:
    """Return whether the server held anything of the hospital's when the row was acknowledged."""
    return blob is not None and blob.startswith(_THEIRS_TOO)


def landed(sent: bytes, stored: Json, site_key: SiteKey) -> bool:
    """Return whether a stored body has every element as it was sent, whatever else it has."""
    return not missing_elements(sent, stored, site_key)


def missing_elements(sent: bytes, stored: Json, site_key: SiteKey) -> tuple[str, ...]:
    """Return the elements that a stored body has not as they were sent."""
    held = digests(site_key, parts(stored))
    return tuple(
        name
        for name, element in decoded(sent).items()
        if not element.kept and not set(element.digests) <= set(held.get(name, ()))
    )


@lru_cache(maxsize=16)
def _keyed(site_key: SiteKey) -> hashlib.blake2b:
    """Return a keyed hash to copy: the key, of any length, is taken in once."""
    key = hashlib.sha256(site_key).digest()
    return hashlib.blake2b(key=key, digest_size=_DIGEST_BYTES)


def _text(name: str, unit: object) -> bytes:
    return orjson.dumps([name, unit], default=float, option=orjson.OPT_SORT_KEYS)


def _digest(site_key: SiteKey, text: bytes) -> bytes:
    if b".0" in text or b"/_history/" in text:
        text = orjson.dumps(_by_value(orjson.loads(text)), option=orjson.OPT_SORT_KEYS)
    keyed = _keyed(site_key).copy()
    keyed.update(text)
    return keyed.digest()


@lru_cache(maxsize=_REMEMBERED)
def _row_of_one(site_key: SiteKey, name: str, text: bytes) -> bytes:
    return _head(name, 1) + _digest(site_key, text)


def _by_value(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value with each number in the one form of its value, references unversioned."""
    kind = type(value)
    if kind is dict:
        plain = {name: _by_value(inner) for name, inner in value.items()}
        if isinstance(reference := plain.get("reference"), str):
            plain["reference"] = reference.partition("/_history/")[0]
        return plain
    if kind is list:
        return [_by_value(inner) for inner in value]
    if kind is float:
        return int(value) if value.is_integer() and abs(value) < _WRITABLE else value
    return value
