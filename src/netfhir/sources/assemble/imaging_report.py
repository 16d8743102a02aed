"""Imaging reports: a form, or a row, with the lesions that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.errors import DeclarationError, RecordError
from netfhir.sources.assemble import each
from netfhir.sources.assemble.accession import accession
from netfhir.sources.assemble.fact import common
from netfhir.trial.entities import Amount
from netfhir.trial.outcomes import ImagingReport, Lesion, ReportStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.dates import LocalTime
    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.declaration import Item
    from netfhir.trial.outcome_sources import ImagingReportSource, LesionPlace

_STATUSES = frozenset(get_args(ReportStatus))


def entities(source: ImagingReportSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one ImagingReport per row of the source."""
    item = assembly.trial.codes.items.get(source.item_table, {}).get(source.item)
    if item is None:
        raise DeclarationError(
            "unknown-key",
            where="sources: item",
            found=f"`{source.item_table}.{source.item}`",
            expected="an item of codes.toml: what is measured of a lesion",
        )
    return each(source, assembly, lambda row: (_report(row, source, item, assembly),))


def _report(row: Row, source: ImagingReportSource, item: Item, assembly: Assembly) -> ImagingReport:
    reader = assembly.reader
    kind = reader.needed(row, source.examination, assembly.trial.terminology.concepts)
    reader.required(row, source.performed)
    return ImagingReport(
        **common(row, source, assembly, ("imaging_report", kind), source.performed),
        examination=_examination(row, kind, source, assembly),
        category=reader.needed(row, source.category, assembly.trial.terminology.concepts),
        status=cast("ReportStatus", reader.needed(row, source.status, _STATUSES)),
        performed=cast("LocalTime", reader.when(row, source.performed)),
        accession=accession(row, source.accession, source.accession_system, reader),
        conclusion=reader.text(row, source.conclusion),
        item_table=source.item_table,
        item=source.item,
        lesions=tuple(_lesions(row, source, item, assembly)),
    )


def _examination(row: Row, kind: str, source: ImagingReportSource, assembly: Assembly) -> str:
    """Return the concept of what was done; a PET without its tracer is refused."""
    if kind not in source.traced:
        return kind
    place = source.tracer
    known = assembly.trial.terminology.concepts
    traced = assembly.reader.choice(row, place, known) if place else None
    if traced is not None:
        return traced
    raise RecordError(
        "no-tracer",
        where=row.where(place.column if place else source.performed),
        found="an examination with a tracer that is not named",
        expected="the tracer: without it nobody can tell what the images show",
        remedy="complete the record in the source",
    )


def _lesions(
    row: Row, source: ImagingReportSource, item: Item, assembly: Assembly
) -> Iterator[Lesion]:
    seen: set[str] = set()
    for place in source.lesions:
        lesion = _lesion(row, place, item, assembly)
        if lesion is None:
            continue
        if lesion.number in seen:
            raise _twice(lesion.origin)
        seen.add(lesion.number)
        yield lesion


def _lesion(row: Row, place: LesionPlace, item: Item, assembly: Assembly) -> Lesion | None:
    reader = assembly.reader
    number = reader.text(row, place.number)
    measured = reader.number(row, place.diameter)
    if not number and measured is None:
        return None
    reader.required(row, place.number)
    if measured is not None and (measured.comparator or measured.digits <= 0):
        raise _no_length(row.where(place.diameter))
    site = place.site
    new = reader.coded(row, place.is_new)
    unit = item.units[0]
    amount = None
    if measured is not None:
        amount = Amount(value=measured.digits, ucum=unit, unit=item.unit_spelling or unit)
    absent = (reader.absent(row, place.diameter) if place.diameter else None) or "absent-unknown"
    return Lesion(
        number=number,
        origin=row.where(place.number),
        site=reader.choice(row, site, assembly.trial.terminology.concepts) if site else None,
        diameter=amount,
        absent=None if amount else absent,
        is_new=None if new is None else new == "yes",
    )


def _twice(where: str) -> RecordError:
    return RecordError(
        "lesion-twice",
        where=where,
        found="a lesion that the same report names before",
        expected="each lesion once in a report",
        remedy="correct the lesion's number in the source",
    )


def _no_length(where: str) -> RecordError:
    return RecordError(
        "not-a-length",
        where=where,
        found="a diameter that is not above zero, or has a comparator",
        expected="the longest diameter, as a number above zero",
        remedy="leave the diameter of a lesion that has gone blank, or correct the source",
    )
