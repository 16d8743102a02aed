"""What a server cannot take, as it would be sent: for import by other means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.sync.plan import Planner
from netfhir.sync.records import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sync.plan import Remembers, Sorted, Terms


def unsupported(staging: Sorted, ledger: Remembers, terms: Terms) -> Iterator[tuple[str, bytes]]:
    """Yield type and body of each row that a plan calls unsupported, in the plan's order.

    What the server holds is referred to by its id there, what it cannot hold by identifier, and
    so is a patient who was not found.
    """
    planner = Planner(staging, ledger, terms)
    for wave in planner.waves():
        for item in wave:
            if item.action is Action.UNSUPPORTED:
                row = staging.find(item.resource_type, item.id)
                if row is not None:
                    yield item.resource_type, planner.addresses.body(row)
