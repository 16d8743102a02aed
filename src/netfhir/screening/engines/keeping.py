"""What a screening keeps for the nights that follow, as Parquet, and how a night takes it up.

A night reads the resources that changed, takes up the facts of their patients and of those whose
day has come, and judges these alone. Each night adds a generation of files: of a patient, the
latest generation counts.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import orjson

from netfhir.errors import FormatError
from netfhir.screening.engines import due, tables
from netfhir.screening.rollup import Candidate, Question

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    import duckdb

    from netfhir.screening.concept_sets import Code
    from netfhir.screening.protocol import Protocol

FOLDER = "record"
_ABOUT, _RANKED = "about.json", "ranked.ndjson"
_KEPT = {
    "person": (
        "SELECT person.*, due, outcome.* EXCLUDE (patient) FROM person "
        "JOIN due ON due.id = person.id JOIN outcome ON outcome.patient = person.id"
    ),
    "fact": "FROM facts",
    "consent": "FROM read_consent",
    "gap": "FROM gap",
    "said": "SELECT pno, criterion, status, cause FROM verdict",
    "medication": "FROM medication",
}
_EVERYBODY = "SELECT {number} AS generation, * FROM person_{number}"
_PARTS = "SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'part_')"
_PATIENTS = "SELECT patient FROM {table}"
_OTHERS = ("read_fact", "read_consent", "gap")
#: Whom the night names, whose day has come, and all where it cannot be told whom it names.
_TOUCHED = """
CREATE TABLE touched AS
SELECT DISTINCT patient AS id FROM ({read} UNION SELECT id FROM read_person
  UNION SELECT id FROM was WHERE due <= $as_of
    OR EXISTS (SELECT 1 FROM gap WHERE patient = ''))
"""
_WERE = "CREATE TABLE were AS FROM was SEMI JOIN touched USING (id)"
_WHOSE = "SELECT pno, id AS whose FROM were WHERE generation = {number}"
_TAKEN = (
    (
        "INSERT INTO read_person SELECT {person} FROM person_{number} "
        "WHERE id IN (SELECT whose FROM ({whose})) AND id NOT IN (SELECT id FROM read_person)"
    ),
    "INSERT INTO read_consent FROM consent_{number} WHERE patient IN (SELECT whose FROM ({whose}))",
    (
        "INSERT INTO gap FROM gap_{number} "
        "WHERE patient = '' OR patient IN (SELECT whose FROM ({whose}))"
    ),
    (
        "INSERT INTO read_fact SELECT {fact} FROM (SELECT *, whose AS patient, FALSE AS gone "
        "FROM fact_{number} JOIN ({whose}) USING (pno))"
    ),
)


def save(
    connection: duckdb.DuckDBPyConnection,
    protocol: Protocol,
    ranked: Iterable[Candidate],
    folder: Path,
) -> None:
    """Write a generation into a new folder; `ranked` are all who are ranked now."""
    connection.execute(due.made(protocol))
    folder.mkdir(mode=0o700, parents=True)
    _private(folder / _ABOUT, orjson.dumps(about(protocol)))
    _private(folder / _RANKED, b"".join(orjson.dumps(one) + b"\n" for one in ranked))
    for name, query in _KEPT.items():
        path = folder / f"{name}.parquet"
        _private(path, b"")
        target = str(path).replace("'", "''")
        connection.execute(
            f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
        )


def _private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(content)


def about(protocol: Protocol) -> dict[str, str]:
    """Return what kept facts and verdicts depend on: a night under others cannot go on."""
    sets = repr((sorted(protocol.sets.sets.items()), protocol.sets.rows, protocol.file.protocol))
    return {
        "trial": protocol.trial,
        "criteria": protocol.file.digest(),
        "sets": hashlib.sha256(sets.encode()).hexdigest(),
        "site": repr(protocol.site),
    }


def carried(held: Sequence[Path], touched: Container[str]) -> Iterator[Candidate]:
    """Yield who was ranked at the end of the last night, without those whom this one touches."""
    for line in (held[-1] / _RANKED).read_bytes().splitlines():
        body = orjson.loads(line)
        if body["patient"] not in touched:
            questions = tuple(Question(**one) for one in body.pop("questions"))
            deciding = tuple(body.pop("deciding"))
            yield Candidate(**body, deciding=deciding, questions=questions)


def generations(previous: Path, protocol: Protocol) -> list[Path]:
    """Return what an earlier screening kept, oldest first.

    Raises FormatError where it kept nothing, or asked by other criteria, sets or rules of the site.
    """
    found = sorted(path for path in (previous / FOLDER).glob("[0-9]*") if path.is_dir())
    if not found:
        raise FormatError(
            "nothing-kept",
            where=previous.name,
            found=f"no folder `{FOLDER}`",
            expected="an earlier screening that was run with --keep",
            remedy="screen the whole export once with --keep",
        )
    was, now = orjson.loads((found[-1] / _ABOUT).read_bytes()), about(protocol)
    others = [name for name, said in now.items() if was.get(name) != said]
    if others:
        raise FormatError(
            "kept-by-other-rules",
            where=previous.name,
            found=f"another {', '.join(others)}",
            expected="the trial, criteria, concept sets and site of the earlier screening",
            remedy="screen the whole export once with --keep",
        )
    return found


def carry(held: Sequence[Path], folder: Path) -> Path:
    """Put the generations of an earlier screening into a folder; return the place of the next."""
    for generation in held:
        target = folder / generation.name
        target.mkdir(mode=0o700, parents=True)
        for file in generation.iterdir():
            try:
                os.link(file, target / file.name)
            except OSError:
                shutil.copy2(file, target / file.name)
    return folder / f"{len(held):04d}"


def touched(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the ids of whom a night touches."""
    return {found for (found,) in connection.execute("SELECT id FROM touched").fetchall()}


def medications(
    connection: duckdb.DuckDBPyConnection, held: Sequence[Path]
) -> dict[str, list[Code]]:
    """Return the codes of kept Medications by id, as they were last read."""
    found: dict[str, list[Code]] = {}
    for generation in held:
        rows = connection.execute(
            "SELECT id, system, code FROM read_parquet($path) ORDER BY id, ord",
            {"path": str(generation / "medication.parquet")},
        ).fetchall()
        last: dict[str, list[Code]] = {}
        for key, system, code in rows:
            last.setdefault(key, []).append((system, code))
        found |= last
    return found


def take_up(connection: duckdb.DuckDBPyConnection, held: Sequence[Path], as_of: date) -> None:
    """Add what was kept of everybody whom the night touches; only these are in the tables then.

    Makes the tables `touched` (ids) and `were` (these as last judged).
    """
    numbers = range(len(held))
    for number, generation in enumerate(held):
        for name in _KEPT:
            path = str(generation / f"{name}.parquet").replace("'", "''")
            connection.execute(f"CREATE VIEW {name}_{number} AS FROM read_parquet('{path}')")
    connection.execute(f"CREATE VIEW was AS {_everybody(len(held))}")
    parts = [name for (name,) in connection.execute(_PARTS).fetchall()]
    read = " UNION ".join(_PATIENTS.format(table=name) for name in (*parts, *_OTHERS))
    connection.execute(_TOUCHED.format(read=read), {"as_of": as_of})
    connection.execute(_WERE)
    person = ", ".join(name for name, _ in tables.columns(tables.PERSON))
    fact = ", ".join(name for name, _ in tables.columns(tables.FACT))
    for number in numbers:
        for statement in _TAKEN:
            whose = _WHOSE.format(number=number)
            query = statement.format(number=number, whose=whose, person=person, fact=fact)
            connection.execute(query)


def _everybody(generations: int) -> str:
    """Return the query of everybody as last judged: of each generation who is in no later one."""
    found = []
    for number in range(generations):
        later = [f"SELECT id FROM person_{one}" for one in range(number + 1, generations)]  # noqa: S608 - names of ours
        without = f" ANTI JOIN ({' UNION ALL '.join(later)}) USING (id)" if later else ""
        found.append(_EVERYBODY.format(number=number) + without)
    return " UNION ALL BY NAME ".join(found)
