"""Medicines beside the study: what was stopped before a session and begun again after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.sources.assemble import each
from netfhir.sources.assemble.fact import common
from netfhir.trial.care import Treatment, TreatmentStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.care_sources import TreatmentSource

_STATUSES = frozenset(get_args(TreatmentStatus))


def entities(source: TreatmentSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Treatment per row of the source."""
    return each(source, assembly, lambda row: (_treatment(row, source, assembly),))


def _treatment(row: Row, source: TreatmentSource, assembly: Assembly) -> Treatment:
    reader = assembly.reader
    concepts = assembly.trial.terminology.concepts
    product = reader.needed(row, source.product, concepts)
    which = reader.stated(row, source.which) if source.which else product
    form = source.form_of_product
    column = source.told_by or source.product.column
    return Treatment(
        **common(row, source, assembly, ("treatment", which), column),
        product=product,
        status=cast("TreatmentStatus", reader.needed(row, source.status, _STATUSES)),
        form=reader.choice(row, form, concepts) if form else None,
        start=reader.when(row, source.start),
        end=reader.when(row, source.end),
        reason=reader.text(row, source.reason),
    )
