"""A REDCap data dictionary: what each field is, and which columns it has in a raw export.

Source: the dictionary as CSV, with the headers of the web page or of the API.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netfhir.errors import FormatError, RecordError
from netfhir.sources.delimited import csv_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from netfhir.sources.row import Record, Row

#: API header -> the headers that the web page gives the same column.
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "field_name": ("Variable / Field Name",),
    "form_name": ("Form Name",),
    "field_type": ("Field Type",),
    "field_label": ("Field Label",),
    "select_choices_or_calculations": (
        "Choices, Calculations, OR Slider Labels",
        "Choices OR Calculations",
    ),
    "text_validation_type_or_show_slider_number": ("Text Validation Type OR Show Slider Number",),
    "text_validation_min": ("Text Validation Min",),
    "text_validation_max": ("Text Validation Max",),
    "identifier": ("Identifier?",),
}
_CHOOSING = frozenset({"radio", "dropdown", "checkbox"})
_TRUTH = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}
_COMPLETE = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
_SIGN = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the dictionary, or one column that REDCap derives from it."""

    name: str
    form: str
    type: str
    label: str = ""
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Code -> label."""
    validation: str = ""
    minimum: str = ""
    maximum: str = ""
    identifier: bool = False
    """The field names a person."""

    @property
    def is_checkbox_option(self) -> bool:
        """Tell whether this is the yes-or-no column of one choice."""
        return "___" in self.name

    @property
    def has_decimal_comma(self) -> bool:
        """Tell whether numbers are kept with a decimal comma."""
        return self.validation.endswith("_comma_decimal")


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The fields of a project by name, in their order; the first one identifies the record."""

    file: str
    fields: Mapping[str, Field]

    @property
    def record_field(self) -> str:
        """Return the name of the field that identifies the record."""
        return next(iter(self.fields))

    @property
    def forms(self) -> tuple[str, ...]:
        """Return the names of the instruments, in their order."""
        return tuple(dict.fromkeys(field.form for field in self.fields.values()))

    def columns(self, missing: Iterable[str] = ()) -> dict[str, Field]:
        """Return column of a raw export -> the field of its cells.

        A checkbox has a yes-or-no column for each choice, and one for each missing-data code
        where the project has such; a descriptive text has none.
        """
        found: dict[str, Field] = {}
        for field in self.fields.values():
            if field.type == "checkbox":
                names = [f"{field.name}___{_code(code)}" for code in (*field.choices, *missing)]
                found.update((name, _option(field, name)) for name in names)
            elif field.type != "descriptive":
                found[field.name] = field
        return found

    def status_column(self, column: str) -> Field | None:
        """Return the field of `<form>_complete`, or None where the column is none."""
        form = column.removesuffix("_complete")
        if form == column or form not in self.forms:
            return None
        return Field(column, form, "dropdown", "Complete?", _COMPLETE)


def _option(checkbox: Field, column: str) -> Field:
    return replace(checkbox, name=column, type="yesno", choices=_TRUTH["yesno"])


def same_column(column: str) -> str:
    """Return what two spellings of a checkbox column share: REDCap changes case and dashes."""
    name, mark, code = column.partition("___")
    return f"{name}{mark}{_code(code)}" if mark else column


def _code(code: str) -> str:
    return _SIGN.sub("_", code.lower())


def read_dictionary(path: Path) -> Dictionary:
    """Return the dictionary of a project.

    Raises FormatError where the file is no dictionary, or says something twice or not at all.
    """
    table = csv_table(path)
    headers = {
        name: header
        for name, others in _HEADERS.items()
        for header in (name, *others)
        if header in table.columns
    }
    for needed in ("field_name", "form_name", "field_type"):
        if needed not in headers:
            raise FormatError(
                "not-a-dictionary",
                where=f"{path.name}:1:{needed}",
                found="no such column",
                expected=f"the column `{needed}`, or `{_HEADERS[needed][0]}`",
                remedy="download the data dictionary of the project as CSV",
            )
    fields = _unique(_fields(table.rows, headers))
    if not fields:
        raise _bad(f"{path.name}:2", "no field")
    return Dictionary(path.name, fields)


def _unique(fields: Iterable[tuple[Row, Field]]) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for row, field in fields:
        if field.name in found:
            raise _bad(row.where(field.name), "a field that is defined twice")
        found[field.name] = field
    return found


def _fields(rows: Iterable[Record], headers: Mapping[str, str]) -> Iterator[tuple[Row, Field]]:
    for row in rows:
        if isinstance(row, RecordError):
            raise _bad(row.where, row.found) from row
        given = {name: row.cells[header].strip() for name, header in headers.items()}
        if not (given["field_name"] and given["form_name"] and given["field_type"]):
            raise _bad(row.where(), "a field without name, form or type")
        yield row, _field(given, row)


def _field(given: Mapping[str, str], row: Row) -> Field:
    kind = given["field_type"]
    choices = _TRUTH.get(kind, {})
    if kind in _CHOOSING:
        choices = _choices(given.get("select_choices_or_calculations", ""))
        if not choices:
            raise _bad(row.where(given["field_name"]), f"a {kind} field without choices")
    return Field(
        name=given["field_name"],
        form=given["form_name"],
        type=kind,
        label=given.get("field_label", ""),
        choices=choices,
        validation=given.get("text_validation_type_or_show_slider_number", ""),
        minimum=given.get("text_validation_min", ""),
        maximum=given.get("text_validation_max", ""),
        identifier=given.get("identifier", "").lower() == "y",
    )


def _choices(text: str) -> dict[str, str]:
    """Return code -> label of `code, label | code, label`."""
    parts = [part.partition(",") for part in text.split("|")]
    return {
        code.strip(): label.strip() if comma else code.strip()
        for code, comma, label in parts
        if code.strip()
    }


def _bad(where: str, found: str) -> FormatError:
    return FormatError(
        "bad-dictionary",
        where=where,
        found=found,
        expected="each field once, with its form, its type and, where it has such, its choices",
        remedy="download the data dictionary again, and do not save it with a spreadsheet",
    )
