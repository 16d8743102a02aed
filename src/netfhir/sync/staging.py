"""What a run wants the hospital to hold, in a local file, so that memory stays flat.

Filled in any order by the mapping, read back sorted and in waves: parents before children.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from netfhir.errors import RecordError, StateError
from netfhir.sync import references
from netfhir.sync.files import connected, private_file
from netfhir.sync.staging_sql import DEEPER, DEEPEST, NESTED, PRAGMAS, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Row

_INSERT = "INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_COLUMNS = "resource_type, id, subject, place, start, size"
_READ_ROWS = 500


class Staged(NamedTuple):
    """One resource to be planned."""

    resource_type: str
    id: str
    subject: str
    where: str
    """`file:row:item` of the source fact."""
    body: bytes
    """Canonical JSON with id and identifier; the patient is a placeholder."""


@dataclass(frozen=True, slots=True)
class Wave:
    """Rows that may travel together: types of one level, and how deep within their own type."""

    resource_types: tuple[str, ...]
    depth: int


class Staging:
    """The file; one writer, and readers when it is full.

    Bodies lie one after another in a file beside it: so the sorted index stays small, and reading
    in order does not go through the bodies' pages.
    """

    def __init__(self, connection: Connection, bodies: BinaryIO, size: int) -> None:
        self._connection = connection
        self._bodies = bodies
        self._end = bodies.seek(0, os.SEEK_END)
        self._size = size
        self._edges: set[references.Edge] = set()

    @classmethod
    def create(cls, path: Path) -> Staging:
        """Return an empty staging that replaces an older one; the file is its owner's alone."""
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        private_file(path)
        connection = connected(path, PRAGMAS)
        for statement in SCHEMA:
            connection.execute(text(statement))
        connection.commit()
        private_file(_bodies(path))
        return cls(connection, _bodies(path).open("r+b"), 0)

    @classmethod
    def open(cls, path: Path) -> Staging:
        """Return a staging that was filled before. Raises StateError if there is none."""
        if not path.is_file():
            raise StateError("staging", where=str(path), found="no staging", remedy="plan first")
        try:
            connection = connected(path, PRAGMAS)
            size = connection.execute(text("SELECT count(*) FROM staged")).scalar_one()
        except DatabaseError as error:
            raise StateError("staging", where=str(path), found="no staging that reads") from error
        return cls(connection, _bodies(path).open("r+b"), int(size))

    def add(self, rows: Sequence[Staged]) -> list[RecordError]:
        """Stage `rows`; one whose type and id are staged already comes back as its error."""
        first = self._next_seq()
        values = [self._value(seq, row) for seq, row in enumerate(rows, first)]
        self._bodies.write(b"".join(row.body for row in rows))
        self._bodies.flush()
        added = self._connection.exec_driver_sql(_INSERT, values).rowcount if values else 0
        refused = self._refused(rows, first) if added < len(values) else []
        self._size += added
        return refused

    def rows(self, wave: Wave | None = None) -> Iterator[Staged]:
        """Yield what is staged, by wave, type and id; of one wave if one is given."""
        for chosen in [wave] if wave else self.waves():
            for resource_type in chosen.resource_types:
                yield from self._select(
                    "resource_type = ? AND depth = ? ORDER BY id", (resource_type, chosen.depth)
                )

    def find(self, resource_type: str, resource_id: str) -> Staged | None:
        """Return one row, or None."""
        return next(
            self._select("resource_type = ? AND id = ?", (resource_type, resource_id)), None
        )

    def ids(self, resource_type: str) -> Iterator[str]:
        """Yield the ids of a type in order."""
        query = "SELECT id FROM staged WHERE resource_type = ? ORDER BY id"
        for (name,) in self._connection.exec_driver_sql(query, (resource_type,)):
            yield str(name)

    def waves(self) -> list[Wave]:
        """Return the waves in the order they travel, by the references that are there."""
        self._settle()
        edges = self._connection.execute(text("SELECT source, target FROM edge"))
        deep = self._connection.execute(
            text("SELECT DISTINCT resource_type, depth FROM staged WHERE depth > 0")
        )
        pairs = [*((name, 0) for name in self.counts()), *((n, d) for n, d in deep)]
        level = references.levels({name for name, _ in pairs}, [(s, t) for s, t in edges])
        steps = sorted({(level[name], depth) for name, depth in pairs})
        return [
            Wave(tuple(sorted(n for n, d in pairs if (level[n], d) == (step, depth))), depth)
            for step, depth in steps
        ]

    def parent_types(self) -> set[str]:
        """Return the types that others refer to."""
        self._settle()
        return {str(t) for (t,) in self._connection.execute(text("SELECT target FROM edge"))}

    def counts(self) -> dict[str, int]:
        """Return how many rows of each type are staged."""
        query = "SELECT resource_type, count(*) FROM staged GROUP BY 1 ORDER BY 1"
        return {str(name): int(size) for name, size in self._connection.execute(text(query))}

    def subjects(self) -> list[str]:
        """Return the subjects that rows belong to, in order."""
        query = "SELECT DISTINCT subject FROM staged WHERE subject <> '' ORDER BY 1"
        return [str(subject) for (subject,) in self._connection.execute(text(query))]

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._size

    def close(self) -> None:
        """Write what is left and close the file."""
        self._settle()
        self._connection.commit()
        self._connection.close()
        self._connection.engine.dispose()
        self._bodies.close()

    def _next_seq(self) -> int:
        return int(
            self._connection.execute(
                text("SELECT coalesce(max(seq), 0) + 1 FROM staged")
            ).scalar_one()
        )

    def _value(self, seq: int, row: Staged) -> tuple[object, ...]:
        kinds = references.target_types(row.body)
        self._edges.update((row.resource_type, kind) for kind in kinds)
        depth = int(row.resource_type in kinds)
        if depth:
            self._nest(row, {row.resource_type})
        start, size = self._end, len(row.body)
        self._end += size
        return (seq, row.resource_type, row.id, row.subject, row.where, depth, start, size)

    def _nest(self, row: Staged, kinds: Collection[str]) -> None:
        """Keep which rows of these types the row needs."""
        found = [(path, kind) for path, kind in references.targets(row.body) if kind in kinds]
        values = [(row.resource_type, row.id, kind, path.partition("/")[2]) for path, kind in found]
        if values:
            insert = "INSERT OR IGNORE INTO nested VALUES (?, ?, ?, ?)"
            self._connection.exec_driver_sql(insert, values)

    def _nest_circles(self) -> None:
        """Keep the same of types that need each other, whose rows must be ordered one by one."""
        edges = self._connection.execute(text("SELECT source, target FROM edge"))
        for circle in references.circles(self.counts(), [(s, t) for s, t in edges]):
            for name in sorted(circle):
                for row in self._select("resource_type = ?", (name,)):
                    self._nest(row, circle)
        self._connection.exec_driver_sql(NESTED)

    def _refused(self, rows: Sequence[Staged], first: int) -> list[RecordError]:
        query = "SELECT seq, place FROM staged WHERE resource_type = ? AND id = ?"
        refused = []
        for seq, row in enumerate(rows, first):
            key = (row.resource_type, row.id)
            kept = self._connection.exec_driver_sql(query, key).one()
            if kept.seq != seq:
                refused.append(_duplicate(row, kept))
        return refused

    def _settle(self) -> None:
        """Write the edges met so far, and sort rows that refer to their own type or its circle."""
        if not self._edges:
            return
        insert = "INSERT OR IGNORE INTO edge VALUES (?, ?)"
        self._connection.exec_driver_sql(insert, sorted(self._edges))
        self._edges.clear()
        self._nest_circles()
        depth = 1
        while self._connection.exec_driver_sql(DEEPER, (depth + 1, depth)).rowcount:
            depth += 1
            if depth > DEEPEST:
                raise StateError(
                    "reference-cycle", where="staging", found="a row that needs itself"
                )
        self._connection.commit()

    def _select(self, condition: str, values: tuple[object, ...]) -> Iterator[Staged]:
        query = f"SELECT {_COLUMNS} FROM staged WHERE {condition}"  # noqa: S608 - our own words
        cursor = self._connection.connection.cursor()
        cursor.execute(query, values)
        bodies = self._bodies.fileno()
        while rows := cursor.fetchmany(_READ_ROWS):
            for kind, name, subject, place, start, size in rows:
                yield Staged(kind, name, subject, place, os.pread(bodies, size, start))


def _bodies(path: Path) -> Path:
    return path.with_name(f"{path.name}.bodies")


def _duplicate(row: Staged, kept: Row[tuple[int, str]]) -> RecordError:
    return RecordError(
        "duplicate-row",
        where=row.where,
        found=f"the same key as {kept.place}",
        expected="each fact once",
        remedy="remove one of the two, or declare what tells them apart",
    )
