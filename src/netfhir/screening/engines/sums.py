"""The roll-up of a whole hospital: sums in SQL, and only those who are ranked one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.screening.rollup import Candidate, Funnel, ranked, rolled_up
from netfhir.screening.verdicts import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from netfhir.screening.protocol import Protocol

_OUTCOME = """
CREATE TABLE outcome AS
SELECT patient, {failing} AS failing, {open} AS open, {unknown} AS unknown, seen, lifts, barred
FROM (
  SELECT patient, list(ordinal) FILTER (WHERE fails) AS failing,
    list(ordinal) FILTER (WHERE status = 'unknown' AND ordinal NOT IN {human}) AS open,
    list(ordinal) FILTER (WHERE status = 'unknown') AS unknown,
    bool_or(criterion = $entry AND (status <> 'unknown' OR len(evidence) > 0)) AS seen,
    bool_and(NOT fails OR resolves_on IS NOT NULL) AS lifts,
    bool_or(cause IS NOT DISTINCT FROM 'not-consented') AS barred
  FROM (SELECT *,
    status = CASE WHEN starts_with(criterion, 'I') THEN 'not-met' ELSE 'met' END AS fails
    FROM verdict)
  GROUP BY patient)
"""
_RANKED = "len(failing) = 0 AND seen AND NOT deceased"
_JOINED = "outcome JOIN person ON person.id = patient"
_BATCH = 10_000


def rolled(
    connection: duckdb.DuckDBPyConnection, protocol: Protocol
) -> tuple[Funnel, list[Candidate]]:
    """Return the sums, and the ranked candidates with their ranks, from the table `verdict`."""
    connection.execute(_outcome(protocol), {"entry": protocol.entry()})
    said = "SELECT criterion, status, cause, count(*) FROM verdict GROUP BY ALL"
    funnel = _funnel(connection, said, _JOINED)
    first = ranked(rolled_up(protocol, lines) for lines in _lines(connection))
    return funnel, first


def were(connection: duckdb.DuckDBPyConnection, generations: int) -> Funnel:
    """Return the sums of whom a night touches, as they were last judged."""
    said = " UNION ALL ".join(
        f"SELECT criterion, status, cause FROM said_{number} SEMI JOIN "  # noqa: S608 - names of ours
        f"(FROM were WHERE generation = {number}) USING (pno)"
        for number in range(generations)
    )
    counted = f"SELECT criterion, status, cause, count(*) FROM ({said}) GROUP BY ALL"  # noqa: S608 - as above
    return _funnel(connection, counted, "were")


def _funnel(connection: duckdb.DuckDBPyConnection, said: str, outcomes: str) -> Funnel:
    """Return the sums of a query of verdicts and of a table of outcomes."""
    funnel = Funnel()
    for criterion, status, cause, number in connection.execute(said).fetchall():
        funnel.count(criterion, status, cause, number)
    sums = connection.execute(
        f"SELECT count(*), count(*) FILTER (len(failing) > 0), "  # noqa: S608 - a condition of ours
        f"count(*) FILTER (len(failing) > 0 AND lifts), count(*) FILTER (barred), "
        f"count(*) FILTER (len(failing) = 0 AND len(open) = 0), count(*) FILTER ({_RANKED}) "
        f"FROM {outcomes}"
    ).fetchone()
    assert sums is not None  # noqa: S101 - an aggregate has one row
    funnel.patients, excluded, funnel.lifting, funnel.not_consented, candidates, funnel.ranked = (
        sums
    )
    funnel.outcomes["excluded"] = excluded
    funnel.outcomes["candidate"] = candidates
    funnel.outcomes["undecided"] = funnel.patients - excluded - candidates
    return funnel


def _outcome(protocol: Protocol) -> str:
    """Return what makes the table of outcomes: criteria by their numbers, then by their names."""
    keys = ", ".join(f"'{key}'" for key in protocol.file.criteria)
    human = [str(n) for n, one in enumerate(protocol.file.criteria.values()) if one.human_only]
    named = {
        column: f"COALESCE(list_transform(list_sort({column}), lambda o: ([{keys}])[o + 1]), [])"
        for column in ("failing", "open", "unknown")
    }
    return _OUTCOME.format(human=f"({', '.join(['-1', *human])})", **named)


def _lines(connection: duckdb.DuckDBPyConnection) -> Iterator[list[Line]]:
    """Yield the verdicts of each ranked patient."""
    found = connection.execute(
        "SELECT patient, criterion, status, cause, resolves_on, question, cost, "  # noqa: S608 - a condition of ours
        "len(evidence) > 0 FROM verdict WHERE patient IN (SELECT patient FROM outcome "
        f"JOIN person ON person.id = patient WHERE {_RANKED}) ORDER BY patient, ordinal"
    )
    held: list[Line] = []
    while rows := found.fetchmany(_BATCH):
        for row in rows:
            if held and held[0].patient != row[0]:
                yield held
                held = []
            held.append(Line(*row))
    if held:
        yield held


def others(connection: duckdb.DuckDBPyConnection) -> Iterator[Candidate]:
    """Yield everybody who is not ranked, in order of ids."""
    found = connection.execute(
        "SELECT patient, failing, open, unknown FROM outcome "  # noqa: S608 - a condition of ours
        f"JOIN person ON person.id = patient WHERE NOT ({_RANKED}) ORDER BY patient"
    )
    while rows := found.fetchmany(_BATCH):
        for patient, failing, open_, unknown in rows:
            if failing:
                yield Candidate(patient, "excluded", tuple(failing))
            elif open_:
                yield Candidate(patient, "undecided", tuple(open_))
            else:
                yield Candidate(patient, "candidate", tuple(unknown))
