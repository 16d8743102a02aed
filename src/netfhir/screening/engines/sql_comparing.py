"""One result against a threshold, as SQL: the meaning is that of comparing.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from netfhir.screening.engines.sql import Sql, cases, fragment, named, one_of
from netfhir.screening.facts import bare, text
from netfhir.screening.needs import SYMBOLS

if TYPE_CHECKING:
    from netfhir.screening.needs import Value

NULL = exp.null()


@dataclass(frozen=True, slots=True)
class Comparison:
    """SQL of a comparison: what a fact is held against, and what comes of it."""

    columns: tuple[Sql, ...]
    """Of a fact: `bound`, and `unfit`, the cause why the result cannot be compared."""
    truth: Sql
    """Of these and of number and comparator."""
    words: Sql
    """The threshold in words, of a fact."""


#: The cause of an open comparison, of its truth `compared`.
CAUSE = (
    "CASE WHEN number IS NULL THEN 'no-data' WHEN NOT unfit IS NULL THEN unfit "
    "WHEN compared IS NULL THEN 'no-data' END"
)


def comparison(need: Value) -> Comparison:
    """Return truth, cause and threshold in words of one result, as engines/comparing.py has it."""
    if need.operator == "within_range":
        return _within()
    symbol = SYMBOLS[need.operator]
    if need.multiple_of_upper_limit is not None:
        factor = need.multiple_of_upper_limit
        limit = fragment("CAST(:factor AS DECIMAL(8, 3)) * high", factor=str(factor))
        unfit = fragment("CASE WHEN high IS NULL THEN 'no-reference-range' END")
        words = fragment(
            "RTRIM(:symbol || number_text(high, high_scale) || ' ' || unit)",
            symbol=f"{symbol} {text(bare(factor))} x ULN ",
        )
    else:
        limit, unfit, words = _thresholds(need, symbol)
    fits = fragment("number IS NULL OR :unfit IS NOT NULL", unfit=unfit)
    said = cases([(fits, exp.Literal.string(""))], words)
    return Comparison(_columns(limit, unfit), _ordered(need.operator), said)


def _within() -> Comparison:
    """Return the comparison with the result's own range."""
    words = fragment(
        "CASE WHEN number IS NULL OR high IS NULL THEN '' ELSE "
        "TRIM(COALESCE(number_text(low, low_scale), '') || ' to ' || "
        "number_text(high, high_scale) || ' ' || unit) END"
    )
    truth = fragment(
        "CASE WHEN number IS NULL OR bound IS NULL OR comparator <> '' THEN NULL "
        "ELSE (low IS NULL OR low <= number) AND number <= bound END"
    )
    unfit = fragment("CASE WHEN high IS NULL THEN 'no-reference-range' END")
    return Comparison((*_columns(exp.column("high"), unfit), exp.column("low")), truth, words)


def _columns(bound: Sql, unfit: Sql) -> tuple[Sql, ...]:
    plain = (exp.column("number"), exp.column("comparator"))
    return (*plain, named(bound, "bound"), named(unfit, "unfit"))


def _thresholds(need: Value, symbol: str) -> tuple[Sql, Sql, Sql]:
    limits, words = [], []
    for unit, limit in need.thresholds.items():
        here = fragment("unit = :unit", unit=unit)
        limits.append((here, fragment("CAST(:limit AS DECIMAL(28, 10))", limit=str(limit))))
        said = f"{symbol} {limit}" + ("" if unit == "1" else f" {unit}")
        words.append((here.copy(), exp.Literal.string(said)))
    unfit = cases(
        [
            (one_of("unit", need.thresholds), NULL),
            (fragment("unit = ''"), fragment("'unit-missing'")),
        ],
        fragment("'unit-not-comparable'"),
    )
    return cases(limits, NULL), unfit, cases(words, exp.Literal.string(""))


def _ordered(operator: str) -> Sql:
    """Return whether a number is below its bound, or the like; a comparator may leave it open."""
    lower = "number < bound" if operator in ("below", "at_least") else "number <= bound"
    below = fragment(
        f"CASE WHEN number IS NULL OR bound IS NULL THEN NULL "
        f"WHEN comparator = '' THEN {lower} "
        f"WHEN comparator = '<' THEN CASE WHEN number <= bound THEN TRUE END "
        f"WHEN comparator = '<=' THEN CASE WHEN {lower} THEN TRUE END "
        f"WHEN comparator = '>' THEN CASE WHEN number >= bound THEN FALSE END "
        f"WHEN comparator = '>=' THEN CASE WHEN NOT ({lower}) THEN FALSE END END"
    )
    return (
        exp.not_(exp.paren(below, copy=False), copy=False)
        if operator in ("above", "at_least")
        else below
    )
