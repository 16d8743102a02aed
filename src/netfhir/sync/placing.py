"""Whether a place that a server gave to a row holds the row: a location alone is its word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfhir.sync.holdings import carries
from netfhir.sync.reply import Judged, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netfhir.sync.holdings import Held
    from netfhir.sync.records import Planned

Believed = tuple[list[Judged], list[Judged]]


def believed(read: Callable[[Sequence[Planned]], list[Held]], judged: Sequence[Judged]) -> Believed:
    """Return what is ours where the server said, acknowledged, and what is not, unknown.

    `read` reads rows by their path, in order, and returns nothing at all where it cannot.
    """
    found = read([j.item._replace(server_id=j.server_id) for j in judged])
    ours, others = [], []
    for index, j in enumerate(judged):
        body = found[index].stored.body if found else None
        if body is not None and carries(body, j.item.token):
            ours.append(replace(j, verdict=Verdict.ACKED))
        else:
            others.append(Judged(j.item, Verdict.UNKNOWN, reason="reply-location"))
    return ours, others
