"""The kinds of value that a registry record has: enums, dates, ages; and remarks on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from netfhir.trial.study import When
from netfhir.trial.study_design import Age

if TYPE_CHECKING:
    from netfhir.sources.record_tree import Node
    from netfhir.terminology.registry import RegistryTerms

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_AGE = re.compile(r"(\d{1,4}) (\w+)")


class Remark(NamedTuple):
    """A warning: what of the record is not carried as it stands, and why."""

    where: str
    """`file:path`."""
    code: str
    """`unmapped-value`, `lossy-value`, `not-carried` or `unknown-field`."""
    found: str


@dataclass(slots=True)
class Values:
    """Reads values of a node, and gathers the remarks on those that are not mapped."""

    terms: RegistryTerms
    remarks: list[Remark]

    def __init__(self, terms: RegistryTerms) -> None:
        self.terms = terms
        self.remarks = []

    def enum(self, node: Node, name: str, table: str) -> str:
        """Return the value of an enum; "" and a remark for one that the table does not know."""
        return self.known(node.text(name), table, node.place(name))

    def enums(self, node: Node, name: str, table: str) -> tuple[str, ...]:
        """Return the known values of a list of an enum."""
        found = [self.known(value, table, node.place(name)) for value in node.texts(name)]
        return tuple(value for value in found if value)

    def known(self, value: str, table: str, place: str) -> str:
        """Return the value if the table knows it; a remark on what it loses, or on its absence."""
        if not value:
            return ""
        term = self.terms.term(table, value)
        if term is None:
            self.remark(place, "unmapped-value", f"`{value}`, which {table} does not know")
            return ""
        if term.lossy:
            self.remark(place, "lossy-value", f"`{value}`: {term.lossy}")
        return value

    def remark(self, place: str, code: str, found: str) -> None:
        """Add a remark."""
        self.remarks.append(Remark(place, code, found))

    def when(self, node: Node, name: str) -> When | None:
        """Return the date of a date struct with its kind; None if there is none."""
        struct = node.node(name)
        kind = self.enum(struct, "type", "DateType")
        day = self.date(struct, "date")
        return When(date=day, kind=kind) if day else None

    def date(self, node: Node, name: str) -> str:
        """Return a date of the calendar, as precise as it stands; FormatError for another text."""
        text = node.text(name)
        found = _DATE.fullmatch(text)
        if text and not (found and _exists(*found.groups())):
            raise node.refusal(name, found="no date", expected="YYYY, YYYY-MM or YYYY-MM-DD")
        return text

    def age(self, node: Node, name: str) -> Age | None:
        """Return a limit of age; None and a remark for a text that is none."""
        text = node.text(name)
        found = _AGE.fullmatch(text)
        if found and self.terms.term("AgeUnit", found.group(2)):
            return Age(value=int(found.group(1)), unit=found.group(2))
        if text:
            self.remark(node.place(name), "unmapped-value", f"`{text}`, which is no age")
        return None


def _exists(year: str, month: str | None, day: str | None) -> bool:
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return False
    return True
