"""`netfhir screen` and `explain`: a hospital's export against a trial's criteria, as files."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from netfhir.errors import FormatError
from netfhir.screening import protocol, rollup
from netfhir.screening.engines import python
from netfhir.screening.intake import Intake, export, records
from netfhir.screening.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

    from netfhir.screening.facts import Record
    from netfhir.screening.protocol import Protocol
    from netfhir.screening.rollup import Candidate
    from netfhir.trial.declaration import Trial


@dataclass(frozen=True, slots=True)
class Screened:
    """What a run gave: the document funnel.json, and the ranked candidates."""

    funnel: dict[str, Any]
    ranked: list[Candidate]

    def statuses(self) -> set[int]:
        """Return the exit statuses that it calls for: input that could not be read is 65."""
        return {65} if self.funnel["problems"] else set()


def run(trial: Trial, data: Path, out: Path, as_of: date, tell: Callable[[str], None]) -> Screened:
    """Write verdicts.ndjson, candidates.ndjson and funnel.json into the folder `out`."""
    asked = protocol.load(trial, as_of)
    intake = Intake(Reader(asked.sets, asked.file.unit_spellings))
    tell(f"reading {data.name}")
    people = records(export(data, intake), intake.tally)
    tell(f"judging {len(people)} patients by {len(asked.file.criteria)} criteria")
    with _Folder(out) as folder:
        funnel, candidates = rollup.Funnel(), []
        verdicts = folder.open("verdicts.ndjson")
        for record in people.values():
            rows = python.verdicts(asked, record)
            verdicts.writelines(_line(row.as_row()) for row in rows)
            candidates.append(rollup.rolled_up(asked, rows, deceased=record.person.deceased))
            funnel.add(rows, candidates[-1])
        ranked = rollup.ranked(candidates)
        folder.open("candidates.ndjson").writelines(
            _line(one.as_row()) for one in _all(ranked, candidates)
        )
        body = rollup.document(asked, python.NAME, funnel, intake.tally.rows())
        folder.open("funnel.json").write(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
    return Screened(body, ranked)


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


def _all(ranked: list[Candidate], candidates: Iterable[Candidate]) -> list[Candidate]:
    return [*ranked, *(one for one in candidates if not one.ranked)]


def _line(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row) + b"\n"


class _Folder:
    """Files of one run, put in place together when all of them are whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: list[str] = []
        self._files = ExitStack()

    def __enter__(self) -> _Folder:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def open(self, name: str) -> BinaryIO:
        """Open a private file, whole or not there at all."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        descriptor = os.open(self._path / f".{name}.partial", flags, 0o600)
        self._names.append(name)
        return self._files.enter_context(os.fdopen(descriptor, "wb"))

    def __exit__(self, kind: object, *_: object) -> None:
        self._files.close()
        for name in self._names:
            partial = self._path / f".{name}.partial"
            if kind is None:
                partial.replace(self._path / name)
            else:
                partial.unlink()
