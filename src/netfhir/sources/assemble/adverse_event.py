"""Adverse events: what happened, how bad it was, and what the investigator suspects."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.errors import RecordError
from netfhir.sources.assemble import each
from netfhir.sources.assemble.fact import common
from netfhir.trial.outcomes import AdverseEvent, EventStatus, Seriousness, SourceCode, YesNo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.dates import LocalTime
    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.outcome_sources import AdverseEventSource
    from netfhir.trial.places import Attribute

_STATUSES = frozenset(get_args(EventStatus))
_SERIOUSNESS = frozenset(get_args(Seriousness))
_YES_NO = frozenset(get_args(YesNo))


def entities(source: AdverseEventSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one AdverseEvent per row of the source."""
    return each(source, assembly, lambda row: (_event(row, source, assembly),))


def _event(row: Row, source: AdverseEventSource, assembly: Assembly) -> AdverseEvent:
    reader = assembly.reader
    verbatim = reader.required(row, source.verbatim)
    number = reader.text(row, source.number)
    start, end = reader.when(row, source.start), reader.when(row, source.end)
    if start is not None and end is not None:
        _in_order(start, end, row.where(source.end))
    status = reader.needed(row, source.status, _STATUSES)
    return AdverseEvent(
        **common(row, source, assembly, ("adverse_event", number), source.verbatim),
        status=cast("EventStatus", status),
        verbatim=verbatim,
        codes=tuple(_codes(row, source, assembly)),
        start=start,
        end=end,
        recorded=reader.when(row, source.recorded),
        seriousness=_seriousness(row, source, assembly),
        criteria=tuple(_criteria(row, source, assembly)),
        outcome=reader.needed(row, source.outcome, assembly.trial.terminology.concepts),
        expected=_answer(row, source.expected, assembly),
        discontinued=_answer(row, source.discontinued, assembly),
        note=reader.text(row, source.note),
        **_judged(row, source, assembly),
    )


def _judged(row: Row, source: AdverseEventSource, assembly: Assembly) -> dict[str, str | None]:
    places = {
        "term": source.term,
        "grade": source.grade,
        "severity": source.severity,
        "causality": source.causality,
        "suspect": source.suspect,
        "action": source.action,
    }
    known = assembly.trial.terminology.concepts
    return {
        name: assembly.reader.choice(row, place, known) if place else None
        for name, place in places.items()
    }


def _answer(row: Row, place: Attribute | None, assembly: Assembly) -> YesNo | None:
    given = assembly.reader.choice(row, place, _YES_NO) if place else None
    return cast("YesNo | None", given)


def _codes(row: Row, source: AdverseEventSource, assembly: Assembly) -> Iterator[SourceCode]:
    reader = assembly.reader
    for place in source.codes:
        if code := reader.text(row, place.column):
            display = reader.text(row, place.display)
            yield SourceCode(system=place.system, code=code, display=display, version=place.version)


def _seriousness(row: Row, source: AdverseEventSource, assembly: Assembly) -> Seriousness:
    """Return whether the event is serious; a serious one without a criterion is refused."""
    said = assembly.reader.needed(row, source.seriousness, _SERIOUSNESS)
    criteria = list(_criteria(row, source, assembly))
    if (said == "serious") == bool(criteria) or not source.criteria_agree:
        return cast("Seriousness", said)
    raise RecordError(
        "contradiction",
        where=row.where(source.seriousness.column),
        found="a criterion of seriousness of an event that is called non-serious"
        if criteria
        else "a serious event without any criterion",
        expected="at least one criterion where the event is serious, and none where it is not",
        remedy="correct the record in the source: the investigator decides which",
    )


def _criteria(row: Row, source: AdverseEventSource, assembly: Assembly) -> Iterator[str]:
    for place in source.criteria:
        if assembly.reader.choice(row, place.met, _YES_NO) == "yes":
            known = assembly.trial.terminology.concepts
            yield assembly.reader.needed(row, place.criterion, known)


def _in_order(start: LocalTime, end: LocalTime, where: str) -> None:
    """Refuse an end before the start, as far as the precision of both tells."""
    length = min(len(start.date), len(end.date))
    first, last = start.date[:length], end.date[:length]
    timed = start.time and end.time and first == last
    if first < last or (first == last and not (timed and end.time < start.time)):
        return
    raise RecordError(
        "end-before-start",
        where=where,
        found="an end before the beginning",
        expected="an end on or after the day of the beginning",
        remedy="correct the record in the source",
    )
