"""A look at a ledger from outside, while a run is at work or not: reads, takes no lock."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from netfhir.errors import StateError
from netfhir.sync import schema
from netfhir.sync.files import private_file, reading
from netfhir.sync.lease import Holder
from netfhir.sync.ledger_file import broken, failed
from netfhir.sync.mark import Mark, synced
from netfhir.sync.schema import LEASE, OWNER, RESOURCE, RUN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from netfhir.sync.files import StateFolder


@dataclass(frozen=True, slots=True)
class Status:
    """What a ledger says of itself."""

    schema: str | None
    integrity: str
    trial: str
    server: str
    rows: dict[str, dict[str, int]]
    """By type, how many rows are in each state."""
    last_run: dict[str, Any]
    lease: dict[str, Any]
    mark: Mark

    def count(self, state: str) -> int:
        """Return how many rows of all types are in a state."""
        return sum(counts.get(state, 0) for counts in self.rows.values())


@contextmanager
def opened(folder: StateFolder) -> Iterator[Connection]:
    """Yield a connection that reads. Raises StateError (74) where there is no ledger that does."""
    present(folder.ledger)
    try:
        with reading(folder.ledger) as connection:
            yield connection
    except SQLAlchemyError as error:
        raise failed(folder.ledger, error) from error


def status(folder: StateFolder) -> Status:
    """Return what the ledger says. Raises StateError (74) where there is none that reads."""
    with opened(folder) as connection:
        return _status(connection, Mark.read(folder.mark))


def backup(folder: StateFolder, out: Path) -> int:
    """Write a whole copy of the ledger, checked, 0600; return its size in bytes.

    A run may be at work: the copy is of one moment. Raises StateError (74), also where `out` is
    there already.
    """
    present(folder.ledger)
    if out.exists():
        raise StateError(
            "backup", where=str(out), found="a file that is there already", remedy="name another"
        )
    made = out.with_name(f"{out.name}.new")
    made.unlink(missing_ok=True)
    private_file(made)
    try:
        _copy(folder.ledger, made)
    except sqlite3.Error as error:
        made.unlink(missing_ok=True)
        raise broken(folder.ledger) from error
    made.rename(out)
    synced(out.parent)
    return out.stat().st_size


def _copy(ledger: Path, made: Path) -> None:
    source = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    target = sqlite3.connect(made)
    try:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
        if target.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError
    finally:
        target.close()
        source.close()
    with made.open("rb+") as file:
        os.fsync(file.fileno())


def _status(connection: Connection, mark: Mark) -> Status:
    owner = connection.execute(select(OWNER)).one_or_none()
    query = select(RESOURCE.c.resource_type, RESOURCE.c.state, func.count()).group_by(
        RESOURCE.c.resource_type, RESOURCE.c.state
    )
    rows: dict[str, dict[str, int]] = {}
    for resource_type, state, size in connection.execute(query):
        rows.setdefault(resource_type, {})[state] = size
    integrity = connection.execute(text("PRAGMA integrity_check")).scalars().first()
    return Status(
        schema=schema.version(connection),
        integrity=str(integrity).splitlines()[0],
        trial=owner.trial if owner else "",
        server=owner.server if owner else "",
        rows=rows,
        last_run=_last_run(connection),
        lease=_lease(connection),
        mark=mark,
    )


def _last_run(connection: Connection) -> dict[str, Any]:
    """Return the last run; of an older schema what it has."""
    known = {column["name"] for column in inspect(connection).get_columns("run")}
    columns = [column for column in RUN.c if column.name in known]
    row = connection.execute(select(*columns).order_by(RUN.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        return {}
    found = dict(zip([str(column.name) for column in columns], row, strict=True))
    found["counts"] = json.loads(found["counts"]) if found["counts"] else None
    return found


def _lease(connection: Connection) -> dict[str, Any]:
    if not inspect(connection).has_table(LEASE.name):
        return {}
    row = connection.execute(select(LEASE)).one_or_none()
    if row is None:
        return {}
    holder = Holder.parsed(row.holder)
    held = row.expires_at > 0 and not holder.is_gone()
    return {"held": held, "pid": holder.pid, "since": holder.since, "fence": row.fence}


def present(path: Path) -> None:
    """Raise StateError (74) where there is no ledger."""
    if not path.is_file() or not path.stat().st_size:
        raise StateError(
            "ledger",
            where=str(path),
            found="no ledger",
            remedy="check TRIAL, --server and --state; a lost one is made anew with `netfhir "
            "ledger rebuild`",
        )
