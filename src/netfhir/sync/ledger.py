"""What was written to one server, as keyed digests: no body, no patient, no subject number.

Every write has its intent here before a byte leaves; see docs/design.md, "Promises" 4.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from netfhir.clock import elapsed_s
from netfhir.errors import OverlapError
from netfhir.sync import history, lease, owing
from netfhir.sync.lease import LEASE_S, Holder, Lease
from netfhir.sync.ledger_file import LedgerFile, Owner
from netfhir.sync.ledger_reading import KNOWN, Reading
from netfhir.sync.mark import Mark
from netfhir.sync.records import Outcome, State
from netfhir.sync.schema import ORIGIN, RESOURCE
from netfhir.sync.statements import INTEND, SETTLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from netfhir.sync.records import Key, Known, Planned, Settled

__all__ = ["Ledger", "Owner"]

_UNSETTLED = (State.IN_FLIGHT, State.UNKNOWN, State.CONFLICT)


class Ledger(Reading):
    """The rows of the file; safe to share among the threads of one process."""

    def __init__(
        self, file: LedgerFile, now: Callable[[], datetime], mark: Path, *, marks: bool
    ) -> None:
        self._file = file
        self._now = now
        self._mark = mark
        self._marks = marks
        self._lease: Lease | None = None
        self.run_id = 0
        self.origin = ""
        """What this run's resources are made from, as `trial.batch.Origin` tells it."""
        self.reached = Mark()

    @classmethod
    def open(cls, path: Path, owner: Owner, now: Callable[[], datetime]) -> Ledger:
        """Open or make the ledger; `now` is the clock.

        Raises StateError (74) for a file that is damaged, newer, another owner's, or older than
        the last one that was used here.
        """
        mark = path.with_name("mark")
        return cls(LedgerFile.open(path, owner, Mark.read(mark)), now, mark, marks=True)

    @classmethod
    def anew(cls, path: Path, owner: Owner, now: Callable[[], datetime]) -> Ledger:
        """Make a ledger that is to take another's place: its runs go on from the other's."""
        file = LedgerFile.open(path, owner, Mark())
        return cls(file, now, path.with_name("mark"), marks=False)

    @property
    def path(self) -> Path:
        """Return where the file lies."""
        return self._file.path

    def start_run(self, lease_s: float = LEASE_S) -> int:
        """Take the lease and note that a run begins; return its number, which marks its rows.

        Raises OverlapError (75) while another run holds the lease.
        """
        begun = elapsed_s()
        with self._file.writing() as connection:
            fence = self._take(connection, lease_s)
            self.run_id = history.start(connection, self._now(), Mark.read(self._mark).run)
        self._lease = Lease(fence, lease_s, begun)
        self._note(Mark(self.run_id, ended=False, fence=fence))
        return self.run_id

    def renew(self) -> None:
        """Renew the lease. Raises OverlapError (75) if another run has taken it."""
        begun = elapsed_s()
        with self._file.writing() as connection:
            if self._lease is not None:
                _, until = self._until(self._lease.length_s)
                lease.extend(connection, self._lease.fence, until)
                self._lease.renewed_at = begun

    def hold(self) -> None:
        """Make sure, before bytes leave, that the lease lasts. Raises OverlapError (75)."""
        if self._lease is not None and self._lease.is_short():
            self.renew()

    def finish_run(self, counts: Mapping[str, object], wait_s: float = 0.0) -> None:
        """Note that the run ended, with its sums; the next one begins after `wait_s` at most."""
        with self._fenced() as connection:
            history.finish(connection, self.run_id, self._now(), counts, wait_s)
            self._release(connection)
        self._note(Mark(self.run_id, ended=True, fence=self.reached.fence))

    def rows(self, resource_type: str) -> Iterator[Known]:
        """Yield the rows of a type by id, as they stood when the reading began."""
        query = select(*KNOWN).where(RESOURCE.c.resource_type == resource_type)
        yield from self._read(query.order_by(RESOURCE.c.id))

    def unsettled(self) -> list[Known]:
        """Return the rows whose outcome is open: in flight, unknown or in conflict."""
        query = select(*KNOWN).where(RESOURCE.c.state.in_(_UNSETTLED))
        return list(self._read(query.order_by(RESOURCE.c.resource_type, RESOURCE.c.id)))

    def recent(self, resource_type: str, count: int) -> list[Known]:
        """Return the acknowledged rows of a type that were settled last."""
        query = select(*KNOWN).where(
            RESOURCE.c.resource_type == resource_type, RESOURCE.c.state == State.ACKED.value
        )
        return list(self._read(query.order_by(RESOURCE.c.updated_at.desc()).limit(count)))

    def counts(self) -> dict[str, int]:
        """Return how many rows are in each state."""
        query = select(RESOURCE.c.state, func.count()).group_by(RESOURCE.c.state)
        with self._file.reading() as connection:
            return {str(state): int(size) for state, size in connection.execute(query)}

    def intend(self, items: Sequence[Planned]) -> None:
        """Mark rows in flight, in one transaction, before any of their bytes is sent."""
        stamp = self._stamp()
        values = [self._intent(item, stamp) for item in items]
        with self._fenced() as connection:
            if values:
                self._intended(connection, values)

    def attach(self, item: Planned, keys: Sequence[Key], activity: str) -> None:
        """Mark a Provenance in flight, and note at its targets that it is theirs."""
        with self._fenced() as connection:
            self._intended(connection, [self._intent(item, self._stamp())])
            connection.execute(owing.MARK, owing.marks(keys, f"{activity}:{item.id}"))

    def give(self, provenance_id: str, keys: Sequence[Key]) -> None:
        """Note that the targets have their Provenance."""
        with self._fenced() as connection:
            connection.execute(owing.MARK, owing.marks(keys, provenance_id))

    def settle(self, items: Sequence[Settled]) -> None:
        """Write down, in one transaction, what became of rows; pending ones were never sent."""
        groups: dict[Outcome | State, list[dict[str, object]]] = {}
        stamp = self._stamp()
        for item in items:
            groups.setdefault(item.tombstone or item.outcome, []).append(self._settled(item, stamp))
        with self._fenced() as connection:
            for outcome, values in groups.items():
                for statement in SETTLE[outcome]:
                    connection.execute(statement, values)

    @contextmanager
    def editing(self) -> Iterator[Connection]:
        """Yield a transaction outside of any run. Raises OverlapError (75) while one is at work."""
        with self._file.writing() as connection:
            fence = self._take(connection, LEASE_S)
            yield connection
            lease.extend(connection, fence, 0)

    def close(self) -> None:
        """Give the lease back, if it is still ours, and close the file."""
        if self._lease is not None:
            with suppress(OverlapError), self._file.writing() as connection:
                self._release(connection)
        self._file.close()

    def _release(self, connection: Connection) -> None:
        held, self._lease = self._lease, None
        if held is not None:
            lease.extend(connection, held.fence, 0)

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
            "first_at": stamp,
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

    @contextmanager
    def _fenced(self) -> Iterator[Connection]:
        """Yield a transaction that another run's lease forbids: OverlapError (75)."""
        with self._file.writing() as connection:
            if self._lease is not None:
                lease.check(connection, self._lease.fence)
            yield connection

    def _take(self, connection: Connection, lease_s: float) -> int:
        holder = Holder.here(self._stamp())
        return lease.take(connection, holder, self._until(lease_s), Mark.read(self._mark).fence)

    def _until(self, lease_s: float) -> tuple[float, float]:
        now_s = self._now().timestamp()
        return now_s, now_s + lease_s

    def _note(self, reached: Mark) -> None:
        self.reached = reached
        if self._marks:
            reached.write(self._mark)

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="seconds")
