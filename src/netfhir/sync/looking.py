"""What a server holds of rows: looked at before a first write, and after a lost answer.

A server that holds little under our identifier system is asked once a type, not once a row.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netfhir.fhir.identity import identifiers_of
from netfhir.sync.holdings import Finding, Held, Reads, carries, held
from netfhir.sync.records import Action
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
        """Return what is there of the rows that would be created; a row without one is free.

        Raises the ServerErrors of reading.
        """
        new = [item for item in items if item.action is Action.CREATE]
        asked = [item for item in new if not self._is_free(item)]
        if not asked:
            return {}
        there = {
            item.key: what
            for item, what in zip(asked, held(self.client, asked), strict=True)
            if what.finding not in _NOTHING_THERE
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


def _is_doubted(item: Planned, what: Held) -> bool:
    return what.finding is Finding.ABSENT and makes_another(item)


def _named(bodies: Collection[Json]) -> frozenset[str]:
    values = (str(i.get("value")) for body in bodies for i in identifiers_of(body))
    return frozenset(values) | {str(body["id"]) for body in bodies}


def _under_another_id(body: Json, rows: Mapping[tuple[str, str], Planned]) -> Iterable[Planned]:
    return (i for token, i in rows.items() if carries(body, token) and body.get("id") != i.id)
