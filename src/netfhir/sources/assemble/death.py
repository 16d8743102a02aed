"""Deaths: at most one of a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from netfhir.sources.assemble import each
from netfhir.sources.assemble.fact import common
from netfhir.trial.outcomes import Death

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.dates import LocalTime
    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.outcome_sources import DeathSource


def entities(source: DeathSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Death per row of the source."""
    return each(source, assembly, lambda row: (_death(row, source, assembly),))


def _death(row: Row, source: DeathSource, assembly: Assembly) -> Death:
    """Return the death, whose key has no event: a second one of the subject is a duplicate."""
    reader = assembly.reader
    cause = source.cause
    reader.required(row, source.died)
    facts = common(row, source, assembly, ("death", ""), source.died)
    facts["key"] = assembly.key(facts["subject"], form="death")
    return Death(
        **facts,
        died=cast("LocalTime", reader.when(row, source.died)),
        recorded=reader.when(row, source.recorded),
        cause=reader.choice(row, cause, assembly.trial.terminology.concepts) if cause else None,
        words=reader.text(row, source.words),
    )
