"""The engine for whole hospitals: typed reads into narrow tables, criteria compiled to SQL."""

from __future__ import annotations

import gc
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from netfhir.screening.engines import (
    flat_people,
    flattening,
    keeping,
    loading,
    sql,
    sql_criteria,
    sql_places,
    tables,
)
from netfhir.screening.facts import Fact, Gap, Person
from netfhir.screening.files import Source, missing, sources
from netfhir.screening.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from netfhir.screening.intake import Intake
    from netfhir.screening.protocol import Protocol

NAME = "duckdb"
_FACTS_EACH = 16
"""How many facts a patient may have on the whole."""
_PIECE = 16 * 1024 * 1024
_KEYS = ("patient", "criterion", "status", "cause", "evidence", "resolves_on", "question")
#: Rows as JSON before they are put in order: text is sorted faster than lists of evidence. It is
#: written as it is, for JSON has neither line ends nor control characters in it.
_ROWS = f"""
COPY (SELECT line FROM (
    SELECT pno, ordinal, CAST(to_json({{{", ".join(f"'{key}': {key}" for key in _KEYS)}}}) AS TEXT)
      AS line FROM verdict WHERE pno BETWEEN $first AND $last)
  ORDER BY pno, ordinal)
TO '{{path}}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\\x01',
  USE_TMP_FILE false)
"""  # noqa: S608 - names of ours


@dataclass(slots=True)
class Warehouse:
    """A hospital's facts and verdicts in DuckDB, for one screening; spills to `folder`."""

    protocol: Protocol
    intake: Intake
    folder: Path
    memory: str = "1600MB"
    at_once: int = 60_000
    """The rows and facts of so many patients are put in order at a time: memory does not grow."""
    connection: duckdb.DuckDBPyConnection = field(init=False)
    loader: loading.Loader = field(init=False)
    parts: dict[str, bool] = field(default_factory=dict)
    """Tables of facts, one a file, and whether it has coded results."""

    def __post_init__(self) -> None:
        """Open an empty database."""
        self.connection = duckdb.connect()
        self.connection.execute(f"SET memory_limit = '{self.memory}'")
        self.connection.execute("SET temp_directory = $folder", {"folder": str(self.folder)})
        self.connection.execute("SET preserve_insertion_order = false")
        tables.create(self.connection)
        flattening.prepare(self.connection, self.intake.reader)
        self.loader = loading.Loader(self.connection, self.folder)

    def read(self, data: Path, tell: Callable[[str], None], held: Sequence[Path] = ()) -> None:
        """Read an export: clean files by type, Medications first, for others refer to them.

        After earlier screenings, take up what they kept (`held`) of whom this one touches.
        """
        found = sources(data, partial=bool(held))
        self.intake.medications.update(keeping.medications(self.connection, held))
        for kind in missing(data, self.intake.tally):
            self.loader.gap(Gap("", kind, "data-error"))
        for source in (one for one in found if one.type == "Medication"):
            self._by_line(source)
        flattening.medications(self.connection, self.intake.medications)
        for source in (one for one in found if one.type != "Medication"):
            tell(f"reading {source.path.name}")
            try:
                self._by_type(source)
            except flattening.UncleanError:
                self._by_line(source)
        self.loader.flush()
        if held:
            keeping.take_up(self.connection, held, self.protocol.as_of)

    def _by_line(self, source: Source) -> None:
        for item in self.intake.items(source):
            match item:
                case Person():
                    self.loader.person(item)
                case Fact():
                    self.loader.fact(item)
                case Gap():
                    self.loader.gap(item)
                case (patient, consent):
                    self.loader.consent(patient, consent)

    def _by_type(self, source: Source) -> None:
        if not source.type:
            raise flattening.UncleanError
        if source.type not in SHAPES:
            self._problems("malformed", source, flat_people.read(self.connection, source))
            return
        part = f"part_{len(self.parts)}"
        sums = flattening.read(self.connection, source, self.intake, part)
        self.parts[part] = source.type == "Observation"
        for code, count in sums.items():
            self._problems(code, source, count)
        if sums["no-patient"]:
            self.loader.gap(Gap("", source.type, "data-error"))

    def _problems(self, code: str, source: Source, count: int) -> None:
        if count:
            self.intake.tally.problems[code, source.path.name] += count
            self.intake.tally.first.setdefault((code, source.path.name), 0)

    def judge(self) -> None:
        """Give every patient a verdict for each criterion, in the view `verdict`."""
        self._prepare()
        self.judge_by(self.protocol, "verdict")

    def judge_by(self, protocol: Protocol, view: str) -> None:
        """Judge by a trial of the same day, in a view of that name: one reading serves them all.

        Each criterion has a thread of its own: that takes less time than to share all of them.
        """
        self.connection.execute("SET threads = 1")
        with ThreadPoolExecutor(os.cpu_count()) as workers, _kept_garbage():
            statements = _statements(protocol, view)
            for done in [workers.submit(self._judged, one) for one in statements]:
                done.result()
        self.connection.execute("RESET threads")
        rows = " UNION ALL ".join(f"FROM {view}_{key}" for key in protocol.file.criteria)
        self.connection.execute(f"CREATE VIEW {view} AS {rows}")

    def _judged(self, statement: str) -> None:
        """Run a statement beside others."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def _prepare(self) -> None:
        """Make the tables that criteria are judged by: person, fact and gap_of."""
        self.loader.flush()
        tally, as_of = self.intake.tally, self.protocol.as_of
        unasked = self.protocol.site.consent == "opt-out"
        copies = tables.people(self.connection, as_of, unasked=unasked)
        if copies:
            tally.problems["duplicate-patient", "Patient"] += copies
            tally.first.setdefault(("duplicate-patient", "Patient"), 0)
        at_once = _FACTS_EACH * self.at_once
        orphans = tables.facts(self.connection, self.parts, as_of, at_once=at_once)
        for kind, count in (+orphans).items():
            tally.problems["unknown-patient", kind] += count
            tally.first.setdefault(("unknown-patient", kind), 0)
        for concept in sql_criteria.events(self.protocol):
            self.connection.execute(sql.text(sql_places.latest_made(concept, as_of)))

    def write(self, path: Path) -> None:
        """Write the rows of verdicts.ndjson, by patient and criterion."""
        (patients,) = self.connection.execute("SELECT count(*) FROM person").fetchone() or (0,)
        more = self.folder / "rows.ndjson"
        for first in range(1, patients + 1, self.at_once):
            target = str(more if first > 1 else path).replace("'", "''")
            span = {"first": first, "last": first + self.at_once - 1}
            self.connection.execute(_ROWS.replace("{path}", target), span)
            if first > 1:
                with path.open("ab") as whole, more.open("rb") as part:
                    shutil.copyfileobj(part, whole, _PIECE)


def _statements(protocol: Protocol, view: str) -> Iterator[str]:
    """Yield what makes the verdicts of each criterion: the first run while others are built."""
    for ordinal, key in enumerate(protocol.file.criteria):
        made = sql.text(sql_criteria.criterion(protocol, key, ordinal))
        yield f"CREATE TABLE {view}_{key} AS {made}"


@contextmanager
def _kept_garbage() -> Iterator[None]:
    """Collect no garbage for a while.

    The trees of SQL refer to their parents: to look for garbage among them takes as long as to
    build them.
    """
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()
