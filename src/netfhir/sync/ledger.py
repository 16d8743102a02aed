"""What was written to one server, as keyed digests: no body, no patient, no subject number.

Every write has its intent here before a byte leaves; see docs/design.md, "Promises" 4.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from netfhir.errors import StateError
from netfhir.sync import owing, schema
from netfhir.sync.files import engine, private_file
from netfhir.sync.provenance import TYPE, Owed
from netfhir.sync.records import Known, Outcome, State, digest_of
from netfhir.sync.schema import ORIGIN, OWNER, RESOURCE, RUN
from netfhir.sync.statements import INTEND, SETTLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Select

    from netfhir.fhir.identity import SiteKey
    from netfhir.sync.records import Key, Planned, Settled

_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 30000")
_READ_ROWS = 1000
_KNOWN = (*RESOURCE.c[:10], RESOURCE.c.elements_acked, RESOURCE.c.elements_sent)
_IS_HELD = RESOURCE.c.state.in_((State.ACKED, State.CONFLICT)) & RESOURCE.c.digest_acked.is_not(
    None
)
_UNSETTLED = (State.IN_FLIGHT, State.UNKNOWN, State.CONFLICT)
_KEY_CHECK = b"netfhir ledger"

_STATE = {state.value: state for state in State}


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose ledger it is: another trial's, server's or site key's is refused."""

    trial: str
    server: str
    site_key: SiteKey


class Ledger:
    """The file; safe to share among the threads of one process."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._readers = engine(path, _PRAGMAS)
        self._writer = engine(path, _PRAGMAS, "BEGIN IMMEDIATE").connect()
        self.run_id = 0
        self.origin = ""
        """What this run's resources are made from, as `trial.batch.Origin` tells it."""

    @classmethod
    def open(cls, path: Path, owner: Owner, now: Callable[[], datetime]) -> Ledger:
        """Open or make the ledger; `now` is the clock.

        Raises StateError (74) for a file that is damaged, newer, or another owner's.
        """
        private_file(path)
        try:
            ledger = cls(path, now)
            ledger._prepare(owner)
        except SQLAlchemyError as error:
            raise _broken(path, "a file that is no ledger, or is damaged") from error
        return ledger

    def start_run(self) -> int:
        """Note that a run begins; return its number, which marks the rows it touches."""
        with self._writing() as connection:
            last = connection.execute(select(func.coalesce(func.max(RUN.c.id), 0))).scalar_one()
            self.run_id = int(last) + 1
            connection.execute(insert(RUN).values(id=self.run_id, started=self._stamp()))
        return self.run_id

    def finish_run(self, counts: Mapping[str, object]) -> None:
        """Note that the run ended, with its sums."""
        with self._writing() as connection:
            connection.execute(
                update(RUN)
                .where(RUN.c.id == self.run_id)
                .values(finished=self._stamp(), counts=json.dumps(counts, sort_keys=True))
            )

    def rows(self, resource_type: str) -> Iterator[Known]:
        """Yield the rows of a type by id, as they stood when the reading began."""
        query = select(*_KNOWN).where(RESOURCE.c.resource_type == resource_type)
        yield from self._read(query.order_by(RESOURCE.c.id))

    def unsettled(self) -> list[Known]:
        """Return the rows whose outcome is open: in flight, unknown or in conflict."""
        query = select(*_KNOWN).where(RESOURCE.c.state.in_(_UNSETTLED))
        return list(self._read(query.order_by(RESOURCE.c.resource_type, RESOURCE.c.id)))

    def held_types(self) -> list[str]:
        """Return the types of the rows that the server acknowledged."""
        query = select(RESOURCE.c.resource_type).distinct().where(_IS_HELD)
        with self._readers.connect() as connection:
            return sorted(connection.execute(query).scalars())

    def held_ids(self, resource_type: str) -> Iterator[str]:
        """Yield the ids of the acknowledged rows of a type in order."""
        query = select(RESOURCE.c.id).where(RESOURCE.c.resource_type == resource_type, _IS_HELD)
        with self._readers.connect() as connection:
            ordered = query.order_by(RESOURCE.c.id)
            yield from connection.execution_options(yield_per=_READ_ROWS).execute(ordered).scalars()

    def find(self, resource_type: str, resource_id: str) -> Known | None:
        """Return one row, or None."""
        key = (RESOURCE.c.resource_type == resource_type, RESOURCE.c.id == resource_id)
        return next(self._read(select(*_KNOWN).where(*key)), None)

    def counts(self) -> dict[str, int]:
        """Return how many rows are in each state."""
        query = select(RESOURCE.c.state, func.count()).group_by(RESOURCE.c.state)
        with self._readers.connect() as connection:
            return {str(state): int(size) for state, size in connection.execute(query)}

    def intend(self, items: Sequence[Planned]) -> None:
        """Mark rows in flight, in one transaction, before any of their bytes is sent."""
        stamp = self._stamp()
        values = [self._intent(item, stamp) for item in items]
        with self._writing() as connection:
            self._intended(connection, values)

    def attach(self, item: Planned, keys: Sequence[Key], activity: str) -> None:
        """Mark a Provenance in flight, and note at its targets that it is theirs."""
        with self._writing() as connection:
            self._intended(connection, [self._intent(item, self._stamp())])
            connection.execute(owing.MARK, owing.marks(keys, f"{activity}:{item.id}"))

    def give(self, provenance_id: str, keys: Sequence[Key]) -> None:
        """Note that the targets have their Provenance."""
        with self._writing() as connection:
            connection.execute(owing.MARK, owing.marks(keys, provenance_id))

    def owed(self) -> list[Owed]:
        """Return the rows that a Provenance is owed for."""
        with self._readers.connect() as connection:
            return owing.owed(connection)

    def origins(self) -> dict[int, str]:
        """Return the origin of each run that wrote anything."""
        with self._readers.connect() as connection:
            told = connection.execute(select(ORIGIN.c.run_id, ORIGIN.c.facts))
            return {int(run_id): str(facts) for run_id, facts in told}

    def besides(self) -> list[Known]:
        """Return the rows that no staging gives: of each Provenance, and of what was taken back."""
        told = (RESOURCE.c.resource_type == TYPE) & (RESOURCE.c.state == State.ACKED.value)
        query = select(*_KNOWN).where(told | (RESOURCE.c.state == State.RETRACTED.value))
        return list(self._read(query.order_by(RESOURCE.c.resource_type, RESOURCE.c.id)))

    def settle(self, items: Sequence[Settled]) -> None:
        """Write down, in one transaction, what became of rows; pending ones were never sent."""
        groups: dict[Outcome | State, list[dict[str, object]]] = {}
        stamp = self._stamp()
        for item in items:
            groups.setdefault(item.tombstone or item.outcome, []).append(self._settled(item, stamp))
        with self._writing() as connection:
            for outcome, values in groups.items():
                for statement in SETTLE[outcome]:
                    connection.execute(statement, values)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _intent(self, item: Planned, stamp: str) -> dict[str, object]:
        """Return the parameters of an intent."""
        return {
            "resource_type": item.resource_type,
            "id": item.id,
            "server_id": item.server_id,
            "state": State.IN_FLIGHT.value,
            "digest_sent": item.digest,
            "version_id": item.version_id,
            "attempts": 1,
            "reason": "",
            "where": item.where,
            "elements_sent": item.elements or None,
            "run_id": self.run_id,
            "updated_at": stamp,
        }

    def _intended(self, connection: Connection, values: Sequence[dict[str, object]]) -> None:
        """Write intents, and, with the first of a run, what its resources are made from."""
        if self.origin:
            noted = upsert(ORIGIN).on_conflict_do_nothing()
            connection.execute(noted, {"run_id": self.run_id, "facts": self.origin})
        connection.execute(INTEND, values)

    def _settled(self, item: Settled, stamp: str) -> dict[str, object]:
        """Return the parameters of an outcome's statement."""
        return {
            "row_type": item.resource_type,
            "row_id": item.id,
            "new_digest": item.digest,
            "new_elements": item.elements,
            "new_provenance": item.activity,
            "new_server_id": item.server_id,
            "new_version_id": item.version_id,
            "new_reason": item.reason,
            "new_run_id": self.run_id,
            "new_updated_at": stamp,
        }

    def _read(self, query: Select[Any]) -> Iterator[Known]:
        with self._readers.connect() as connection:
            for row in connection.execution_options(yield_per=_READ_ROWS).execute(query):
                yield Known(row[0], row[1], row[2], _STATE[row[3]], *row[4:])

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._lock:
            try:
                with self._writer.begin():
                    yield self._writer
            except SQLAlchemyError as error:
                raise _broken(self._path, "a ledger that cannot be written") from error

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="seconds")

    def _prepare(self, owner: Owner) -> None:
        with self._writing() as connection:
            if connection.execute(text("PRAGMA integrity_check")).scalar_one() != "ok":
                raise _broken(self._path, "a ledger whose integrity check fails")
            self._migrate(connection)
            self._check_owner(connection, owner)

    def _migrate(self, connection: Connection) -> None:
        seen = schema.version(connection)
        if seen == schema.HEAD:
            return
        if seen is not None and seen not in schema.steps():
            raise StateError(
                "ledger-newer",
                where=str(self._path),
                found=f"a ledger of schema {seen}",
                expected=f"at most {schema.HEAD}",
                remedy="use the newer netfhir that wrote it",
            )
        schema.upgrade(connection)

    def _check_owner(self, connection: Connection, owner: Owner) -> None:
        mine = (owner.trial, owner.server, digest_of(owner.site_key, _KEY_CHECK))
        noted = connection.execute(select(OWNER)).one_or_none()
        if noted is None:
            connection.execute(insert(OWNER).values(mine))
            return
        names = ("trial", "server", "site key")
        differ = [n for n, a, b in zip(names, noted, mine, strict=True) if a != b]
        if differ:
            raise StateError(
                "ledger-owner",
                where=str(self._path),
                found=f"the ledger of another {' and '.join(differ)}",
                remedy="use the state folder and the site key that belong together",
            )


def _broken(path: Path, found: str) -> StateError:
    return StateError(
        "ledger", where=str(path), found=found, remedy="restore a backup of it, or rebuild it"
    )
