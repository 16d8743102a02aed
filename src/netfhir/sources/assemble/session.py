"""Sessions of treatment, held or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.sources.assemble import each
from netfhir.sources.assemble.fact import common, contradiction
from netfhir.trial.care import Session, SessionStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.care_sources import SessionSource

_STATUSES = frozenset(get_args(SessionStatus))


def entities(source: SessionSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Session per row of the source."""
    return each(source, assembly, lambda row: (_session(row, source, assembly),))


def _session(row: Row, source: SessionSource, assembly: Assembly) -> Session:
    reader = assembly.reader
    concepts = assembly.trial.terminology.concepts
    procedure = reader.needed(row, source.procedure, concepts)
    status = reader.needed(row, source.status, _STATUSES)
    held = status != "not-done"
    if not held and reader.text(row, source.start):
        raise contradiction(row.where(source.start), "the start of a session that was not held")
    category = source.category
    return Session(
        **common(row, source, assembly, ("session", procedure), source.start),
        procedure=procedure,
        status=cast("SessionStatus", status),
        category=reader.choice(row, category, concepts) if category else None,
        start=reader.when(row, source.start if held else source.planned),
        end=reader.when(row, source.end),
        reason=reader.text(row, source.reason),
    )
