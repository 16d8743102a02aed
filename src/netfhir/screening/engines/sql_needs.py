"""Each kind of need as a query: one row a patient with a fact that bears on it.

Columns: pno, truth, cause, evidence, resolves, absent (whether only absence is left to speak).
Facts are carried by their rank alone, a number in order of time that ends in the fact's row; what
they say is looked up for those that decide. The meaning is that of answering.py, kind by kind.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlglot import exp

from netfhir.screening.engines.sql import Sql, cases, fragment, named, one_of
from netfhir.screening.engines.sql_comparing import CAUSE, comparison
from netfhir.screening.engines.sql_places import latest, places
from netfhir.screening.needs import Facts, Presence, Recent, Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from netfhir.screening.engines.sql_comparing import Comparison

EVIDENCE = (
    "EVIDENCE_OF(type, id, version, code, number, scale, comparator, unit, "
    "COALESCE(since, lo), hi, :words)"
)
_SILENT = exp.Literal.string("")
NO_EVIDENCE = fragment(
    "CAST([] AS STRUCT(type TEXT, id TEXT, version TEXT, value TEXT, unit TEXT, "
    "threshold TEXT, effective TEXT[])[])"
)


def query(need: Facts, as_of: date) -> Sql:
    """Return the query of a need over the table `fact`."""
    match need:
        case Value():
            return _value(need, as_of)
        case Presence():
            return _presence(need, as_of)
        case Recent():
            return _recent(need, as_of)
        case _:
            raise TypeError(type(need).__name__)


def _facts(need: Facts, concepts: Sequence[str], as_of: date, *columns: Sql) -> Sql:
    """Return the facts of these sets with their place: 0 out, 1 maybe, 2 in; a resource once."""
    place, cause = places(need, as_of)
    found = fragment(
        "SELECT fact.pno, rank, fact.lo, fact.hi, weak, defect, :place AS place, "
        ":cause AS place_cause FROM fact",
        place=place,
        cause=cause,
    )
    assert isinstance(found, exp.Select)  # noqa: S101 - the fragment is a SELECT
    if need.window is not None:
        anchor = latest(need.window.anchor, "anchor")
        found = found.join(anchor, on="anchor.pno = fact.pno", copy=False)
    found = found.where(one_of("concept", concepts), copy=False)
    if need.current:
        found = found.where("NOT ended", copy=False)
    if len(concepts) > 1:
        order = exp.Array(expressions=[exp.Literal.string(name) for name in concepts])
        once = fragment(
            "ROW_NUMBER() OVER (PARTITION BY fact.pno, type, id "
            "ORDER BY LIST_POSITION(:order, concept) DESC) = 1",
            order=order,
        )
        found.set("qualify", exp.Qualify(this=once))
    return found.select(*columns, copy=False) if columns else found


def _said(concepts: Sequence[str]) -> Sql:
    """Return the facts of these sets as they stand, to be looked up by row."""
    return exp.select("*").from_("fact").where(one_of("concept", concepts), copy=False)


#: Per patient: what its chosen facts say together, and the first and the last of them.
_SUMMED = """
SELECT pno, BOOL_OR(place > 0) AS kept,
  COALESCE(BOOL_OR(truth) FILTER (WHERE chosen), FALSE) AS yes,
  COALESCE(BOOL_OR(NOT truth) FILTER (WHERE chosen), FALSE) AS no,
  COALESCE(BOOL_OR(truth IS NULL) FILTER (WHERE chosen), FALSE) AS open,
  MAX(cause) FILTER (WHERE chosen AND truth IS NULL) AS open_cause,
  ARG_MAX(place_cause, rank) AS out_cause, MAX(rank) AS last,
  MAX(rank) FILTER (WHERE chosen) AS to_, MIN(rank) FILTER (WHERE chosen) AS from_
FROM judged GROUP BY pno
"""


def _value(need: Value, as_of: date) -> Sql:
    compared = comparison(need)
    words = compared.words
    told = _told(need, words)
    parts = (
        ("judged", _judged(need, as_of, compared)),
        ("summed", fragment(_SUMMED)),
        ("several", _several(need, words)),
    )
    for name, part in parts:
        told = told.with_(name, as_=part, materialized=name != "several" or None, copy=False)
    return told


def _judged(need: Value, as_of: date, compared: Comparison) -> Sql:
    """Return each fact with what it says, and whether it is one of the last that count."""
    found = _facts(need, need.concepts, as_of, *compared.columns)
    return fragment(
        """
        SELECT *, place > 0 AND (last_lo IS NULL OR CASE WHEN hi IS NULL
            THEN defect = 'data-error' ELSE hi >= last_lo END) AS chosen,
          CASE WHEN defect <> '' OR place = 1 OR weak THEN NULL ELSE compared END AS truth,
          CASE WHEN defect <> '' THEN defect WHEN place = 1 THEN place_cause
            WHEN weak THEN 'no-data' ELSE :cause END AS cause
        FROM (
          SELECT *, MAX(lo) FILTER (WHERE place > 0) OVER (PARTITION BY pno) AS last_lo,
            :compared AS compared
          FROM :found AS found) AS dated
        """,
        found=exp.Subquery(this=found),
        cause=fragment(CAUSE),
        compared=compared.truth,
    )


def _several(need: Value, words: Sql) -> Sql:
    """Return the evidence of patients of whom more than one fact counts."""
    return fragment(
        """
        SELECT one.pno, ARRAY_AGG(:evidence ORDER BY type, id) AS evidence,
          ARG_MIN(cause, type || CHR(1) || id) FILTER (WHERE truth IS NULL) AS cause
        FROM (SELECT judged.pno, judged.rank % 4294967296 AS at_row, truth, cause
          FROM judged JOIN summed ON summed.pno = judged.pno WHERE chosen AND from_ < to_) AS one
        JOIN :facts AS fact ON fact.row = at_row GROUP BY one.pno
        """,
        evidence=fragment(EVIDENCE, words=words.copy()),
        facts=exp.Subquery(this=_said(need.concepts)),
    )


def _told(need: Value, words: Sql) -> exp.Query:
    """Return the answer of each patient, with the evidence of one fact or of several."""
    told = fragment(
        """
        SELECT summed.pno, CASE WHEN NOT kept OR yes AND no OR open THEN NULL ELSE yes END AS truth,
          CASE WHEN NOT kept THEN out_cause WHEN yes AND no THEN 'conflicting'
            WHEN open THEN open_cause END AS cause,
          LIST_VALUE(:evidence) AS evidence, CAST(NULL AS DATE) AS resolves, FALSE AS absent
        FROM summed JOIN :facts AS fact ON fact.row = COALESCE(to_, last) % 4294967296
        WHERE NOT COALESCE(from_ < to_, FALSE)
        UNION ALL
        SELECT summed.pno, CASE WHEN yes AND no OR open THEN NULL ELSE yes END AS truth,
          CASE WHEN yes AND no THEN 'conflicting'
            WHEN open THEN COALESCE(several.cause, open_cause) END AS cause,
          several.evidence, CAST(NULL AS DATE) AS resolves, FALSE AS absent
        FROM summed JOIN several ON several.pno = summed.pno
        """,
        evidence=fragment(EVIDENCE, words=cases([(exp.column("kept"), words)], _SILENT)),
        facts=exp.Subquery(this=_said(need.concepts)),
    )
    assert isinstance(told, exp.Query)  # noqa: S101 - the fragment is one
    return told


def _presence(need: Presence, as_of: date) -> Sql:
    found: Sql = _facts(need, need.concepts, as_of, named(exp.true(), "wanted"))
    if need.against:
        other = _facts(need, need.against, as_of, named(exp.false(), "wanted"))
        found = exp.union(found, other, distinct=False, copy=False)
    summed = fragment(
        """
        SELECT pno, MAX(rank) FILTER (WHERE wanted AND sure) AS for_it,
          MAX(rank) FILTER (WHERE NOT wanted AND sure) AS against_it,
          MAX(rank) FILTER (WHERE wanted AND place > 0) AS unsure,
          MAX(rank) FILTER (WHERE wanted) AS elsewhere,
          ARG_MAX(CASE WHEN place = 1 THEN place_cause ELSE 'no-data' END, rank)
            FILTER (WHERE wanted AND place > 0) AS unsure_cause,
          ARG_MAX(place_cause, rank) FILTER (WHERE wanted) AS out_cause
        FROM (SELECT *, place = 2 AND NOT weak AS sure FROM :found AS found) AS judged
        GROUP BY pno
        """,
        found=exp.Subquery(this=found),
    )
    evidence = fragment(EVIDENCE, words="")
    return fragment(
        """
        SELECT pno,
          CASE WHEN NOT for_it IS NULL AND NOT against_it IS NULL THEN NULL
            WHEN NOT for_it IS NULL THEN TRUE WHEN NOT unsure IS NULL THEN NULL
            WHEN NOT against_it IS NULL THEN FALSE END AS truth,
          CASE WHEN NOT for_it IS NULL AND NOT against_it IS NULL THEN 'conflicting'
            WHEN NOT for_it IS NULL THEN NULL WHEN NOT unsure IS NULL THEN unsure_cause
            WHEN NOT against_it IS NULL THEN NULL ELSE out_cause END AS cause,
          CASE WHEN first.evidence IS NULL THEN :none
            WHEN NOT for_it IS NULL AND NOT against_it IS NULL
              THEN [first.evidence, second.evidence]
            ELSE [first.evidence] END AS evidence,
          CAST(NULL AS DATE) AS resolves, first.evidence IS NULL AS absent
        FROM (SELECT *, CASE WHEN NOT for_it IS NULL THEN for_it WHEN NOT unsure IS NULL THEN unsure
            WHEN NOT against_it IS NULL THEN against_it ELSE elsewhere END AS rank
          FROM :summed AS summed) AS summed
        LEFT JOIN (SELECT row, :evidence AS evidence FROM :facts AS fact) AS first
          ON first.row = summed.rank % 4294967296
        LEFT JOIN (SELECT row, :evidence AS evidence FROM :facts AS fact) AS second
          ON second.row = summed.against_it % 4294967296
        """,
        none=NO_EVIDENCE,
        evidence=evidence,
        facts=exp.Subquery(this=_said((*need.concepts, *need.against))),
        summed=exp.Subquery(this=summed),
    )


def _recent(need: Recent, as_of: date) -> Sql:
    limit = as_of - timedelta(days=need.less_than_days)
    summed = fragment(
        """
        SELECT pno, MAX(rank) FILTER (WHERE within) AS within,
          MAX(rank) FILTER (WHERE rest) AS rest, MAX(rank) FILTER (WHERE older) AS older
        FROM (SELECT *,
            place = 2 AND NOT weak AND NOT hi IS NULL AND lo > :limit AS within,
            place = 2 AND NOT weak AND hi <= :limit AND NOT lo IS NULL AS older,
            place = 2 AND (hi IS NULL OR hi > :limit) AS rest
          FROM :found AS found) AS judged
        GROUP BY pno
        """,
        limit=limit,
        found=exp.Subquery(this=_facts(need, need.concepts, as_of)),
    )
    return fragment(
        """
        SELECT summed.pno, CASE WHEN NOT within IS NULL THEN TRUE WHEN NOT rest IS NULL THEN NULL
            WHEN NOT older IS NULL AND :decides THEN FALSE END AS truth,
          CASE WHEN within IS NULL AND NOT rest IS NULL THEN 'no-data' END AS cause,
          CASE WHEN fact.row IS NULL THEN :none ELSE [:evidence] END AS evidence,
          CASE WHEN NOT within IS NULL THEN hi + :days END AS resolves,
          within IS NULL AND rest IS NULL AND NOT (NOT older IS NULL AND :decides) AS absent
        FROM :summed AS summed
        LEFT JOIN :facts AS fact ON fact.row = COALESCE(within, rest, older) % 4294967296
        """,
        decides=need.older_decides,
        days=need.less_than_days,
        none=NO_EVIDENCE,
        evidence=fragment(EVIDENCE, words=f"< {need.less_than_days} d"),
        facts=exp.Subquery(this=_said(need.concepts)),
        summed=exp.Subquery(this=summed),
    )
