"""Consents: one for each version of the document that a subject signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.sources.assemble import each
from netfhir.sources.assemble.fact import common, contradiction
from netfhir.trial.care import Consent, ConsentStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.dates import LocalTime
    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.care_sources import ConsentSource

_STATUSES = frozenset(get_args(ConsentStatus))


def entities(source: ConsentSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Consent per row of the source."""
    return each(source, assembly, lambda row: (_consent(row, source, assembly),))


def _consent(row: Row, source: ConsentSource, assembly: Assembly) -> Consent:
    reader = assembly.reader
    reader.required(row, source.given)
    version = reader.stated(row, source.version)
    status = reader.needed(row, source.status, _STATUSES)
    withdrawn = reader.when(row, source.withdrawn)
    if withdrawn is not None and status == "active":
        raise contradiction(
            row.where(source.withdrawn), "the day of a withdrawal, of a consent that is in force"
        )
    return Consent(
        **common(row, source, assembly, ("consent", version), source.given),
        status=cast("ConsentStatus", status),
        version=version,
        given=cast("LocalTime", reader.when(row, source.given)),
        withdrawn=withdrawn,
        policy=reader.needed(row, source.policy, assembly.trial.terminology.concepts),
    )
