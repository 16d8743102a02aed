"""Protocol deviations that people recorded: a row, or a form (SDTM: DV)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.sources.assemble import each
from netfhir.sources.assemble.link import links
from netfhir.trial.derived import Deviation
from netfhir.trial.entities import MeasurementStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.export import DeviationSource

_STATUSES = frozenset(get_args(MeasurementStatus))


def entities(source: DeviationSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Deviation per row of the source."""
    return each(source, assembly, lambda row: (_deviation(row, source, assembly),))


def _deviation(row: Row, source: DeviationSource, assembly: Assembly) -> Deviation:
    reader = assembly.reader
    concepts = assembly.trial.terminology.concepts
    subject = assembly.subject(row, source.subject)
    category = reader.required(row, source.category)
    repeat = row.cells[source.repeat] if source.repeat else ""
    event = reader.text(row, source.event)
    return Deviation(
        key=assembly.key(subject, event, source.table or source.form, "deviation", repeat),
        origin=row.where(source.category),
        subject=subject,
        zone=assembly.zones[subject],
        links=links(row, source, assembly),
        status=cast("MeasurementStatus", reader.needed(row, source.status, _STATUSES)),
        rule=category,
        title=reader.required(row, source.description),
        occurred=reader.when(row, source.occurred),
        severity=reader.choice(row, source.severity, concepts) if source.severity else None,
        reason=reader.text(row, source.reason),
    )
