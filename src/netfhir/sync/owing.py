"""The ledger's column of Provenance: owed, attached to one in flight, or given.

`CREATE` is owed; `CREATE:id` is owed unless the Provenance of that id is there; `id` is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from netfhir.sync.provenance import TYPE, Owed
from netfhir.sync.records import State
from netfhir.sync.schema import RESOURCE
from netfhir.trial.batch import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from netfhir.sync.records import Key

#: An activity stands first while a Provenance is owed; ids begin with a small letter.
_OWED = RESOURCE.c.provenance.op("GLOB")("[A-Z]*")
_ROWS = 500
_READ = select(
    RESOURCE.c.run_id,
    RESOURCE.c.provenance,
    RESOURCE.c.resource_type,
    RESOURCE.c.id,
    RESOURCE.c.server_id,
    RESOURCE.c.version_id,
    RESOURCE.c.state,
)
#: What was attached to one Provenance stays one batch, so that its id stays the same.
_READ = _READ.where(_OWED).order_by(
    RESOURCE.c.run_id, RESOURCE.c.provenance, RESOURCE.c.resource_type, RESOURCE.c.id
)

#: What is there, or may be: its targets are owed nothing for now.
_OPEN = frozenset({State.IN_FLIGHT.value, State.UNKNOWN.value, State.CONFLICT.value})
_SETTLED = frozenset({State.ACKED.value, State.RETRACTED.value, State.DELETED.value})

MARK = (
    update(RESOURCE)
    .where(RESOURCE.c.resource_type == bindparam("row_type"), RESOURCE.c.id == bindparam("row_id"))
    .values(provenance=bindparam("new_provenance"))
)


def marks(keys: Sequence[Key], text: str) -> list[dict[str, str]]:
    """Return the parameters of MARK for these rows."""
    return [{"row_type": kind, "row_id": name, "new_provenance": text} for kind, name in keys]


def owed(connection: Connection) -> Iterator[Owed]:
    """Yield the rows that a Provenance is owed for; an open row has no version to tell of."""
    there = select(RESOURCE.c.id, RESOURCE.c.state).where(RESOURCE.c.resource_type == TYPE)
    states = {str(name): str(state) for name, state in connection.execute(there)}
    rows = connection.execution_options(yield_per=_ROWS).execute(_READ)
    for run_id, text, kind, name, server_id, version_id, state in rows:
        activity, _, attached = text.partition(":")
        if state in _SETTLED and states.get(attached) not in _OPEN:
            target = Target(kind, server_id, version_id, state == State.DELETED.value)
            yield Owed(run_id, activity, attached, target, (kind, name))
