"""Visits, planned and held; a visit belongs to the arm whose schedule has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from netfhir.errors import RecordError
from netfhir.sources.assemble import each
from netfhir.sources.assemble.fact import common, contradiction
from netfhir.trial.care import HELD, Visit, VisitStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.sources.assemble import Assembly, Fact
    from netfhir.sources.row import Row
    from netfhir.trial.care_sources import VisitSource

_STATUSES = frozenset(get_args(VisitStatus))


def entities(source: VisitSource, assembly: Assembly) -> Iterator[Fact]:
    """Yield one Visit per row of the source."""
    return each(source, assembly, lambda row: (_visit(row, source, assembly),))


def _visit(row: Row, source: VisitSource, assembly: Assembly) -> Visit:
    reader = assembly.reader
    subject = assembly.subject(row, source.subject)
    status = reader.needed(row, source.status, _STATUSES)
    held = status in HELD
    start = reader.when(row, source.start)
    if start is not None and not held:
        raise contradiction(row.where(source.start), "the day of a visit that was not held")
    concepts = assembly.trial.terminology.concepts
    setting = source.setting if held else None
    return Visit(
        **common(row, source, assembly, (_form(status), ""), source.start),
        code=_code(row, subject, source, assembly),
        status=cast("VisitStatus", status),
        setting=reader.needed(row, setting, concepts) if setting else None,
        planned=reader.when(row, source.planned),
        start=start,
        end=reader.when(row, source.end),
        site=assembly.sites[subject],
        arm=assembly.arms[subject],
        reason=reader.text(row, source.reason),
    )


def _form(status: str) -> str:
    """Return the form in the key: nothing refers to a visit that was not held."""
    return "visit" if status in HELD else "visit-plan"


def _code(row: Row, subject: str, source: VisitSource, assembly: Assembly) -> str:
    visits = assembly.trial.file.visits
    code = assembly.reader.needed(row, source.code, visits)
    arms = visits[code].arms
    if not arms or assembly.arms[subject] in arms:
        return code
    raise RecordError(
        "visit-of-another-arm",
        where=row.where(source.code.column),
        found=f"the visit `{code}` of a subject whose arm does not have it",
        expected="a visit of the subject's own arm",
        remedy="correct the event or the arm in the source",
    )
