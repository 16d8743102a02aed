"""Measurements: an item a row (SDTM findings), or an item a field (REDCap forms)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast, get_args

from netfhir.errors import DeclarationError, RecordError
from netfhir.sources.assemble import each
from netfhir.sources.assemble.link import links
from netfhir.sources.assemble.unit import amount, declared_unit
from netfhir.trial.entities import Amount, Comparator, Measurement, MeasurementStatus, Part, Value
from netfhir.trial.export import ItemPlace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.reading import Number
    from netfhir.sources.row import Row
    from netfhir.trial.declaration import Item
    from netfhir.trial.export import MeasurementSource
    from netfhir.trial.export import Part as DeclaredPart

_STATUSES = frozenset(get_args(MeasurementStatus))


def entities(source: MeasurementSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Measurement per row, or per non-empty field of a row."""
    tables = assembly.trial.codes.items
    if source.item_table not in tables:
        raise DeclarationError(
            "unknown-key",
            where="sources: item_table",
            found=f"`{source.item_table}`",
            expected="a table [items.…] of codes.toml: " + ", ".join(tables),
        )
    results = _Results(source, tables[source.item_table], assembly)
    return each(source, assembly, results.of_row if source.item else results.of_fields)


@dataclass(frozen=True, slots=True)
class _Results:
    """Reads the measurements of one source."""

    source: MeasurementSource
    items: Mapping[str, Item]
    assembly: Assembly
    places: dict[str, ItemPlace] = field(default_factory=dict)
    """Item -> where its row has it, kept for the items that are declared."""

    def of_row(self, row: Row) -> Iterator[Fact]:
        source = self.source
        code = self.assembly.reader.required(row, source.item)
        place = self.places.get(code)
        if place is None:
            place = ItemPlace.model_construct(
                item=code, column=source.value, low=source.low, high=source.high
            )
            if code in self.items:
                self.places[code] = place
        yield self._measurement(row, place, row.where(source.item))

    def of_fields(self, row: Row) -> Iterator[Fact]:
        for place in self.source.items:
            if any(row.cells[column] for column in place.columns):
                try:
                    yield self._measurement(row, place, f"sources: items.{place.item}")
                except RecordError as error:
                    yield error

    def _measurement(self, row: Row, place: ItemPlace, where: str) -> Measurement:
        source, assembly, cells = self.source, self.assembly, row.cells
        reader = assembly.reader
        code = reader.coded(row, place.by) or place.item
        item = self._item(code, where)
        subject = assembly.subject(row, source.subject)
        parts = tuple(self._part(row, part, where) for part in place.parts)
        value = None if parts else self._value(row, place.column, item)
        absent = None if parts else self._absent(row, place.column, value)
        place_of_status = source.status_without_value if absent else source.status
        event = cells[source.event] if source.event else ""
        repeat = cells[source.repeat] if source.repeat else ""
        form = source.table or source.form
        return Measurement(
            key=assembly.key(subject, event, form, place.item, repeat),
            origin=row.where(place.columns[0]),
            subject=subject,
            zone=assembly.zones[subject],
            links=links(row, source, assembly) if source.links else (),
            item_table=source.item_table,
            item=code,
            status=cast("MeasurementStatus", reader.needed(row, place_of_status, _STATUSES)),
            value=value,
            absent=absent,
            parts=parts,
            measured=reader.when(row, place.measured or source.measured),
            until=reader.when(row, source.until),
            low=self._bound(row, place.low, value),
            high=self._bound(row, place.high, value),
            interpretation=reader.coded(row, source.interpretation),
            position=reader.coded(row, source.position),
            body_site=reader.coded(row, source.body_site),
            version=self._version(row, item, value),
            method=reader.coded(row, source.method),
            device=reader.coded(row, source.device),
            material=reader.coded(row, source.material),
            timepoint=reader.text(row, source.timepoint),
            note=reader.coded(row, source.note) or "",
        )

    def _version(self, row: Row, item: Item, value: Value) -> str:
        place = self.source.version
        version = self.assembly.reader.coded(row, place) or ""
        if version or value is None or not item.needs_version:
            return version
        raise RecordError(
            "no-version",
            where=row.where(place.column if place else self.source.measured),
            found="a value without the version of its method",
            expected="the version of the kit or of the algorithm: values of two do not compare",
            remedy="complete the record in the source",
        )

    def _item(self, code: str, where: str) -> Item:
        if code in self.items:
            return self.items[code]
        raise RecordError(
            "unknown-item",
            where=where,
            found=f"the item `{code}`",
            expected=f"an item of [items.{self.source.item_table}] in codes.toml",
            remedy="declare the item with its concept, category and units",
        )

    def _part(self, row: Row, part: DeclaredPart, where: str) -> Part:
        value = self._value(row, part.column, self._item(part.item, where))
        absent = self._absent(row, part.column, value)
        return Part(item=part.item, value=value, absent=absent)

    def _value(self, row: Row, column: str, item: Item) -> Value:
        reader = self.assembly.reader
        if item.value == "quantity":
            number = reader.number(row, column)
            return None if number is None else self._amount(row, column, number, item)
        if item.value == "integer":
            number = reader.number(row, column)
            if number is None:
                return None
            return _whole(_on_scale(number, item, row.where(column)), row.where(column))
        text = reader.text(row, column)
        if item.value == "text" or not text:
            return text or None
        if text in item.answers:
            return item.answers[text]
        raise RecordError(
            "unknown-value",
            where=row.where(column),
            found="an answer that the item does not list",
            expected="one of " + ", ".join(f"`{known}`" for known in item.answers),
            remedy="add it to the item's `answers` in codes.toml, or correct the source",
        )

    def _amount(self, row: Row, column: str, number: Number, item: Item) -> Amount:
        if number.comparator and not item.comparators:
            raise RecordError(
                "comparator",
                where=row.where(column),
                found="a comparator before the number",
                expected="a number alone, as the item is declared",
                remedy="set `comparators = true` for the item if such results are expected",
            )
        _on_scale(number, item, row.where(column))
        spelling, ucum = self._unit(row, column, item)
        comparator = cast("Comparator | None", number.comparator)
        found = amount(number.digits, spelling, ucum, self.assembly.trial)
        return found.model_copy(update={"comparator": comparator}) if comparator else found

    def _unit(self, row: Row, column: str, item: Item) -> tuple[str, str]:
        if not self.source.unit:
            return item.unit_spelling or item.units[0], item.units[0]
        spelling = row.cells[self.source.unit]
        where = row.where(self.source.unit)
        ucum = declared_unit(spelling, where, self.assembly.trial) or item.unitless
        if ucum and (ucum in item.units or ucum == item.unitless):
            return spelling, ucum
        raise RecordError(
            "unit-not-of-item",
            where=where,
            found=f"the unit `{spelling}`" if spelling else "no unit",
            expected="one of " + ", ".join(f"`{unit}`" for unit in item.units),
            remedy=f"correct the unit of {column} in the source, or declare it for the item",
        )

    def _bound(self, row: Row, column: str, value: Value) -> Amount | None:
        if not column or not isinstance(value, Amount):
            return None
        number = self.assembly.reader.number(row, column)
        if number is None:
            return None
        own = value.given or value
        return Amount(value=number.digits, ucum=own.ucum, unit=own.unit)

    def _absent(self, row: Row, column: str, value: Value) -> str | None:
        reader = self.assembly.reader
        said = reader.coded(row, self.source.absent)
        if value is None:
            return reader.absent(row, column) or said or "absent-unknown"
        if said is None:
            return None
        raise RecordError(
            "contradiction",
            where=row.where(column),
            found="a result, and the word that it was not obtained",
            expected="one of the two",
            remedy="correct the record in the source",
        )


def _on_scale(number: Number, item: Item, where: str) -> Number:
    low, high = item.least, item.most
    if (low is None or number.digits >= low) and (high is None or number.digits <= high):
        return number
    raise RecordError(
        "off-its-scale",
        where=where,
        found="a value that its scale does not have",
        expected=f"a number from {low} to {high}",
        remedy="correct the value in the source, or the ends of the scale in codes.toml",
    )


def _whole(number: Number, where: str) -> int:
    if number.comparator is None and number.digits == number.digits.to_integral_value():
        return int(number.digits)
    raise RecordError(
        "not-a-whole-number",
        where=where,
        found="a fraction or a comparator where a whole number stands",
        expected="digits",
        remedy='correct the value in the source, or declare the item as value = "quantity"',
    )
