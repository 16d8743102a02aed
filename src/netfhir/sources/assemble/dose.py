"""Administrations of a study product, given or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.errors import RecordError
from netfhir.sources.assemble import each
from netfhir.sources.assemble.link import links
from netfhir.sources.assemble.unit import amount, declared_unit
from netfhir.trial.entities import Amount, Dose, DoseStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.export import DoseSource

_STATUSES = frozenset(get_args(DoseStatus))


def entities(source: DoseSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Dose per row of the source."""
    return each(source, assembly, lambda row: (_dose(row, source, assembly),))


def _dose(row: Row, source: DoseSource, assembly: Assembly) -> Dose:
    reader = assembly.reader
    concepts = assembly.trial.terminology.concepts
    subject = assembly.subject(row, source.subject)
    product = reader.needed(row, source.product, concepts)
    status = reader.needed(row, source.status, _STATUSES)
    event = reader.text(row, source.event)
    repeat = row.cells[source.repeat] if source.repeat else ""
    return Dose(
        key=assembly.key(subject, event, "dose", product, repeat),
        origin=row.where(source.start),
        subject=subject,
        zone=assembly.zones[subject],
        links=links(row, source, assembly),
        product=product,
        status=cast("DoseStatus", status),
        amount=_amount(row, status, source, assembly),
        route=reader.choice(row, source.route, concepts) if source.route else None,
        start=reader.when(row, source.planned if status == "not-done" else source.start),
        end=reader.when(row, source.end),
        form=reader.text(row, source.form_of_product),
        schedule=reader.text(row, source.schedule),
        cycle=_cycle(row, source, assembly),
        lot=reader.text(row, source.lot) or None,
        expires=reader.when(row, source.expires),
        category=reader.choice(row, source.category, concepts) if source.category else None,
        reason=reader.text(row, source.reason),
    )


def _amount(row: Row, status: str, source: DoseSource, assembly: Assembly) -> Amount | None:
    number = assembly.reader.number(row, source.amount)
    if number is None:
        return None
    if status == "not-done" and number.digits:
        raise RecordError(
            "contradiction",
            where=row.where(source.amount),
            found="an administered amount of a dose that was not given",
            expected="one of the two",
            remedy="correct the record in the source",
        )
    if number.comparator:
        raise RecordError(
            "comparator",
            where=row.where(source.amount),
            found="a comparator before an administered amount",
            expected="the amount that was given",
            remedy="correct the value in the source",
        )
    unit = source.unit
    spelling = unit.constant or row.cells[unit.column] if unit else ""
    where = row.where(unit.column if unit and unit.column else source.amount)
    ucum = declared_unit(spelling, where, assembly.trial)
    _of_the_kind(ucum, where, source, assembly)
    return amount(number.digits, spelling, ucum, assembly.trial)


def _of_the_kind(ucum: str, where: str, source: DoseSource, assembly: Assembly) -> None:
    kind = source.kind_of_amount
    if kind and ucum and kind not in assembly.trial.terminology.units[ucum].property:
        raise RecordError(
            "unit-of-another-kind",
            where=where,
            found=f"the unit `{ucum}`",
            expected=f"a unit of {kind}",
            remedy="correct the unit in the source",
        )


def _cycle(row: Row, source: DoseSource, assembly: Assembly) -> int | None:
    text = assembly.reader.coded(row, source.cycle)
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    raise RecordError(
        "not-a-number",
        where=row.where(source.cycle.column if source.cycle else ""),
        found="text where the number of a cycle stands",
        expected="digits",
        remedy="correct the value in the source",
    )
