"""The engine for whole hospitals: typed reads into narrow tables, criteria compiled to SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from netfhir.screening.engines import flattening, sql, sql_criteria, tables
from netfhir.screening.engines.python import permitted
from netfhir.screening.facts import Fact, Gap
from netfhir.screening.files import Source, missing, sources
from netfhir.screening.intake import Intake, records
from netfhir.screening.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from netfhir.screening.protocol import Protocol

NAME = "duckdb"
_ROWS = "patient, criterion, status, cause, evidence, resolves_on, question"


@dataclass(slots=True)
class Warehouse:
    """A hospital's facts and verdicts in DuckDB, for one screening; spills to `folder`."""

    protocol: Protocol
    intake: Intake
    folder: Path
    memory: str = "2GB"
    connection: duckdb.DuckDBPyConnection = field(init=False)
    loader: tables.Loader = field(init=False)

    def __post_init__(self) -> None:
        """Open an empty database."""
        self.connection = duckdb.connect()
        self.connection.execute(f"SET memory_limit = '{self.memory}'")
        self.connection.execute("SET temp_directory = $folder", {"folder": str(self.folder)})
        self.connection.execute("SET preserve_insertion_order = false")
        tables.create(self.connection)
        flattening.prepare(self.connection, self.intake.reader)
        self.loader = tables.Loader(self.connection, self.folder)

    def read(self, data: Path, tell: Callable[[str], None]) -> None:
        """Read an export: people and consents line by line, clinical files by type."""
        found = sources(data)
        for kind in missing(data, self.intake.tally):
            self.loader.gap(Gap("", kind, "data-error"))
        people = [one for one in found if one.type not in SHAPES]
        self._people(sorted(people, key=lambda one: one.type != "Medication"))
        flattening.medications(self.connection, self.intake.medications)
        for source in found:
            if source.type in SHAPES:
                tell(f"reading {source.path.name}")
                self._clinical(source)
        self.loader.flush()

    def _people(self, found: list[Source]) -> None:
        """Read who there is; of files without a type in their name, everything."""
        others: list[Fact | Gap] = []
        items = []
        for source in found:
            for item in self.intake.items(source):
                if isinstance(item, Fact) or (isinstance(item, Gap) and item.type != "Patient"):
                    others.append(item)
                else:
                    items.append(item)
        for record in records(items, self.intake.tally).values():
            may = permitted(self.protocol, record.consents)
            self.loader.person(record.person, permitted=may, broken=bool(record.gaps))
        for other in others:
            self._take(other)

    def _take(self, item: Fact | Gap) -> None:
        if isinstance(item, Fact):
            self.loader.fact(item)
        else:
            self.loader.gap(item)

    def _clinical(self, source: Source) -> None:
        tally, name = self.intake.tally, source.path.name
        try:
            sums = flattening.read(self.connection, source, self.intake.reader)
        except flattening.UncleanError:
            for item in self.intake.items(source):
                if isinstance(item, Fact | Gap):
                    self._take(item)
            return
        tally.resources[source.type] += sums["resources"]
        for code in ("no-patient", "unreadable-value"):
            if sums[code]:
                tally.problems[code, name] += sums[code]
                tally.first.setdefault((code, name), 0)
        if sums["no-patient"]:
            self.loader.gap(Gap("", source.type, "data-error"))

    def judge(self) -> None:
        """Give every patient a verdict for each criterion, in the table `verdict`."""
        self.loader.flush()
        orphans = self.connection.execute(
            "SELECT type, count(*) FROM read_fact "
            "WHERE patient NOT IN (SELECT id FROM person) GROUP BY type"
        ).fetchall()
        for kind, count in orphans:
            self.intake.tally.problems["unknown-patient", kind] += count
            self.intake.tally.first.setdefault(("unknown-patient", kind), 0)
        self.connection.execute(tables.PREPARED, {"as_of": self.protocol.as_of})
        self.connection.execute("DROP TABLE read_fact")
        for ordinal, key in enumerate(self.protocol.file.criteria):
            query = sql.text(sql_criteria.criterion(self.protocol, key, ordinal))
            first = f"CREATE TABLE verdict AS {query}"
            self.connection.execute(first if ordinal == 0 else f"INSERT INTO verdict {query}")

    def write(self, path: Path) -> None:
        """Write the rows of verdicts.ndjson, by patient and criterion."""
        self.connection.execute(
            f"COPY (SELECT {_ROWS} FROM verdict ORDER BY patient, ordinal) "  # noqa: S608 - names of ours
            f"TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT json, USE_TMP_FILE false)"
        )
