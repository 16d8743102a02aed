"""Rows read one by one, where a file is not clean, into the tables of the DuckDB engine."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import orjson

from netfhir.screening.engines.tables import SCALES, SHAPES, columns

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    import duckdb

    from netfhir.screening.facts import Consent, Fact, Gap, Person

BATCH = 50_000


class Loader:
    """Takes rows one by one and puts them into their tables in batches, by way of a file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._path = folder / "rows.ndjson"
        self._rows: dict[str, list[bytes]] = {table: [] for table in SHAPES}

    def fact(self, fact: Fact) -> None:
        """Take a fact."""
        scales = (_scale(one) for one in (fact.number, fact.low, fact.high))
        self._take("read_fact", {**_named(fact), **dict(zip(SCALES, scales, strict=True))})

    def gap(self, gap: Gap) -> None:
        """Take a gap."""
        self._take("gap", _named(gap))

    def person(self, person: Person) -> None:
        """Take a patient."""
        self._take("read_person", _named(person))

    def consent(self, patient: str, consent: Consent) -> None:
        """Take a patient's decision."""
        self._take("read_consent", {"patient": patient, **_named(consent)})

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
        listed = ", ".join(f"{n}: '{t}'" for n, t in columns(SHAPES[table]))
        self._connection.execute(
            f"INSERT INTO {table} SELECT * FROM read_json($path, "  # noqa: S608 - names of ours
            f"format = 'newline_delimited', columns = {{{listed}}})",
            {"path": str(self._path)},
        )
        self._path.unlink()


def _scale(number: Decimal | None) -> int:
    """Return how many decimal places a number is written with."""
    return 0 if number is None else len(format(number, "f").partition(".")[2])


def _named(row: Fact | Gap | Person | Consent) -> dict[str, object]:
    return {field.name: getattr(row, field.name) for field in fields(row)}
