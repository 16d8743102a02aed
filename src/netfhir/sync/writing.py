"""How a row of each strategy is shaped and sent: one row of a table a strategy.

A strategy is a row here, a name in `hospital.profile.Strategy`, and a choice in
`hospital.choosing`.
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
from netfhir.sync.records import Action
from netfhir.sync.references import without_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netfhir.sync.records import Planned


@dataclass(frozen=True, slots=True)
class Writing:
    """One strategy. What is there is always put by its id, over the version that we know."""

    body: Callable[[bytes, str], bytes]
    """The body that is digested, of the staged body and our id."""
    first: Callable[[Planned], dict[str, str]]
    """The request of a bundle's entry that makes the resource."""
    by_identifier: bool
    """Whether the server gives the id, so that the row needs its business identifier as a token."""
    repeatable: bool = True
    """Whether a request that was not answered may be sent again and make nothing twice."""


def _kept(body: bytes, _: str) -> bytes:
    return body


def _put_by_id(item: Planned) -> dict[str, str]:
    request = {"method": "PUT", "url": item.path}
    return {**request, "ifNoneMatch": "*"} if item.create_only else request


def _put_by_condition(item: Planned) -> dict[str, str]:
    return {"method": "PUT", "url": f"{item.resource_type}?{_condition(item)}"}


def _post_by_condition(item: Planned) -> dict[str, str]:
    return {**_post(item), "ifNoneExist": _condition(item)}


def _post(item: Planned) -> dict[str, str]:
    return {"method": "POST", "url": item.resource_type}


def _condition(item: Planned) -> str:
    """Return one parameter of one token: a shape that every server resolves in the same way."""
    system, value = item.token
    return f"identifier={quote(f'{system}|{value}', safe='')}"


WRITING: Mapping[Strategy, Writing] = {
    Strategy.PUT_ID: Writing(_kept, _put_by_id, by_identifier=False),
    Strategy.CONDITIONAL_POST: Writing(without_id, _post_by_condition, by_identifier=True),
    Strategy.CONDITIONAL_PUT: Writing(without_id, _put_by_condition, by_identifier=True),
    Strategy.SEARCH_POST: Writing(without_id, _post, by_identifier=True, repeatable=False),
}


def token_of(body: bytes, system: str, where: str) -> tuple[str, str]:
    """Return the business identifier of a body. Raises StateError if it carries none."""
    for identifier in identifiers_of(orjson.loads(body)):
        if identifier.get("system") == system:
            return system, str(identifier["value"])
    raise StateError("no-identifier", where=where, found="a staged resource without our identifier")


def makes_another(item: Planned) -> bool:
    """Return whether to send the row twice could make two resources."""
    return not item.server_id and not WRITING[item.strategy].repeatable


def bundle_of(items: Sequence[Planned], kind: str) -> bytes:
    """Return a bundle of `kind`, the bodies' bytes spliced in as they are."""
    entries = b",".join(entry_of(item) for item in items)
    return b'{"entry":[%b],"resourceType":"Bundle","type":"%b"}' % (entries, kind.encode())


def entry_of(item: Planned) -> bytes:
    """Return one entry of a bundle."""
    return b'{"request":%b,"resource":%b}' % (to_bytes(request_of(item)), sent(item))


def request_of(item: Planned) -> dict[str, str]:
    """Return what the entry asks for: to make the row, or to put it over the version we know."""
    if not item.server_id or item.action is Action.CREATE:
        return WRITING[item.strategy].first(item)
    request = {"method": "PUT", "url": item.path}
    return {**request, "ifMatch": if_match(item)} if item.version_id else request


def sent(item: Planned) -> bytes:
    """Return the body that is sent: with the id that the server gave, once there is one."""
    if not item.server_id or not WRITING[item.strategy].by_identifier:
        return item.body
    return b'{"id":"%b",%b' % (item.server_id.encode(), item.body[1:])


def if_match(item: Planned) -> str:
    """Return the header that refuses to overwrite another version, empty without one."""
    return f'W/"{item.version_id}"' if item.version_id else ""
