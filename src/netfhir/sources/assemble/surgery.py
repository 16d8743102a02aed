"""Liver resections: a row, or a form, with the day of surgery."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.sources.assemble import each
from netfhir.sources.assemble.link import links
from netfhir.trial.entities import Surgery, SurgeryStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.dates import LocalTime
    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.export import SurgerySource

_STATUSES = frozenset(get_args(SurgeryStatus))


def entities(source: SurgerySource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Surgery per row of the source."""
    return each(source, assembly, lambda row: (_surgery(row, source, assembly),))


def _surgery(row: Row, source: SurgerySource, assembly: Assembly) -> Surgery:
    reader = assembly.reader
    concepts = assembly.trial.terminology.concepts
    subject = assembly.subject(row, source.subject)
    reader.required(row, source.performed)
    performed = cast("LocalTime", reader.when(row, source.performed))
    procedure = reader.needed(row, source.procedure, concepts)
    status = reader.needed(row, source.status, _STATUSES)
    tumour = source.residual_tumour
    return Surgery(
        key=assembly.key(
            subject, reader.text(row, source.event), "surgery", procedure, _repeat(row, source)
        ),
        origin=row.where(source.performed),
        subject=subject,
        zone=assembly.zones[subject],
        links=links(row, source, assembly),
        status=cast("SurgeryStatus", status),
        procedure=procedure,
        performed=performed,
        body_site=reader.choice(row, source.body_site, concepts) if source.body_site else None,
        number=reader.text(row, source.number),
        residual_tumour=reader.choice(row, tumour, concepts) if tumour else None,
    )


def _repeat(row: Row, source: SurgerySource) -> str:
    return row.cells[source.repeat] if source.repeat else ""
