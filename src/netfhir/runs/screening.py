"""`netfhir screen` and `explain`: a hospital's export against a trial's criteria, as files."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self

import orjson

from netfhir.errors import FormatError
from netfhir.screening import protocol, rollup
from netfhir.screening.changes import changes
from netfhir.screening.engines import duckdb, keeping, python, sums
from netfhir.screening.intake import Intake, export, records
from netfhir.screening.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from netfhir.screening.facts import Record
    from netfhir.screening.protocol import Protocol
    from netfhir.screening.rollup import Candidate
    from netfhir.trial.declaration import Trial

Engine = Literal["duckdb", "python"]


@dataclass(frozen=True, slots=True)
class Nights:
    """Whether a screening goes on from an earlier one, and keeps what the next one needs."""

    previous: Path | None = None
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Screened:
    """What a run gave: the document funnel.json, and the ranked candidates."""

    funnel: dict[str, Any]
    ranked: list[Candidate]

    def statuses(self) -> set[int]:
        """Return the exit statuses that it calls for: input that could not be read is 65."""
        return {65} if self.funnel["problems"] else set()


def run(  # noqa: PLR0913 - what a run is told
    trial: Trial,
    data: Path,
    out: Path,
    as_of: date,
    *,
    engine: Engine = "duckdb",
    nights: Nights | None = None,
    tell: Callable[[str], None],
) -> Screened:
    """Write verdicts.ndjson, candidates.ndjson and funnel.json into the folder `out`.

    After an earlier screening, verdicts.ndjson and the unranked candidates are of those alone whom
    the export or the day touches; the sums and the ranking are of everybody.
    """
    nights = nights or Nights()
    asked = protocol.load(trial, as_of)
    intake = Intake(Reader(asked.sets, asked.file.unit_spellings), every=bool(nights.previous))
    with _Folder(out) as folder:
        whole = _Run(asked, intake, data, folder, nights, tell)
        funnel, ranked, others = (_by_python if engine == "python" else _by_duckdb)(whole)
        file = folder.open("candidates.ndjson")
        file.writelines(_line(one.as_row()) for one in ranked)
        file.writelines(_line(one.as_row()) for one in others)
        body = rollup.document(asked, engine, funnel, intake.tally.rows())
        folder.open("funnel.json").write(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
    return Screened(body, ranked)


Judged = tuple["rollup.Funnel", "list[Candidate]", "Iterable[Candidate]"]


@dataclass(frozen=True, slots=True)
class _Run:
    """What an engine is told."""

    asked: Protocol
    intake: Intake
    data: Path
    folder: _Folder
    nights: Nights
    tell: Callable[[str], None]


def _by_python(run: _Run) -> Judged:
    run.tell(f"reading {run.data.name}")
    people = records(export(run.data, run.intake), run.intake.tally)
    run.tell(f"judging {len(people)} patients by {len(run.asked.file.criteria)} criteria")
    funnel, candidates = rollup.Funnel(), []
    file = run.folder.open("verdicts.ndjson")
    for record in people.values():
        verdicts = python.verdicts(run.asked, record)
        file.writelines(_line(verdict.as_row()) for verdict in verdicts)
        lines = [verdict.line for verdict in verdicts]
        candidates.append(rollup.rolled_up(run.asked, lines, deceased=record.person.deceased))
        funnel.add(lines, candidates[-1])
    return funnel, rollup.ranked(candidates), [one for one in candidates if not one.ranked]


def _by_duckdb(run: _Run) -> Judged:
    previous = run.nights.previous
    held = keeping.generations(previous, run.asked) if previous else []
    warehouse = duckdb.Warehouse(run.asked, run.intake, run.folder.scratch())
    warehouse.read(run.data, run.tell, held)
    run.tell(f"judging by {len(run.asked.file.criteria)} criteria")
    warehouse.judge()
    run.tell("writing")
    warehouse.write(run.folder.path("verdicts.ndjson"))
    connection = warehouse.connection
    funnel, ranked = sums.rolled(connection, run.asked)
    if previous:
        before = sums.were(connection, len(held))
        funnel = rollup.Funnel.of(_funnel(previous)).replaced(before, funnel)
        carried = keeping.carried(held, keeping.touched(connection))
        ranked = rollup.ranked([*ranked, *carried])
    if run.nights.keep or previous:
        generation = keeping.carry(held, run.folder.empty(keeping.FOLDER))
        keeping.save(connection, run.asked, ranked, generation)
    return funnel, ranked, sums.others(connection)


def compare(before: Path, out: Path, *, partial: bool = False) -> int:
    """Write changes.ndjson into `out`: what is not as in the screening of the folder `before`.

    `partial`: only of those whom a night touches.

    Raises FormatError where `before` holds no screening. Returns how many verdicts changed.
    """
    digests = {_funnel(folder)["criteria_digest"] for folder in (before, out)}
    count = 0
    with ExitStack() as files, _Folder(out) as folder:
        old, new = (_rows(files.enter_context(_verdicts(one))) for one in (before, out))
        written = folder.open("changes.ndjson")
        for row in changes(old, new, amended=len(digests) > 1, partial=partial):
            written.write(_line(row))
            count += 1
    return count


def _funnel(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads((folder / "funnel.json").read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise FormatError(
            "no-screening",
            where=folder.name,
            found="no funnel.json that can be read",
            expected="the folder that an earlier `netfhir screen` wrote",
            remedy="name that folder with --before",
        ) from error
    return found


def _verdicts(folder: Path) -> BinaryIO:
    return (folder / "verdicts.ndjson").open("rb")


def _rows(file: BinaryIO) -> Iterator[dict[str, Any]]:
    return (orjson.loads(line) for line in file)


def one(trial: Trial, data: Path, patient: str, as_of: date) -> tuple[Protocol, Record]:
    """Return the screening and one patient's record; FormatError where there is no such patient."""
    asked = protocol.load(trial, as_of)
    intake = Intake(Reader(asked.sets, asked.file.unit_spellings), only=patient)
    found = records(export(data, intake), intake.tally)
    if patient not in found:
        raise FormatError(
            "unknown-patient",
            where=data.name,
            found="no Patient of that id",
            expected="the id of a Patient in the export",
            remedy="take the id from verdicts.ndjson or candidates.ndjson",
        )
    return asked, found[patient]


def _line(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row) + b"\n"


class _Folder:
    """Files of one run, private, put in place together when all of them are whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: list[str] = []
        self._files = ExitStack()

    def __enter__(self) -> Self:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def path(self, name: str) -> Path:
        """Return where to write a file before it is put in place; it exists, and is empty."""
        partial = self._path / f".{name}.partial"
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        self._names.append(name)
        return partial

    def open(self, name: str) -> BinaryIO:
        """Open a file to be written."""
        return self._files.enter_context(self.path(name).open("wb"))

    def empty(self, name: str) -> Path:
        """Return a folder without anything in it."""
        path = self._path / name
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(mode=0o700)
        return path

    def scratch(self) -> Path:
        """Return a folder for what does not fit into memory; it goes when the run ends."""
        return Path(self._files.enter_context(TemporaryDirectory(prefix=".", dir=self._path)))

    def __exit__(self, kind: object, *_: object) -> None:
        self._files.close()
        for name in self._names:
            partial = self._path / f".{name}.partial"
            if kind is None:
                partial.replace(self._path / name)
            else:
                partial.unlink()
