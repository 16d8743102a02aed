"""The rows of a REDCap record in one: what a subject is stands on several forms and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.errors import RecordError
from netfhir.sources.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sources.assemble import Assembly
    from netfhir.trial.export import SubjectSource


def gathered(source: SubjectSource, assembly: Assembly) -> Iterator[Row | RecordError]:
    """Yield a row a subject: as it stands, or with the cells of all its rows in one."""
    if source.table:
        yield from assembly.tables.rows(source)
        return
    records: dict[str, Row | RecordError] = {}
    for row in assembly.tables.rows(source):
        if isinstance(row, RecordError):
            yield row
            continue
        number = row.cells[source.subject]
        known = records.get(number)
        if known is None or isinstance(known, RecordError):
            records.setdefault(number, row)
        else:
            records[number] = _joined(known, row, source)
    for number, record in records.items():
        if isinstance(record, RecordError):
            assembly.rejected.add(number)
        yield record


def _joined(known: Row, row: Row, source: SubjectSource) -> Row | RecordError:
    cells = dict(known.cells)
    for column in _columns(source):
        cell = row.cells[column]
        if cell and cells[column] and cell != cells[column]:
            return RecordError(
                "contradiction",
                where=row.where(column),
                found="another value than in an earlier row of the record",
                expected="one value of this field in a record",
                remedy="correct the record in the source",
            )
        cells[column] = cells[column] or cell
    return Row(known.file, known.number, cells)


def _columns(source: SubjectSource) -> set[str]:
    places = [source.site, source.arm, source.actual_arm]
    plain = [source.consented, source.randomised, source.randomisation_number]
    plain += [other.column for other in source.other_numbers]
    for state in (state for state in source.states if not state.table):
        plain += [state.state.column, state.since, state.reason, state.order]
    return {name for name in [*plain, *(place.column for place in places if place)] if name}
