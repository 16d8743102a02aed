"""Assessments of the disease: recurrence, progression, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.sources.assemble import each
from netfhir.sources.assemble.accession import accession
from netfhir.sources.assemble.fact import common
from netfhir.trial.outcomes import DiseaseStatus, ReportStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.dates import LocalTime
    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.outcome_sources import DiseaseStatusSource

_STATUSES = frozenset(get_args(ReportStatus))


def entities(source: DiseaseStatusSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one DiseaseStatus per row of the source."""
    return each(source, assembly, lambda row: (_status(row, source, assembly),))


def _status(row: Row, source: DiseaseStatusSource, assembly: Assembly) -> DiseaseStatus:
    reader = assembly.reader
    concepts = assembly.trial.terminology.concepts
    reader.required(row, source.assessed)
    item = reader.needed(row, source.item, concepts)
    return DiseaseStatus(
        **common(row, source, assembly, ("disease_status", item), source.assessed),
        status=cast("ReportStatus", reader.needed(row, source.status, _STATUSES)),
        assessed=cast("LocalTime", reader.when(row, source.assessed)),
        item=item,
        category=reader.needed(row, source.category, concepts),
        finding=reader.needed(row, source.finding, concepts),
        site=reader.choice(row, source.site, concepts) if source.site else None,
        method=reader.choice(row, source.method, concepts) if source.method else None,
        imaging=accession(row, source.imaging, source.accession_system, reader),
        condition=reader.choice(row, source.condition, concepts) if source.condition else None,
        note=reader.text(row, source.note),
    )
