"""Specimens: what was taken, when, and the number on the tube."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.sources.assemble import each
from netfhir.sources.assemble.fact import common
from netfhir.trial.care import Specimen, SpecimenStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.dates import LocalTime
    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.care_sources import SpecimenSource

_STATUSES = frozenset(get_args(SpecimenStatus))


def entities(source: SpecimenSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Specimen per row of the source."""
    return each(source, assembly, lambda row: (_specimen(row, source, assembly),))


def _specimen(row: Row, source: SpecimenSource, assembly: Assembly) -> Specimen:
    reader = assembly.reader
    concepts = assembly.trial.terminology.concepts
    kind = reader.needed(row, source.kind, concepts)
    reader.required(row, source.collected)
    body_site = source.body_site
    return Specimen(
        **common(row, source, assembly, ("specimen", kind), source.collected),
        kind=kind,
        status=cast("SpecimenStatus", reader.needed(row, source.status, _STATUSES)),
        collected=cast("LocalTime", reader.when(row, source.collected)),
        until=reader.when(row, source.until),
        number=reader.text(row, source.number),
        body_site=reader.choice(row, body_site, concepts) if body_site else None,
    )
