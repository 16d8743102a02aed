"""Each kind of need as a query: one row a patient with a fact that bears on it.

Columns: patient, truth, cause, evidence, resolves, absent (whether only absence is left to speak).
The meaning is that of engines/answering.py, kind by kind.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlglot import exp

from netfhir.screening.engines.sql import Sql, cases, fragment, named, one_of
from netfhir.screening.engines.sql_comparing import comparison
from netfhir.screening.needs import Facts, Presence, Recent, Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

EVIDENCE = """{
  'type': type, 'id': id, 'version': version,
  'value': CASE WHEN number IS NULL THEN code ELSE comparator || number_text END,
  'unit': CASE WHEN number IS NULL THEN '' ELSE unit END,
  'threshold': :words,
  'effective': [CAST(COALESCE(since, lo) AS TEXT), CAST(hi AS TEXT)]
}"""
NO_EVIDENCE = fragment(
    "CAST([] AS STRUCT(type TEXT, id TEXT, version TEXT, value TEXT, unit TEXT, "
    "threshold TEXT, effective TEXT[])[])"
)
TRUE, FALSE, NULL = exp.true(), exp.false(), exp.null()


def query(need: Facts, as_of: date) -> Sql:
    """Return the query of a need over the table `fact` and the tables of latest events."""
    match need:
        case Value():
            return _value(need, as_of)
        case Presence():
            return _presence(need, as_of)
        case Recent():
            return _recent(need, as_of)
        case _:
            raise TypeError(type(need).__name__)


def latest(concept: str, as_of: date) -> Sql:
    """Return the latest certain event of a set for each patient: patient, lo, hi."""
    return fragment(
        "SELECT patient, ARG_MAX(lo, rank) AS lo, ARG_MAX(hi, rank) AS hi FROM fact "
        "WHERE concept = :concept AND NOT weak AND lo <= :as_of GROUP BY patient",
        concept=concept,
        as_of=as_of,
    )


def _facts(need: Facts, concepts: Sequence[str], as_of: date, columns: Sequence[Sql] = ()) -> Sql:
    """Return the facts of these sets with their place; a resource once."""
    found = fragment(
        "SELECT fact.*, :place AS place, :cause AS place_cause FROM fact",
        place=_place(need, as_of, ("out", "maybe", "in")),
        cause=_place(need, as_of, None),
    )
    assert isinstance(found, exp.Select)  # noqa: S101 - the fragment is a SELECT
    if need.window is not None:
        found = found.join(
            exp.Subquery(
                this=latest(need.window.anchor, as_of), alias=exp.TableAlias(this="anchor")
            ),
            on="anchor.patient = fact.patient",
        )
    found = found.where(one_of("concept", concepts), copy=False)
    if need.current:
        found = found.where("NOT ended")
    if len(concepts) > 1:
        order = exp.Array(expressions=[exp.Literal.string(name) for name in concepts])
        once = fragment(
            "ROW_NUMBER() OVER (PARTITION BY fact.patient, type, id "
            "ORDER BY LIST_POSITION(:order, concept) DESC) = 1",
            order=order,
        )
        found.set("qualify", exp.Qualify(this=once))
    return found.select(*columns, copy=False) if columns else found


def _place(need: Facts, as_of: date, names: tuple[str, str, str] | None) -> Sql:
    """Return the place of a fact, or (without names) the cause why it is not surely there."""
    window, stale = "outside-window", "stale"

    def said(place: int, cause: str) -> Sql:
        return exp.Literal.string(names[place] if names else cause)

    surely = exp.Literal.string(names[2]) if names else NULL
    pairs: list[tuple[Sql, Sql]] = []
    undated = fragment("fact.lo IS NULL OR fact.hi IS NULL")
    if need.window is not None:
        pairs.append((undated, said(1, window)))
    elif need.fresh_days is not None:
        pairs.append((undated, said(1, stale)))
    else:
        pairs.append((undated, surely))
    pairs.append((fragment("fact.lo > :as_of", as_of=as_of), said(0, window)))
    out, maybe = _bounds(need, as_of)
    for place, bounds in ((0, out), (1, maybe)):
        pairs += [(bound, said(place, cause)) for bound, cause in bounds]
    return cases(pairs, surely)


def _bounds(need: Facts, as_of: date) -> tuple[list[tuple[Sql, str]], list[tuple[Sql, str]]]:
    """Return what puts a fact surely out, and what puts it perhaps out, each with its cause."""
    out: list[tuple[Sql, str]] = []
    maybe: list[tuple[Sql, str]] = []
    if need.window is not None:
        days = {"first": need.window.from_days, "last": need.window.to_days}
        outside = "fact.hi < anchor.lo + :first OR fact.lo > anchor.hi + :last"
        unsure = "fact.lo < anchor.hi + :first OR fact.hi > anchor.lo + :last"
        out.append((fragment(outside, **days), "outside-window"))
        maybe.append((fragment(unsure, **days), "outside-window"))
    if need.fresh_days is not None:
        earliest = as_of - timedelta(days=need.fresh_days)
        out.append((fragment("fact.hi < :earliest", earliest=earliest), "stale"))
        maybe.append((fragment("fact.lo < :earliest", earliest=earliest), "stale"))
    return out, maybe


def _value(need: Value, as_of: date) -> Sql:
    truth, cause, words = comparison(need)
    found = _facts(need, need.concepts, as_of)
    judged = fragment(
        "SELECT *, place <> 'out' AS kept, MAX(lo) FILTER (WHERE place <> 'out') "
        "OVER (PARTITION BY patient) AS last_lo FROM :found AS found",
        found=exp.Subquery(this=found),
    )
    grouped = fragment(
        "SELECT *, kept AND (last_lo IS NULL OR CASE WHEN hi IS NULL THEN defect = 'data-error' "
        "ELSE hi >= last_lo END) AS chosen, "
        "CASE WHEN defect <> '' OR place = 'maybe' OR weak THEN NULL ELSE :truth END AS truth, "
        "CASE WHEN defect <> '' THEN defect WHEN place = 'maybe' THEN place_cause "
        "WHEN weak THEN 'no-data' ELSE :cause END AS cause, "
        "CASE WHEN kept THEN :evidence END AS evidence, "
        "CASE WHEN NOT kept THEN :bare END AS elsewhere "
        "FROM :judged AS judged",
        truth=truth,
        cause=cause,
        evidence=fragment(EVIDENCE, words=words),
        bare=fragment(EVIDENCE, words=""),
        judged=exp.Subquery(this=judged),
    )
    summed = fragment(
        "SELECT patient, BOOL_OR(kept) AS kept, "
        "COALESCE(BOOL_OR(truth) FILTER (WHERE chosen), FALSE) AS yes, "
        "COALESCE(BOOL_OR(NOT truth) FILTER (WHERE chosen), FALSE) AS no, "
        "COALESCE(BOOL_OR(truth IS NULL) FILTER (WHERE chosen), FALSE) AS open, "
        "ARG_MIN(cause, place_key) FILTER (WHERE chosen AND truth IS NULL) AS open_cause, "
        "ARG_MAX(place_cause, rank) AS out_cause, "
        "LIST(evidence ORDER BY place_key) FILTER (WHERE chosen) AS chosen, "
        "[ARG_MAX(elsewhere, rank)] AS out_evidence FROM :grouped AS grouped GROUP BY patient",
        grouped=exp.Subquery(this=grouped),
    )
    return fragment(
        "SELECT patient, CASE WHEN NOT kept OR yes AND no OR open THEN NULL ELSE yes END AS truth, "
        "CASE WHEN NOT kept THEN out_cause WHEN yes AND no THEN 'conflicting' "
        "WHEN open THEN open_cause END AS cause, "
        "CASE WHEN kept THEN chosen ELSE out_evidence END AS evidence, "
        "CAST(NULL AS DATE) AS resolves, FALSE AS absent FROM :summed AS summed",
        summed=exp.Subquery(this=summed),
    )


def _presence(need: Presence, as_of: date) -> Sql:
    found: Sql = _facts(need, need.concepts, as_of, [named(TRUE, "wanted")])
    if need.against:
        other = _facts(need, need.against, as_of, [named(FALSE, "wanted")])
        found = exp.union(found, other, distinct=False, copy=False)
    summed = fragment(
        "SELECT patient, COALESCE(BOOL_OR(wanted AND sure), FALSE) AS yes, "
        "COALESCE(BOOL_OR(NOT wanted AND sure), FALSE) AS no, "
        "COALESCE(BOOL_OR(wanted AND place <> 'out'), FALSE) AS perhaps, "
        "BOOL_OR(wanted) AS recorded, "
        "ARG_MAX(evidence, rank) FILTER (WHERE wanted AND sure) AS for_it, "
        "ARG_MAX(evidence, rank) FILTER (WHERE NOT wanted AND sure) AS against_it, "
        "ARG_MAX(evidence, rank) FILTER (WHERE wanted AND place <> 'out') AS unsure, "
        "ARG_MAX(evidence, rank) FILTER (WHERE wanted) AS elsewhere, "
        "ARG_MAX(CASE WHEN place = 'maybe' THEN place_cause ELSE 'no-data' END, rank) "
        "FILTER (WHERE wanted AND place <> 'out') AS unsure_cause, "
        "ARG_MAX(place_cause, rank) FILTER (WHERE wanted) AS out_cause FROM "
        "(SELECT *, place = 'in' AND NOT weak AS sure, :evidence AS evidence "
        "FROM :found AS found) AS judged GROUP BY patient",
        evidence=fragment(EVIDENCE, words=""),
        found=exp.Subquery(this=found),
    )
    return fragment(
        "SELECT patient, CASE WHEN yes AND no THEN NULL WHEN yes THEN TRUE WHEN perhaps THEN NULL "
        "WHEN no THEN FALSE END AS truth, "
        "CASE WHEN yes AND no THEN 'conflicting' WHEN yes THEN NULL "
        "WHEN perhaps THEN unsure_cause WHEN no THEN NULL "
        "WHEN recorded THEN out_cause END AS cause, "
        "CASE WHEN yes AND no THEN [for_it, against_it] WHEN yes THEN [for_it] "
        "WHEN perhaps THEN [unsure] WHEN no THEN [against_it] "
        "WHEN recorded THEN [elsewhere] ELSE :none END AS evidence, "
        "CAST(NULL AS DATE) AS resolves, "
        "NOT (yes OR no OR perhaps OR recorded) AS absent FROM :summed AS summed",
        none=NO_EVIDENCE,
        summed=exp.Subquery(this=summed),
    )


def _recent(need: Recent, as_of: date) -> Sql:
    limit = as_of - timedelta(days=need.less_than_days)
    summed = fragment(
        "SELECT patient, COALESCE(BOOL_OR(within), FALSE) AS within, "
        "COALESCE(BOOL_OR(rest), FALSE) AS rest, COALESCE(BOOL_OR(older), FALSE) AS older, "
        "ARG_MAX(evidence, rank) FILTER (WHERE within) AS within_it, "
        "ARG_MAX(evidence, rank) FILTER (WHERE rest) AS rest_it, "
        "ARG_MAX(evidence, rank) FILTER (WHERE older) AS older_it, "
        "ARG_MAX(hi, rank) FILTER (WHERE within) AS last FROM "
        "(SELECT *, place = 'in' AND NOT weak AND hi IS NOT NULL AND lo > :limit AS within, "
        "place = 'in' AND NOT weak AND hi <= :limit AND lo IS NOT NULL AS older, "
        "place = 'in' AND (hi IS NULL OR hi > :limit) AS rest, :evidence AS evidence "
        "FROM :found AS found) AS judged GROUP BY patient",
        limit=limit,
        evidence=fragment(EVIDENCE, words=f"< {need.less_than_days} d"),
        found=exp.Subquery(this=_facts(need, need.concepts, as_of)),
    )
    return fragment(
        "SELECT patient, CASE WHEN within THEN TRUE WHEN rest THEN NULL "
        "WHEN older AND :decides THEN FALSE END AS truth, "
        "CASE WHEN within THEN NULL WHEN rest THEN 'no-data' END AS cause, "
        "CASE WHEN within THEN [within_it] WHEN rest THEN [rest_it] "
        "WHEN older THEN [older_it] ELSE :none END AS evidence, "
        "CASE WHEN within THEN last + :days END AS resolves, "
        "NOT within AND NOT rest AND NOT (older AND :decides) AS absent FROM :summed AS summed",
        decides=need.older_decides,
        days=need.less_than_days,
        none=NO_EVIDENCE,
        summed=exp.Subquery(this=summed),
    )
