"""Dead letters: rows that the server refused for good, until a person or the source decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, update

from netfhir.errors import StateError
from netfhir.sync import schema
from netfhir.sync.records import State
from netfhir.sync.schema import RESOURCE
from netfhir.sync.statements import NO_DIGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from netfhir.sync.records import Key

#: Of a row of which too many runs got no other answer than a failure of the server itself.
EXHAUSTED = "transient-exhausted"
LONGEST_REASON = 200

_STATUS = re.compile(r"http[- ](\d{3})", re.IGNORECASE)
_CORRECT = "correct the record in the source or its mapping; it is sent when its content changes"
_REMEDIES = {
    "404": "is the type, or what it refers to, on the server? See `netfhir server`, then `retry`",
    "405": "the server takes no such write: see `netfhir server`, let it be allowed, then `retry`",
    "413": "the server takes no resource of this size: let its limit be raised, then `retry`",
    EXHAUSTED: "the server fails at this very resource: its log knows why; once mended, `retry`",
}
_COLUMNS = (
    RESOURCE.c.resource_type,
    RESOURCE.c.id,
    RESOURCE.c.state,
    RESOURCE.c.reason,
    RESOURCE.c.attempts,
    RESOURCE.c.first_at,
    RESOURCE.c.updated_at,
    RESOURCE.c.where,
    RESOURCE.c.digest_acked.is_not(None),
    RESOURCE.c.digest_sent == NO_DIGEST,
)


class Letter(NamedTuple):
    """A dead letter."""

    resource_type: str
    id: str
    state: str
    """`dead`, or `dropped` where a person decided that it stays so."""
    reason: str
    attempts: int
    """Runs that sent this content."""
    first_at: str
    last_at: str
    where: str
    on_server: bool
    """Whether the server holds an older content of it."""
    requeued: bool
    """Whether the next apply sends it."""

    @property
    def key(self) -> Key:
        """Return type and id."""
        return self.resource_type, self.id

    @property
    def remedy(self) -> str:
        """Return what to do, by the reason."""
        if self.requeued:
            return "nothing: the next apply sends it"
        if self.state == State.DROPPED:
            return "nothing: it was decided; `retry` takes the decision back"
        if self.reason.startswith(EXHAUSTED):
            return _REMEDIES[EXHAUSTED]
        status = _STATUS.match(self.reason)
        return _REMEDIES.get(status[1] if status else "", _CORRECT)

    def as_record(self) -> dict[str, object]:
        """Return the letter as JSON."""
        return {**self._asdict(), "remedy": self.remedy}


def letters(connection: Connection) -> list[Letter]:
    """Return all dead letters, dropped ones last, by type and id.

    Raises StateError (74) for a ledger of an older schema, which only a run brings up.
    """
    if (seen := schema.version(connection)) != schema.HEAD:
        raise StateError(
            "ledger-schema",
            where="ledger",
            found=f"a ledger of schema {seen}",
            expected=schema.HEAD,
            remedy="run `netfhir plan` once: it brings an older ledger up",
        )
    query = select(*_COLUMNS).where(RESOURCE.c.state.in_([State.DEAD, State.DROPPED]))
    ordered = query.order_by(RESOURCE.c.state, RESOURCE.c.resource_type, RESOURCE.c.id)
    return [Letter(*row) for row in connection.execute(ordered)]


def chosen(found: Iterable[Letter], names: Sequence[str]) -> list[Letter]:
    """Return the letters of these names, `Type/id` or `id`; StateError (74) for none."""
    by_name: dict[str, Letter] = {}
    for letter in found:
        by_name[letter.id] = by_name[f"{letter.resource_type}/{letter.id}"] = letter
    missing = [name for name in names if name not in by_name]
    if missing:
        raise StateError(
            "no-letter",
            where=missing[0],
            found="no dead letter of this name",
            expected="Type/id, as `netfhir dead list` shows it",
        )
    return list(dict.fromkeys(by_name[name] for name in names))


def requeue(connection: Connection, found: Sequence[Letter]) -> None:
    """Let the next plan send these, as it would for the first time: with an intent, and so on."""
    _set(connection, found, state=State.DEAD.value, digest_sent=NO_DIGEST, attempts=0)


def drop(connection: Connection, found: Sequence[Letter], reason: str) -> None:
    """Note that a person decided not to send these."""
    _set(connection, found, state=State.DROPPED.value, reason=reason)


def _set(connection: Connection, found: Sequence[Letter], **values: object) -> None:
    for letter in found:
        connection.execute(
            update(RESOURCE)
            .where(RESOURCE.c.resource_type == letter.resource_type, RESOURCE.c.id == letter.id)
            .values(values)
        )
