"""One result against a threshold, as SQL: the meaning is that of comparing.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from netfhir.screening.engines.sql import Sql, cases, fragment, one_of
from netfhir.screening.facts import bare, text
from netfhir.screening.needs import SYMBOLS

if TYPE_CHECKING:
    from netfhir.screening.needs import Value

NULL = exp.null()


def comparison(need: Value) -> tuple[Sql, Sql, Sql]:
    """Return truth, cause and threshold in words of one result, as engines/comparing.py has it."""
    if need.operator == "within_range":
        words = fragment(
            "CASE WHEN number IS NULL OR high IS NULL THEN '' ELSE "
            "TRIM(COALESCE(number_text(low, low_scale), '') || ' to ' || "
            "number_text(high, high_scale) || ' ' || unit) END"
        )
        truth = fragment(
            "CASE WHEN number IS NULL OR high IS NULL OR comparator <> '' THEN NULL "
            "ELSE (low IS NULL OR low <= number) AND number <= high END"
        )
        cause = fragment(
            "CASE WHEN number IS NULL THEN 'no-data' WHEN high IS NULL THEN 'no-reference-range' "
            "WHEN comparator <> '' THEN 'no-data' END"
        )
        return truth, cause, words
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
    truth = _ordered(need.operator, limit)
    cause = fragment(
        "CASE WHEN number IS NULL THEN 'no-data' WHEN :unfit IS NOT NULL THEN :unfit "
        "WHEN :truth IS NULL THEN 'no-data' END",
        unfit=unfit,
        truth=exp.paren(truth, copy=False),
    )
    fits = fragment("number IS NULL OR :unfit IS NOT NULL", unfit=unfit)
    return truth, cause, cases([(fits, exp.Literal.string(""))], words)


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


def _ordered(operator: str, limit: Sql) -> Sql:
    """Return whether a number is below a limit, or the like; a comparator may leave it open."""
    lower = "number < :limit" if operator in ("below", "at_least") else "number <= :limit"
    below = fragment(
        f"CASE WHEN number IS NULL OR :limit IS NULL THEN NULL "
        f"WHEN comparator = '' THEN {lower} "
        f"WHEN comparator = '<' THEN CASE WHEN number <= :limit THEN TRUE END "
        f"WHEN comparator = '<=' THEN CASE WHEN {lower} THEN TRUE END "
        f"WHEN comparator = '>' THEN CASE WHEN number >= :limit THEN FALSE END "
        f"WHEN comparator = '>=' THEN CASE WHEN NOT ({lower}) THEN FALSE END END",
        limit=exp.paren(limit, copy=False),
    )
    return (
        exp.not_(exp.paren(below, copy=False), copy=False)
        if operator in ("above", "at_least")
        else below
    )
