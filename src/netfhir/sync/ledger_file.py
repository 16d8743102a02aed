"""The ledger's file: opened, checked and brought to the last schema; read, and written to.

Knows whose it is and how far it should have come; knows nothing of what its rows mean.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from netfhir.errors import OverlapError, StateError
from netfhir.sync import history, schema
from netfhir.sync.files import engine, private_file
from netfhir.sync.records import digest_of
from netfhir.sync.schema import OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from netfhir.errors import NetfhirError
    from netfhir.fhir.identity import SiteKey
    from netfhir.sync.mark import Mark

_PRAGMAS = ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL")
_KEY_CHECK = b"netfhir ledger"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose ledger it is: another trial's, server's or site key's is refused."""

    trial: str
    server: str
    site_key: SiteKey


class LedgerFile:
    """One writer at a time, readers beside it; safe to share among the threads of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._readers = engine(path, _PRAGMAS)
        self._writer = engine(path, _PRAGMAS, "BEGIN IMMEDIATE").connect()

    @classmethod
    def open(cls, path: Path, owner: Owner, mark: Mark) -> LedgerFile:
        """Open or make the file. Raises StateError (74) for one that is not to be used."""
        if mark.run and not (path.is_file() and path.stat().st_size):
            raise _lost(path, mark)
        private_file(path)
        try:
            file = cls(path)
            with file.writing() as connection:
                file._check(connection, owner, mark)
        except SQLAlchemyError as error:
            raise failed(path, error) from error
        return file

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a transaction that writes; it is on the disk when the block has ended."""
        with self._lock:
            try:
                with self._writer.begin():
                    yield self._writer
            except SQLAlchemyError as error:
                raise failed(self.path, error) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one moment of the file."""
        try:
            connection = self._readers.connect()
        except SQLAlchemyError as error:
            raise failed(self.path, error) from error
        try:
            yield connection
        except SQLAlchemyError as error:
            raise failed(self.path, error) from error
        finally:
            with suppress(SQLAlchemyError):  # a reading that was abandoned may be closed already
                connection.close()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _check(self, connection: Connection, owner: Owner, mark: Mark) -> None:
        if connection.execute(text("PRAGMA integrity_check")).scalar_one() != "ok":
            raise broken(self.path, "a ledger whose integrity check fails")
        schema.migrate(connection, str(self.path))
        self._check_owner(connection, owner)
        history.check_mark(connection, mark, str(self.path))

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
                where=str(self.path),
                found=f"the ledger of another {' and '.join(differ)}",
                remedy="use the state folder and the site key that belong together",
            )


def failed(path: Path, error: SQLAlchemyError) -> NetfhirError:
    """Return the error that a failure of SQLite is: 75 where another process keeps the file."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
        return OverlapError(
            "ledger-busy",
            where=str(path),
            found="another process that has been writing to it for seconds",
            remedy="let it end; one that was stopped in the middle must go on, or be ended",
        )
    return broken(path)


def broken(
    path: Path, found: str = "a file that is no ledger, is damaged, or cannot be written"
) -> StateError:
    """Return the error of a ledger that does not read."""
    return StateError(
        "ledger",
        where=str(path),
        found=found,
        remedy="is there space, and the right to write? Else make it anew with `netfhir ledger "
        "rebuild`",
    )


def _lost(path: Path, mark: Mark) -> StateError:
    return StateError(
        "ledger-lost",
        where=str(path),
        found=f"no ledger, where one with {mark.run} runs was used",
        remedy="restore it, or make it anew with `netfhir ledger rebuild`",
    )
