"""For each patient the next day on which something changes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.screening.needs import Age, Facts, Presence, Recent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from netfhir.screening.protocol import Protocol

#: The next day on which something changes by itself: a result grows stale, a birthday comes.
_DUE = """
CREATE TABLE due AS
SELECT person.id, least(by_fact, by_consent, {birthday}) AS due
FROM person LEFT JOIN (
  SELECT pno, min(CASE WHEN day > {day} THEN day END) AS by_fact FROM (
    SELECT pno, unnest([lo, hi, CASE WHEN lo <= {day} AND hi > {day} OR lo IS NULL
        AND since IS NOT NULL THEN {day} + 1 END, lo + days, hi + days]) AS day
    FROM facts LEFT JOIN (VALUES {offsets}) AS offset_(name, days) ON name = concept)
  GROUP BY pno) AS facts_ ON facts_.pno = person.pno
LEFT JOIN (
  SELECT patient, min(CASE WHEN day > {day} THEN day END) AS by_consent FROM (
    SELECT patient, unnest(["start", "end" + 1]) AS day FROM read_consent)
  GROUP BY patient) AS consents ON consents.patient = person.id
"""
_NEXT = "CAST({born} + to_years({year} - CAST(year({born}) AS INT) + {more}) AS DATE) + {late}"


def made(protocol: Protocol) -> str:
    """Return the statement that makes the table `due`: id, due."""
    as_of = protocol.as_of
    offsets = {("", 0)}
    ages = False
    for criterion in protocol.file.criteria.values():
        for need in criterion.needs.values():
            ages |= isinstance(need, Age)
            if isinstance(need, Facts):
                names = [*need.concepts, *(need.against if isinstance(need, Presence) else ())]
                days = [need.fresh_days + 1] if need.fresh_days is not None else []
                days += [need.less_than_days] if isinstance(need, Recent) else []
                offsets |= {(name, day) for name in names for day in days}
    return _DUE.format(
        day=f"DATE '{as_of.isoformat()}'",
        offsets=", ".join(f"('{name}', {days})" for name, days in sorted(offsets)),
        birthday=", ".join(_birthdays(as_of)) if ages else "CAST(NULL AS DATE)",
    )


def _birthdays(as_of: date) -> Iterator[str]:
    """Yield SQL for the birthdays of this year and the next that are still to come."""
    for born in ("born_lo", "born_hi"):
        for more in (0, 1):
            for late in (0, 1):
                day = _NEXT.format(born=born, year=as_of.year, more=more, late=late)
                yield f"CASE WHEN {day} > DATE '{as_of.isoformat()}' THEN {day} END"
