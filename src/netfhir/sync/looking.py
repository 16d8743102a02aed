"""What a server holds of rows: looked at before a first write, and after a lost answer.

A server that holds little under our identifier system is asked once a type, not once a row.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netfhir.fhir.canonical import resource, to_bytes
from netfhir.sync.diff import theirs
from netfhir.sync.holdings import Finding, Held, Reads, carries, held
from netfhir.sync.records import Action, digest_of
from netfhir.sync.writing import makes_another, token_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.sync.plan import Terms
    from netfhir.sync.records import Key, Planned

#: What does not stand in the way of a first write.
_NOTHING_THERE = frozenset({Finding.ABSENT, Finding.DELETED})


@dataclass(slots=True)
class Look:
    """The first look of one run; safe to share among its workers."""

    client: Reads
    terms: Terms
    pause: Callable[[float], object] = time.sleep
    """Waits so many seconds."""
    _held: dict[str, frozenset[str] | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def found(self, items: Sequence[Planned]) -> Mapping[Key, Held]:
        """Return what stands in the way of rows; a row without anything is free.

        Looked at are rows that would be created, and changes of rows without a version, which no
        If-Match could guard. Raises the ServerErrors of reading.
        """
        asked = [item for item in items if _is_new(item) and not self._is_free(item)]
        unguarded = [item for item in items if not _is_new(item) and not item.version_id]
        if not (asked or unguarded):
            return {}
        there = {
            item.key: what
            for item, what in self._read([*asked, *unguarded])
            if what.finding not in _NOTHING_THERE and not self._as_left(item, what)
        }
        return {**self._elsewhere(asked), **there}

    def again(self, items: Sequence[Planned]) -> list[Held]:
        """Return what is there of rows whose fate is open.

        A row that could be made twice is absent only if it is so once more after a delay, in which
        the server may take in what it got. Raises the ServerErrors of reading.
        """
        found = held(self.client, items)
        doubted = [n for n, item in enumerate(items) if _is_doubted(item, found[n])]
        if doubted:
            rows = [items[n] for n in doubted]
            self.pause(max(self.terms.rule(row.resource_type).settle_s for row in rows))
            for n, what in zip(doubted, held(self.client, rows), strict=True):
                found[n] = what
        return found

    def _read(self, items: Sequence[Planned]) -> Iterable[tuple[Planned, Held]]:
        return zip(items, held(self.client, items), strict=True)

    def _as_left(self, item: Planned, what: Held) -> bool:
        """Return whether the server still holds what it acknowledged last."""
        if what.finding is not Finding.OTHER or what.stored.body is None:
            return False
        stored = to_bytes(theirs(what.stored.body, resource(item.body)))
        return digest_of(self.terms.site_key, stored) == item.digest_acked

    def _is_free(self, item: Planned) -> bool:
        """Return whether the server is known to hold neither the row's id nor its identifier.

        A row that could be made twice is always looked for itself, just before it is sent.
        """
        if makes_another(item):
            return False
        names = self._names(item.resource_type)
        if not names:
            return names is not None
        token = token_of(item.body, self.terms.identifier_system, item.where)
        return item.id not in names and token[1] not in names

    def _names(self, resource_type: str) -> frozenset[str] | None:
        """Return the ids and identifiers of all that the server holds of ours of this type.

        Asked before the run's first write of the type; None where it cannot tell, or of so many
        that the rows had better be read.
        """
        with self._lock:
            if resource_type not in self._held:
                searchable = self.terms.rule(resource_type).identifier_search
                system = self.terms.identifier_system
                bodies = self.client.all_of_system(resource_type, system) if searchable else None
                self._held[resource_type] = None if bodies is None else _named(bodies)
            return self._held[resource_type]

    def _elsewhere(self, items: Iterable[Planned]) -> dict[Key, Held]:
        """Return the rows put by our id whose identifier stands under another id."""
        by_type: dict[str, dict[tuple[str, str], Planned]] = {}
        for item in items:
            if item.path and self.terms.rule(item.resource_type).identifier_search:
                token = token_of(item.body, self.terms.identifier_system, item.where)
                by_type.setdefault(item.resource_type, {})[token] = item
        return {
            item.key: Held(Finding.ELSEWHERE)
            for resource_type, rows in by_type.items()
            for body in self.client.search_identifiers(resource_type, list(rows))
            for item in _under_another_id(body, rows)
        }


def _is_new(item: Planned) -> bool:
    return item.action is Action.CREATE


def _is_doubted(item: Planned, what: Held) -> bool:
    return what.finding is Finding.ABSENT and makes_another(item)


def _named(bodies: Collection[Json]) -> frozenset[str]:
    values = (str(i.get("value")) for body in bodies for i in body.get("identifier", []))
    return frozenset(values) | {str(body["id"]) for body in bodies}


def _under_another_id(body: Json, rows: Mapping[tuple[str, str], Planned]) -> Iterable[Planned]:
    return (i for token, i in rows.items() if carries(body, token) and body.get("id") != i.id)
