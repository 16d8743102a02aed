"""The tables of the DuckDB engine, and what fills them line by line where a file is not clean."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

    from netfhir.screening.facts import Fact, Gap, Person

FACT = (
    "patient TEXT, concept TEXT, type TEXT, id TEXT, version TEXT, updated TEXT, code TEXT, "
    "since DATE, lo DATE, hi DATE, number DECIMAL(28, 10), comparator TEXT, unit TEXT, "
    "low DECIMAL(28, 10), high DECIMAL(28, 10), weak BOOLEAN, ended BOOLEAN, defect TEXT"
)
PERSON = (
    "id TEXT, version TEXT, updated TEXT, gender TEXT, born_lo DATE, born_hi DATE, "
    "deceased BOOLEAN, permitted BOOLEAN, born_broken BOOLEAN"
)
GAP = "patient TEXT, type TEXT, cause TEXT, concept TEXT"
BATCH = 50_000

#: One fact for each resource and concept, as it was on the day, with what orders it in time.
PREPARED = """
CREATE TABLE fact AS
SELECT *,
  regexp_replace(regexp_replace(CAST(number AS TEXT), '0+$', ''), '\\.$', '') AS number_text,
  regexp_replace(regexp_replace(CAST(low AS TEXT), '0+$', ''), '\\.$', '') AS low_text,
  regexp_replace(regexp_replace(CAST(high AS TEXT), '0+$', ''), '\\.$', '') AS high_text,
  type || chr(1) || id AS place_key,
  COALESCE(CAST(hi AS TEXT), '0001-01-01') || chr(1) || type || chr(1) || id AS rank
FROM (
  SELECT * REPLACE (
    CASE WHEN lo IS NULL AND since IS NOT NULL THEN greatest(since, $as_of) ELSE lo END AS lo,
    CASE WHEN lo IS NULL AND since IS NOT NULL THEN greatest(since, $as_of)
         WHEN lo <= $as_of AND hi > $as_of THEN $as_of ELSE hi END AS hi)
  FROM read_fact WHERE patient IN (SELECT id FROM person)
  QUALIFY row_number() OVER (PARTITION BY patient, concept, type, id
    ORDER BY updated DESC, length(version) DESC, version DESC) = 1)
"""


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that reading fills."""
    connection.execute(f"CREATE TABLE read_fact ({FACT})")
    connection.execute(f"CREATE TABLE person ({PERSON})")
    connection.execute(f"CREATE TABLE gap ({GAP})")


class Loader:
    """Takes rows one by one and puts them into their tables in batches, by way of a file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._path = folder / "rows.ndjson"
        self._rows: dict[str, list[bytes]] = {"read_fact": [], "gap": [], "person": []}

    def fact(self, fact: Fact) -> None:
        """Take a fact."""
        self._take("read_fact", _named(fact))

    def gap(self, gap: Gap) -> None:
        """Take a gap."""
        self._take("gap", _named(gap))

    def person(self, person: Person, *, permitted: bool, broken: bool) -> None:
        """Take a patient, with whether the record may be screened and the birth be read."""
        self._take("person", {**_named(person), "permitted": permitted, "born_broken": broken})

    def flush(self) -> None:
        """Put all rows into their tables."""
        for table in self._rows:
            self._flush(table)

    def _take(self, table: str, row: dict[str, object]) -> None:
        self._rows[table].append(orjson.dumps(row, default=str) + b"\n")
        if len(self._rows[table]) >= BATCH:
            self._flush(table)

    def _flush(self, table: str) -> None:
        if not self._rows[table]:
            return
        self._path.write_bytes(b"".join(self._rows[table]))
        self._rows[table].clear()
        shape = {"read_fact": FACT, "gap": GAP, "person": PERSON}[table]
        columns = ", ".join(f"{n}: '{t}'" for n, t in _columns(shape))
        self._connection.execute(
            f"INSERT INTO {table} SELECT * FROM read_json($path, "  # noqa: S608 - names of ours
            f"format = 'newline_delimited', columns = {{{columns}}})",
            {"path": str(self._path)},
        )
        self._path.unlink()


def _columns(shape: str) -> Iterable[tuple[str, str]]:
    for part in shape.replace("(28, 10)", "(28;10)").split(", "):
        name, _, kind = part.partition(" ")
        yield name, "TEXT" if kind.startswith("DECIMAL") else kind


def _named(row: Fact | Gap | Person) -> dict[str, object]:
    return {field.name: getattr(row, field.name) for field in fields(row)}
