"""A plan shown before it is carried out: each row, and for updates each element that changes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from netfhir.fhir.canonical import resource
from netfhir.sync.diff import diff
from netfhir.sync.records import WRITES, Action, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netfhir.sync.diff import Change
    from netfhir.sync.holdings import Reads
    from netfhir.sync.plan import Planner
    from netfhir.sync.records import Planned, Summary

_ROWS = 50


@dataclass(frozen=True, slots=True)
class Preview:
    """A planned row; for an update, what would change on the server, its values included."""

    item: Planned
    changes: tuple[Change, ...] = ()
    on_server: bool = True
    """False for an update of what the server no longer holds."""


def preview(planner: Planner, client: Reads, summary: Summary) -> Iterator[Preview]:
    """Yield the whole plan in order and count it; what would be sent is counted as pending.

    Reads from the server only what would be updated.
    """
    rows = (item for wave in planner.waves() for item in wave)
    while chunk := list(islice(rows, _ROWS)):
        for item in chunk:
            summary.plan(item)
            if item.action in WRITES:
                summary.settle(item.resource_type, Outcome.PENDING)
        yield from _shown(chunk, client)


def _shown(chunk: Iterable[Planned], client: Reads) -> Iterator[Preview]:
    updates = [item for item in chunk if item.action is Action.UPDATE and item.path]
    stored = client.read_many([item.path for item in updates]) if updates else []
    bodies = {item.key: what.body for item, what in zip(updates, stored, strict=True)}
    for item in chunk:
        body = bodies.get(item.key)
        if body is not None:
            yield Preview(item, tuple(diff(body, resource(item.body))))
        else:
            yield Preview(item, on_server=item.key not in bodies)
