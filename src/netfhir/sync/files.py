"""The state folder of a trial and a server: private, locked; and how SQLite files are opened."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from netfhir.clock import now
from netfhir.errors import OverlapError, StateError
from netfhir.fhir.identity import slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class StateFolder:
    """`<state>/<trial>@<server>/` and the files in it."""

    path: Path
    trial: str
    server: str

    @property
    def ledger(self) -> Path:
        """What was written, as digests."""
        return self.path / "ledger.sqlite"

    @property
    def staging(self) -> Path:
        """What is to be written."""
        return self.path / "staging.sqlite"

    @property
    def mark(self) -> Path:
        """How far the ledger had come."""
        return self.path / "mark"

    @property
    def lock(self) -> Path:
        """Locked while a run is at work; names its process."""
        return self.path / "lock"


def folder_of(state: Path, trial: str, server: str) -> StateFolder:
    """Return where the state of this trial and server is kept, made or not."""
    return StateFolder(state / f"{trial}@{slug(server)}", trial, server)


@contextmanager
def held(state: Path, trial: str, server: str) -> Iterator[StateFolder]:
    """Hold the folder of this trial and server for one run.

    Raises OverlapError (75) if another run holds it, StateError (74) if it cannot be made.
    """
    folder = folder_of(state, trial, server)
    try:
        folder.path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        folder.path.chmod(_FOLDER_MODE)
        private_file(folder.lock)
        lock = folder.lock.open("r+")
    except OSError as error:
        raise StateError(
            "state-folder",
            where=str(folder.path),
            found=f"no folder to write in ({error.strerror})",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OverlapError(
                "locked",
                where=str(folder.path),
                found=f"{lock.read() or 'another run'} holds this state",
                expected="one run at a time of a trial at a server",
                remedy="wait for it to end",
            ) from error
        lock.truncate()
        lock.write(f"process {os.getpid()}, since {now().isoformat(timespec='seconds')},")
        lock.flush()
        yield folder


def private_file(path: Path) -> None:
    """Make the file if it is missing, readable by its owner alone."""
    try:
        path.touch(mode=_FILE_MODE)
        path.chmod(_FILE_MODE)
    except OSError as error:
        raise StateError("state-file", where=str(path), found=f"{error.strerror}") from error


def engine(path: Path, pragmas: Sequence[str], begin: str = "BEGIN") -> Engine:
    """Return an engine on the SQLite file whose transactions begin as we say, not the driver."""
    made = create_engine(
        f"sqlite:///{path}", poolclass=NullPool, connect_args={"check_same_thread": False}
    )

    @event.listens_for(made, "connect")
    def prepared(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(made, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return made


@contextmanager
def reading(path: Path) -> Iterator[Connection]:
    """Yield a connection that cannot write, to a file that is there."""
    made = create_engine(f"sqlite:///file:{path.absolute()}?mode=ro&uri=true", poolclass=NullPool)
    with made.connect() as connection:
        yield connection


def connected(path: Path, pragmas: Sequence[str]) -> Connection:
    """Return one connection to the SQLite file."""
    return engine(path, pragmas).connect()
