"""Opens a declared export, checks its columns before any row is read, and yields its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netfhir.errors import FormatError, RecordError
from netfhir.sources import sdtm
from netfhir.sources.redcap import open_export
from netfhir.sources.row import expect_rows, require
from netfhir.trial.export import columns_by_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from netfhir.sources.redcap import RedcapExport
    from netfhir.sources.row import Record, Table
    from netfhir.trial.export import Export
    from netfhir.trial.places import FactSource

DICTIONARY = "dictionary.csv"


def opened(
    export: Export, source: Path, container: str | None, dictionary: Path | None
) -> SdtmTables | RedcapTables:
    """Open an export by its declaration; FormatError where the files do not fit it."""
    if export.format == "sdtm":
        return SdtmTables.open(export, source, container)
    return RedcapTables.open(export, source, dictionary or source.parent / DICTIONARY)


@dataclass(frozen=True, slots=True)
class RedcapTables:
    """The one table of a REDCap export, read by instrument."""

    export: RedcapExport

    @classmethod
    def open(cls, export: Export, source: Path, dictionary: Path) -> RedcapTables:
        """Open the export with its dictionary, and check that it has the declared fields."""
        for path in (source, dictionary):
            if not path.is_file():
                raise FormatError(
                    "missing-file",
                    where=path.name,
                    found="no such file",
                    expected="the raw CSV export, and its data dictionary",
                    remedy="check --source and --dictionary",
                )
        redcap = open_export(
            source, dictionary, missing=export.missing, allowed_absent=export.allowed_absent
        )
        tables = [columns_by_table(entity).values() for entity in export.entities]
        used = {name for names in tables for table in names for name in table}
        require(redcap.table, sorted(used))
        return cls(redcap)

    def rows(self, source: FactSource) -> Iterator[Record]:
        """Yield the rows that hold a fact of the source's form; without a form, every row.

        Rows that belong nowhere, and values outside their form, are told once: in the latter case.
        """
        if not source.form:
            yield from self._all()
            return
        for record in self.export.records():
            if isinstance(record, RecordError) or not record.holds(source.form):
                continue
            if any(record.row.cells[column] for column in source.fact_columns):
                yield record.row

    def table(self, name: str) -> Iterator[Record]:
        """Yield the rows that hold the form of that name, whose faults `rows` tells."""
        for record in self.export.records():
            if not isinstance(record, RecordError) and record.holds(name):
                yield record.row

    def check(self, column: str, cell: str) -> str:
        """Return what the dictionary's field expects, "" where the cell fits."""
        return self.export.check(column, cell)

    def _all(self) -> Iterator[Record]:
        for record in self.export.records():
            if isinstance(record, RecordError):
                yield record
                continue
            yield from (p for p in self.export.problems(record) if p.code == "misplaced-value")
            yield record.row


@dataclass(frozen=True, slots=True)
class SdtmTables:
    """The domains that a declaration names."""

    domains: Mapping[str, Table]

    @classmethod
    def open(cls, export: Export, source: Path, container: str | None) -> SdtmTables:
        """Open the domains; FormatError for a missing file, a missing column or a cut one."""
        named: dict[str, set[str]] = {}
        for entity in export.entities:
            for domain, used in columns_by_table(entity).items():
                named.setdefault(domain, set()).update(used)
        opened = sdtm.tables(source, list(named), container=container)
        for domain, used in named.items():
            require(opened[domain], sorted(used))
        stated = export.rows
        return cls(
            {
                name: expect_rows(table, stated[name]) if name in stated else table
                for name, table in opened.items()
            }
        )

    def rows(self, source: FactSource) -> Iterator[Record]:
        """Yield the domain's rows: each is a fact."""
        return iter(self.domains[source.table].rows)

    def table(self, name: str) -> Iterator[Record]:
        """Yield the domain's rows."""
        return iter(self.domains[name].rows)

    def check(self, column: str, cell: str) -> str:
        """Return "": SDTM has no validation of its own beyond the declaration's."""
        del column, cell
        return ""
