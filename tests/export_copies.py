"""Small exports of both trials in a folder of their own, to be damaged cell by cell."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "NCT05987176"
REDCAP_SUBJECTS = ("S01-001", "S01-002")
SDTM_SUBJECTS = ("CDISC001", "CDISC002")
DOMAINS = ("ae", "dm", "ds", "ex", "lb", "vs")
_ROWS_A_SUBJECT = 12

Rows = list[list[str]]


@dataclass
class CsvCopy:
    """A CSV file whose cells can be changed; line numbers are those of the file."""

    path: Path

    def rows(self) -> Rows:
        """Return the lines as cells, the header first."""
        with self.path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def write(self, rows: Rows) -> None:
        """Replace the file."""
        with self.path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    def line_with(self, column: str) -> int:
        """Return the first line in which a column is filled."""
        rows = self.rows()
        at = rows[0].index(column)
        return next(line for line, row in enumerate(rows[1:], 2) if row[at])

    def set(self, column: str, cell: str, line: int = 0) -> str:
        """Set a cell, of the first line that fills it by default; return `file:line:column`."""
        line = line or self.line_with(column)
        rows = self.rows()
        rows[line - 1][rows[0].index(column)] = cell
        self.write(rows)
        return f"{self.path.name}:{line}:{column}"

    def set_all(self, column: str, cell: str, where: Callable[[dict[str, str]], bool]) -> None:
        """Set a cell in every line that `where` picks."""
        rows = self.rows()
        at = rows[0].index(column)
        for row in rows[1:]:
            if where(dict(zip(rows[0], row, strict=True))):
                row[at] = cell
        self.write(rows)

    def repeat(self, line: int) -> int:
        """Append a line once more; return the number of the new one."""
        rows = self.rows()
        self.write([*rows, rows[line - 1]])
        return len(rows) + 1

    def drop_column(self, column: str) -> None:
        """Remove a column."""
        rows = self.rows()
        at = rows[0].index(column)
        self.write([row[:at] + row[at + 1 :] for row in rows])


def redcap(folder: Path, subjects: tuple[str, ...] = REDCAP_SUBJECTS) -> CsvCopy:
    """Return the REDCap export of a few subjects, its dictionary and crosswalk beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("redcap/data.csv", "redcap/dictionary.csv", "crosswalk.csv"):
        shutil.copy(FIXTURES / name, folder)
    export = CsvCopy(folder / "data.csv")
    header, *rows = export.rows()
    export.write([header, *(row for row in rows if row[0] in subjects)])
    return export


def sdtm(folder: Path, shared: Path) -> dict[str, CsvCopy]:
    """Return a few rows of two subjects of the CDISC pilot as CSV, by domain."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for domain in DOMAINS:
        columns, rows = _dataset(shared / "sdtm" / "cdisc-datasetjson", domain)
        made[domain] = CsvCopy(folder / f"{domain}.csv")
        made[domain].write([columns, *_few(rows, columns.index("USUBJID"))])
    return made


def _dataset(folder: Path, domain: str) -> tuple[list[str], Rows]:
    (path,) = (p for p in folder.iterdir() if p.name in {f"{domain}.json", f"{domain}.json.gz"})
    octets = path.read_bytes()
    body = json.loads(gzip.decompress(octets) if path.suffix == ".gz" else octets)
    columns = [str(column["name"]) for column in body["columns"]]
    rows = [["" if cell is None else str(cell) for cell in row] for row in body["rows"]]
    return columns, rows


def _few(rows: Rows, subject: int) -> Rows:
    return [
        row
        for number in SDTM_SUBJECTS
        for row in [row for row in rows if row[subject] == number][:_ROWS_A_SUBJECT]
    ]
