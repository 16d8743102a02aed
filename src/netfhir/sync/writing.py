"""How a row of each strategy is shaped and sent: one row of a table a strategy.

A strategy is added here and in `hospital.profile.Strategy`, nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from netfhir.errors import StateError
from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.identity import identifiers_of
from netfhir.hospital.profile import Strategy
from netfhir.sync.references import without_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netfhir.sync.records import Planned


@dataclass(frozen=True, slots=True)
class Writing:
    """One strategy."""

    body: Callable[[bytes, str], bytes]
    """The body that is digested, of the staged body and our id."""
    url: Callable[[Planned], str]
    """Where a bundle's entry is put."""
    sent: Callable[[Planned], bytes]
    """The body that is sent."""
    by_identifier: bool
    """Whether the row needs its business identifier as a token."""


def _kept(body: bytes, _: str) -> bytes:
    return body


def _as_digested(item: Planned) -> bytes:
    return item.body


def _with_server_id(item: Planned) -> bytes:
    """Return the body with the id that the server gave, once there is one."""
    if not item.server_id:
        return item.body
    return b'{"id":"%b",%b' % (item.server_id.encode(), item.body[1:])


def _by_path(item: Planned) -> str:
    return item.path


def _by_identifier(item: Planned) -> str:
    """Return the path once it is known, else a condition: one parameter, one token."""
    if item.server_id:
        return item.path
    system, value = item.token
    return f"{item.resource_type}?identifier={quote(f'{system}|{value}', safe='')}"


WRITING: Mapping[Strategy, Writing] = {
    Strategy.PUT_ID: Writing(_kept, _by_path, _as_digested, by_identifier=False),
    Strategy.CONDITIONAL_PUT: Writing(
        without_id, _by_identifier, _with_server_id, by_identifier=True
    ),
}


def token_of(body: bytes, system: str, where: str) -> tuple[str, str]:
    """Return the business identifier of a body. Raises StateError if it carries none."""
    for identifier in identifiers_of(orjson.loads(body)):
        if identifier.get("system") == system:
            return system, str(identifier["value"])
    raise StateError("no-identifier", where=where, found="a staged resource without our identifier")


def bundle_of(items: Sequence[Planned], kind: str) -> bytes:
    """Return a bundle of `kind`, the bodies' bytes spliced in as they are."""
    entries = b",".join(entry_of(item) for item in items)
    return b'{"entry":[%b],"resourceType":"Bundle","type":"%b"}' % (entries, kind.encode())


def entry_of(item: Planned) -> bytes:
    """Return one entry that puts the row, over the version last acknowledged if there is one."""
    writing = WRITING[item.strategy]
    request = {"method": "PUT", "url": writing.url(item)}
    if item.version_id and item.server_id:
        request["ifMatch"] = if_match(item)
    return b'{"request":%b,"resource":%b}' % (to_bytes(request), writing.sent(item))


def if_match(item: Planned) -> str:
    """Return the header that refuses to overwrite another version, empty without one."""
    return f'W/"{item.version_id}"' if item.version_id else ""
