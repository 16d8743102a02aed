"""One result against a threshold, with what a comparator leaves open; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.screening.facts import bare, text
from netfhir.screening.needs import SYMBOLS

if TYPE_CHECKING:
    from decimal import Decimal

    from netfhir.screening.facts import Cause, Fact
    from netfhir.screening.needs import Value

Outcome = tuple[bool | None, "Cause | None", str]
"""Truth, cause if unknown, and the threshold in words."""


def compare(need: Value, fact: Fact) -> Outcome:
    """Return what one result says: in its own unit, by its own range, never converted."""
    if fact.number is None:
        return None, "no-data", ""
    if need.operator == "within_range":
        return _within(fact)
    symbol = SYMBOLS[need.operator]
    if need.multiple_of_upper_limit is not None:
        if fact.high is None:
            return None, "no-reference-range", ""
        limit = need.multiple_of_upper_limit * fact.high
        words = f"{symbol} {text(bare(need.multiple_of_upper_limit))} x ULN {text(fact.high)}"
        words = f"{words} {fact.unit}".rstrip()
    elif fact.unit in need.thresholds:
        limit = need.thresholds[fact.unit]
        words = f"{symbol} {limit}" + ("" if fact.unit == "1" else f" {fact.unit}")
    else:
        return None, "unit-not-comparable" if fact.unit else "unit-missing", ""
    truth = _ordered(need.operator, fact.number, fact.comparator, limit)
    return truth, None if truth is not None else "no-data", words


def _ordered(  # noqa: PLR0911 - one return for each comparator
    operator: str, number: Decimal, comparator: str, limit: Decimal
) -> bool | None:
    """Return whether it is below (or the like): `<5` is every number below 5."""
    if operator in {"above", "at_least"}:
        lower = _ordered("at_most" if operator == "above" else "below", number, comparator, limit)
        return None if lower is None else not lower
    strict = operator == "below"
    is_lower = number < limit or (number == limit and not strict)
    match comparator:
        case "":
            return is_lower
        case "<":
            return True if number <= limit else None
        case "<=":
            return True if is_lower else None
        case ">":
            return False if number >= limit else None
        case ">=":
            return False if not is_lower else None
        case _:
            return None


def _within(fact: Fact) -> Outcome:
    if fact.high is None or fact.number is None:
        return None, "no-reference-range", ""
    low = text(fact.low) if fact.low is not None else ""
    words = f"{low} to {text(fact.high)} {fact.unit}".strip()
    if fact.comparator:
        return None, "no-data", words
    return (fact.low is None or fact.low <= fact.number) and fact.number <= fact.high, None, words
