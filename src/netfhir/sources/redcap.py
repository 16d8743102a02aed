"""A raw REDCap export with its data dictionary: which record, event, form and repeat a row is.

Missing-data codes are the caller's and are tested before any value is read. What the export lacks
or has beyond its dictionary stops it: export rights drop fields without a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netfhir.errors import RecordError
from netfhir.sources.delimited import csv_table
from netfhir.sources.dictionary import Dictionary, Field, read_dictionary
from netfhir.sources.redcap_header import EVENT, GROUP, INSTANCE, INSTRUMENT, matched
from netfhir.sources.validation import expected, outside, point

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from netfhir.sources.row import Row, Table


_INSTANCE = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class RedcapRecord:
    """A row and where it belongs; `instrument` is "" unless the row repeats one instrument.

    An `instance` without an instrument is that of a repeating event. `group` is the data access
    group. Numbers of fields with a decimal comma have a point in `row`.
    """

    row: Row
    record_id: str
    event: str
    instrument: str
    instance: str
    group: str

    def holds(self, form: str) -> bool:
        """Tell whether the row may hold data of a form: elsewhere blank means not applicable."""
        return self.instrument in {"", form}


@dataclass(frozen=True, slots=True)
class RedcapExport:
    """An export whose header agrees with its dictionary; `fields` is column -> its field.

    REDCap's own columns have no field, save `<form>_complete`.
    """

    table: Table
    dictionary: Dictionary
    fields: Mapping[str, Field]
    missing: Mapping[str, str]

    def records(self) -> Iterator[RedcapRecord | RecordError]:
        """Yield the records in file order, a RecordError for each row that belongs nowhere.

        A second row of the same record, event, instrument and instance is such a row.
        """
        seen: dict[tuple[str, ...], int] = {}
        commas = [name for name, field in self.fields.items() if field.has_decimal_comma]
        for row in self.table.rows:
            if isinstance(row, RecordError):
                yield row
                continue
            try:
                record = self._record(row)
                _first(record, seen)
            except RecordError as error:
                yield error
            else:
                pointed = {name: point(self.fields[name], row.cells[name]) for name in commas}
                yield replace(record, row=replace(row, cells={**row.cells, **pointed}))

    def absent(self, cell: str) -> str | None:
        """Return the reason that a missing-data code stands for; None where the cell is none."""
        return self.missing.get(cell)

    def check(self, column: str, cell: str) -> str:
        """Return what the cell's field expects; "" where it fits, is blank or is a missing code."""
        field = self.fields.get(column)
        return "" if field is None or cell in self.missing else expected(field, cell)

    def problems(self, record: RedcapRecord) -> Iterator[RecordError]:
        """Yield a RecordError for each cell that does not fit its field or stands on another form.

        A 0 in a checkbox of another form is none: some versions of REDCap write it everywhere.
        """
        for column, cell in record.row.cells.items():
            field = self.fields.get(column)
            if field is None or not cell:
                continue
            if wanted := self.check(column, cell):
                yield _unfit(record.row.where(column), wanted)
            elif record.holds(field.form) or column == self.dictionary.record_field:
                continue
            elif not (field.is_checkbox_option and cell == "0"):
                yield _misplaced(record, column)

    def warnings(self, record: RedcapRecord) -> Iterator[str]:
        """Yield `file:row:column: …` for each value beyond the limits of its field.

        REDCap lets a person keep such a value, so none of them is refused.
        """
        for column, field in self.fields.items():
            cell = record.row.cells[column]
            if cell not in self.missing and (told := outside(field, cell)):
                yield f"{record.row.where(column)}: {told}"

    def _record(self, row: Row) -> RedcapRecord:
        cells = row.cells
        record = RedcapRecord(
            row=row,
            record_id=cells[self.dictionary.record_field],
            event=cells.get(EVENT, ""),
            instrument=cells.get(INSTRUMENT, ""),
            instance=cells.get(INSTANCE, ""),
            group=cells.get(GROUP, ""),
        )
        if not record.record_id:
            raise _nowhere(row, self.dictionary.record_field, "a blank", "the record's id")
        if EVENT in cells and not record.event:
            raise _nowhere(row, EVENT, "a blank", "the unique name of an event")
        if record.instrument and record.instrument not in self.dictionary.forms:
            known = "the unique name of an instrument: " + ", ".join(self.dictionary.forms)
            raise _nowhere(row, INSTRUMENT, "no form of the dictionary", known)
        if (record.instrument or record.instance) and not _INSTANCE.fullmatch(record.instance):
            raise _nowhere(row, INSTANCE, "no whole number", "the number of the repeat")
        return record


def open_export(
    data: Path,
    dictionary: Path,
    *,
    missing: Mapping[str, str],
    allowed_absent: Collection[str] = (),
    delimiter: str = ",",
) -> RedcapExport:
    """Return the export, its header compared with the dictionary.

    `missing` is the project's missing-data codes, code -> reason; `allowed_absent` names fields
    (or single columns) that the export may lack. Raises FormatError.
    """
    known = read_dictionary(dictionary)
    table = csv_table(data, delimiter=delimiter)
    return RedcapExport(table, known, matched(table, known, missing, allowed_absent), missing)


def _first(record: RedcapRecord, seen: dict[tuple[str, ...], int]) -> None:
    key = (record.record_id, record.event, record.instrument, record.instance)
    earlier = seen.setdefault(key, record.row.number)
    if earlier != record.row.number:
        raise RecordError(
            "duplicate-record",
            where=record.row.where(),
            found=f"the same record, event, instrument and instance as line {earlier}",
            expected="one row for each",
            remedy="export the project again; do not put exports together by hand",
        )


def _nowhere(row: Row, column: str, found: str, wanted: str) -> RecordError:
    return RecordError(
        "unplaced-row",
        where=row.where(column),
        found=found,
        expected=wanted,
        remedy="export raw data (codes and unique names, no labels), or correct the row",
    )


def _unfit(where: str, wanted: str) -> RecordError:
    return RecordError(
        "not-as-the-dictionary-says",
        where=where,
        found="a value that its field does not allow",
        expected=wanted,
        remedy="correct the value in the source, or declare it as a missing-data code",
    )


def _misplaced(record: RedcapRecord, column: str) -> RecordError:
    return RecordError(
        "misplaced-value",
        where=record.row.where(column),
        found=f"a value in a row of the instrument {record.instrument}",
        expected="a blank: the field belongs to another instrument",
        remedy="export the project again; do not edit the export",
    )
