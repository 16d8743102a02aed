"""The ledger's file: opened, checked and brought to the last schema; read, and written to.

Knows whose it is and how far it should have come; knows nothing of what its rows mean.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from netfhir.errors import StateError
from netfhir.sync import history, schema
from netfhir.sync.files import engine, private_file
from netfhir.sync.records import digest_of
from netfhir.sync.schema import OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from netfhir.fhir.identity import SiteKey
    from netfhir.sync.mark import Mark

_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 30000")
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
            raise broken(path) from error
        return file

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a transaction that writes; it is on the disk when the block has ended."""
        with self._lock:
            try:
                with self._writer.begin():
                    yield self._writer
            except SQLAlchemyError as error:
                raise broken(self.path, "a ledger that cannot be read or written") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one moment of the file."""
        try:
            with self._readers.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise broken(self.path) from error

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


def broken(path: Path, found: str = "a file that is no ledger, or is damaged") -> StateError:
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
