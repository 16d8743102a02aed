"""A plan shown before it is carried out: each row, and for updates each element that changes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from netfhir.fhir.canonical import resource
from netfhir.sync.diff import diff
from netfhir.sync.reconciling import Reconcile
from netfhir.sync.records import WRITES, Action, Outcome, Planned, Settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netfhir.hospital.client import Stored
    from netfhir.sync.diff import Change
    from netfhir.sync.holdings import Reads
    from netfhir.sync.plan import Planner
    from netfhir.sync.records import Summary

_ROWS = 50


@dataclass(frozen=True, slots=True)
class Preview:
    """A planned row; for an update, what would change on the server, its values included."""

    item: Planned
    changes: tuple[Change, ...] = ()
    kept: tuple[str, ...] = ()
    """Elements that stay as the hospital changed them."""
    conflict: str = ""
    """Why an update would be left to a person; it names elements, no values."""
    on_server: bool = True
    """False for an update of what the server no longer holds."""


def preview(planner: Planner, client: Reads, summary: Summary) -> Iterator[Preview]:
    """Yield the whole plan in order and count it; what would be sent is counted as pending.

    Reads from the server only what would be updated.
    """
    rows = (item for wave in planner.waves() for item in wave)
    reconcile = Reconcile(client, planner.terms)
    while chunk := list(islice(rows, _ROWS)):
        for found in _shown(chunk, reconcile):
            summary.plan(found.item)
            if found.item.action in WRITES:
                outcome = Outcome.CONFLICT if found.conflict else Outcome.PENDING
                summary.settle(found.item.resource_type, outcome, found.conflict)
                summary.keep(found.item.resource_type, found.kept)
            yield found


def _shown(chunk: Iterable[Planned], reconcile: Reconcile) -> Iterator[Preview]:
    updates = [item for item in chunk if item.action is Action.UPDATE and item.path]
    paths = [item.path for item in updates]
    stored = reconcile.client.read_many(paths) if updates else []
    bodies = {item.key: what for item, what in zip(updates, stored, strict=True)}
    for item in chunk:
        what = bodies.get(item.key)
        yield Preview(item) if what is None else _compared(item, what, reconcile)


def _compared(item: Planned, stored: Stored, reconcile: Reconcile) -> Preview:
    there = stored.body is not None
    became = reconcile.judged(item, stored)
    if isinstance(became, Settled):
        conflict = became.reason if became.outcome is Outcome.CONFLICT else ""
        return Preview(item, kept=became.kept, conflict=conflict, on_server=there)
    if stored.body is None:
        return Preview(item, on_server=False)
    changes = tuple(diff(stored.body, resource(became.body)))
    return Preview(item, changes, became.kept)
