"""Diagnoses: the primary tumour and what came of it, told apart by `which`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.sources.assemble import each
from netfhir.sources.assemble.fact import common
from netfhir.trial.care import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.care_sources import DiagnosisSource


def entities(source: DiagnosisSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Diagnosis per row of the source."""
    return each(source, assembly, lambda row: (_diagnosis(row, source, assembly),))


def _diagnosis(row: Row, source: DiagnosisSource, assembly: Assembly) -> Diagnosis:
    reader = assembly.reader
    concepts = assembly.trial.terminology.concepts
    which = reader.stated(row, source.which)
    clinical, body_site = source.clinical, source.body_site
    return Diagnosis(
        **common(row, source, assembly, ("diagnosis", which), source.code.column),
        code=reader.needed(row, source.code, concepts),
        verification=reader.needed(row, source.verification, concepts),
        clinical=reader.choice(row, clinical, concepts) if clinical else None,
        body_site=reader.choice(row, body_site, concepts) if body_site else None,
        onset=reader.when(row, source.onset),
        recorded=reader.when(row, source.recorded),
    )
