"""Where a fact lies in time, as SQL: the meaning is that of placing.py."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlglot import exp

from netfhir.screening.engines.sql import Sql, cases, fragment

if TYPE_CHECKING:
    from datetime import date

    from netfhir.screening.needs import Facts

OUT, MAYBE, IN = 0, 1, 2
_NULL = exp.null()


def latest(concept: str, alias: str) -> exp.Table:
    """Return the table of the latest certain event of a set for each patient: pno, lo, hi."""
    name = exp.to_identifier(f"latest {concept}", quoted=True)
    return exp.Table(this=name, alias=exp.TableAlias(this=exp.to_identifier(alias)))


def latest_made(concept: str, as_of: date) -> Sql:
    """Return the statement that makes this table."""
    found = fragment(
        "SELECT pno, ARG_MAX(lo, rank) AS lo, ARG_MAX(hi, rank) AS hi FROM fact "
        "WHERE concept = :concept AND NOT weak AND lo <= :as_of GROUP BY pno",
        concept=concept,
        as_of=as_of,
    )
    table = exp.Table(this=exp.to_identifier(f"latest {concept}", quoted=True))
    return exp.Create(this=table, kind="TABLE", expression=found)


def places(need: Facts, as_of: date) -> tuple[Sql, Sql]:
    """Return the place of a fact, and the cause why it is not surely there."""
    undated = fragment("fact.lo IS NULL OR fact.hi IS NULL")
    later = fragment("fact.lo > :as_of", as_of=as_of)
    pairs = [(later, OUT, "outside-window"), *_bounds(need, as_of)]
    if need.window is not None:
        pairs.insert(0, (undated, MAYBE, "outside-window"))
    elif need.fresh_days is not None:
        pairs.insert(0, (undated, MAYBE, "stale"))
    else:
        pairs.insert(0, (undated, IN, ""))
    place = cases([(bound, exp.convert(at)) for bound, at, _ in pairs], exp.convert(IN))
    causes = [
        (bound.copy(), exp.Literal.string(cause) if cause else _NULL) for bound, _, cause in pairs
    ]
    return place, cases(causes, _NULL)


def _bounds(need: Facts, as_of: date) -> list[tuple[Sql, int, str]]:
    """Return what puts a fact surely out, then what puts it perhaps out, each with its cause."""
    out: list[tuple[Sql, int, str]] = []
    maybe: list[tuple[Sql, int, str]] = []
    if need.window is not None:
        days = {"first": need.window.from_days, "last": need.window.to_days}
        outside = "fact.hi < anchor.lo + :first OR fact.lo > anchor.hi + :last"
        unsure = "fact.lo < anchor.hi + :first OR fact.hi > anchor.lo + :last"
        out.append((fragment(outside, **days), OUT, "outside-window"))
        maybe.append((fragment(unsure, **days), MAYBE, "outside-window"))
    if need.fresh_days is not None:
        earliest = as_of - timedelta(days=need.fresh_days)
        out.append((fragment("fact.hi < :earliest", earliest=earliest), OUT, "stale"))
        maybe.append((fragment("fact.lo < :earliest", earliest=earliest), MAYBE, "stale"))
    return out + maybe
