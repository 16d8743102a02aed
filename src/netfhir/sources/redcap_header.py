"""The header of a REDCap export against its dictionary: neither may have what the other lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.errors import FormatError
from netfhir.sources.dictionary import same_column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from netfhir.sources.dictionary import Dictionary, Field
    from netfhir.sources.row import Table

EVENT = "redcap_event_name"
INSTRUMENT = "redcap_repeat_instrument"
INSTANCE = "redcap_repeat_instance"
GROUP = "redcap_data_access_group"
_OWN = frozenset({EVENT, INSTRUMENT, INSTANCE, GROUP, "redcap_survey_identifier"})
_OF_A_FORM = ("_timestamp", "_return_code")


def matched(
    table: Table,
    dictionary: Dictionary,
    missing: Iterable[str],
    allowed_absent: Collection[str],
) -> dict[str, Field]:
    """Return column -> the field of its cells, for each column that has one.

    Raises FormatError for a column that neither the dictionary nor REDCap knows, and for a field
    (or choice of a checkbox) without its column that is not in `allowed_absent`.
    """
    known = {same_column(column): field for column, field in dictionary.columns(missing).items()}
    fields: dict[str, Field] = {}
    if dictionary.record_field not in table.columns:  # first: without header, names are values
        raise _absent(table, dictionary.record_field, dictionary)
    for column in table.columns:
        found = known.get(same_column(column)) or dictionary.status_column(column)
        if found is not None:
            fields[column] = found
        elif not _own(column, dictionary):
            raise _unknown(table, column, dictionary)
    present = {same_column(column) for column in fields}
    for column in dictionary.columns():
        name = column.partition("___")[0]
        if same_column(column) not in present and not {column, name} & set(allowed_absent):
            raise _absent(table, column, dictionary)
    return fields


def _own(column: str, dictionary: Dictionary) -> bool:
    if column in _OWN:
        return True
    return any(
        column.removesuffix(ending) in dictionary.forms
        for ending in _OF_A_FORM
        if column.endswith(ending)
    )


def _unknown(table: Table, column: str, dictionary: Dictionary) -> FormatError:
    return FormatError(
        "dictionary-mismatch",
        where=f"{table.file}:1:{column}",
        found=f"the column `{column}`, which {dictionary.file} does not have",
        expected="fields of the dictionary and REDCap's own columns, by their raw names",
        remedy="use the dictionary of the same project and day, export raw data with raw headers, "
        "and declare the project's missing-data codes",
    )


def _absent(table: Table, column: str, dictionary: Dictionary) -> FormatError:
    return FormatError(
        "dictionary-mismatch",
        where=f"{table.file}:1:{column}",
        found=f"no column `{column}`, which {dictionary.file} has",
        expected="every field of the dictionary",
        remedy="give the exporting user the right to export it in full (rights drop fields without "
        "a word), or declare it in `allowed_absent`",
    )
