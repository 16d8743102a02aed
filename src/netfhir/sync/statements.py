"""The ledger's writing statements: an intent, and each outcome.

No parameter has a column's name, or SQLAlchemy would set that column too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, delete, func, update
from sqlalchemy.dialects.sqlite import insert as upsert

from netfhir.sync.records import Outcome, State
from netfhir.sync.schema import RESOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import BindParameter, Delete, Update

#: In place of a digest: no content equals it, so the next plan sends the row.
NO_DIGEST = b""

_STATES = {
    Outcome.ACKNOWLEDGED: State.ACKED,
    Outcome.UNCHANGED: State.ACKED,
    Outcome.DEAD: State.DEAD,
    Outcome.UNKNOWN: State.UNKNOWN,
    Outcome.CONFLICT: State.CONFLICT,
}

#: What the server holds as it was sent.
_HELD = frozenset({State.ACKED, State.RETRACTED})
_SENT = _HELD | {State.DELETED}

_NEW = upsert(RESOURCE)
#: Attempts are counted, and begin, anew with another content; a retry asked for has none.
_SAME = RESOURCE.c.digest_sent.in_([_NEW.excluded.digest_sent, NO_DIGEST])
INTEND = _NEW.on_conflict_do_update(
    index_elements=["resource_type", "id"],
    set_={
        "state": _NEW.excluded.state,
        "digest_sent": _NEW.excluded.digest_sent,
        "attempts": case((_SAME, RESOURCE.c.attempts + 1), else_=1),
        "first_at": case((_SAME, RESOURCE.c.first_at), else_=_NEW.excluded.updated_at),
        "reason": "",
        "where": _NEW.excluded.where,
        "elements_sent": _NEW.excluded.elements_sent,
        "run_id": _NEW.excluded.run_id,
        "updated_at": _NEW.excluded.updated_at,
    },
)


_ROW = (RESOURCE.c.resource_type == bindparam("row_type"), RESOURCE.c.id == bindparam("row_id"))


def _settling(state: State) -> Update:
    values: dict[str, object] = {
        "state": state.value,
        "reason": bindparam("new_reason"),
        "run_id": bindparam("new_run_id"),
        "updated_at": bindparam("new_updated_at"),
    }
    if state in _HELD:
        elements: BindParameter[bytes] = bindparam("new_elements")
        values |= {
            "digest_acked": bindparam("new_digest"),
            "digest_sent": bindparam("new_digest"),
            "elements_acked": func.coalesce(elements, RESOURCE.c.elements_sent),
            "elements_sent": None,
            "server_id": bindparam("new_server_id"),
            "version_id": bindparam("new_version_id"),
        }
    if state in _SENT:
        # The run that sent it stays noted: its origin is what the Provenance tells.
        del values["run_id"]
        provenance: BindParameter[str] = bindparam("new_provenance")
        values["provenance"] = func.coalesce(provenance, RESOURCE.c.provenance)
    if state is State.DELETED:
        values |= {"digest_acked": None, "version_id": "", "elements_acked": None}
    return update(RESOURCE).where(*_ROW).values(values)


#: Never stored: as if the intent had not been.
_UNDO = (
    delete(RESOURCE).where(*_ROW, RESOURCE.c.digest_acked.is_(None)),
    update(RESOURCE)
    .where(*_ROW, RESOURCE.c.digest_acked.is_not(None))
    .values(state=State.ACKED.value, digest_sent=RESOURCE.c.digest_acked, elements_sent=None),
)

SETTLE: Mapping[Outcome | State, Sequence[Update | Delete]] = {
    **{outcome: (_settling(state),) for outcome, state in _STATES.items()},
    State.RETRACTED: (_settling(State.RETRACTED),),
    # What is deleted was as if never sent: it is made anew if the source has it again.
    State.DELETED: (_settling(State.DELETED),),
    Outcome.PENDING: _UNDO,
    Outcome.BLOCKED: _UNDO,
    Outcome.UNSUPPORTED: (),
}
