"""A row at which a server fails that is otherwise well: how it is told, and when it is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.sync.dead import EXHAUSTED
from netfhir.sync.records import Outcome, settled

if TYPE_CHECKING:
    from netfhir.errors import TemporaryError
    from netfhir.sync.records import Planned, Settled

#: Tries of a part of a bundle that failed as a whole.
PART_ATTEMPTS = 2
#: Runs in which a server may fail at one and the same content.
MOST_RUNS = 5
#: Not 503, 429 or silence: these tell of the server, not of what it was sent.
_TROUBLE = ("http-500", "http-502", "http-504")


def may_be_a_row(error: TemporaryError) -> bool:
    """Return whether a server may fail so at one row, being well otherwise."""
    return (error.found if error.code == "entries" else error.code).startswith(_TROUBLE)


def failing(item: Planned, error: TemporaryError) -> Settled:
    """Return what becomes of such a row: unknown; with too many runs behind it, dead."""
    reason = error.found or error.code
    if item.attempts + 1 >= MOST_RUNS:
        return settled(item, Outcome.DEAD, reason=f"{EXHAUSTED} ({reason})")
    return settled(item, Outcome.UNKNOWN, reason=reason)
