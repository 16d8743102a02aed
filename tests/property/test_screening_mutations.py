"""Every threshold, unit, comparator and window matters: changing one makes a known answer wrong."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from hospital_records import asked, overlay, record
from netfhir.screening.engines.python import verdicts
from netfhir.screening.needs import Age, Facts, Need, Recent, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.screening.criteria import Criterion, Rule
    from netfhir.screening.facts import Record

PATIENTS = 1_200
SWAPPED = {"below": "at_most", "at_most": "below", "above": "at_least", "at_least": "above"}


def used(criterion: Criterion, rule: Rule) -> Iterator[str]:
    """Yield the needs that the readings in use ask for."""
    for name in rule.names():
        ambiguity = criterion.ambiguities.get(name)
        if ambiguity is None:
            yield name
            continue
        for reading, part in ambiguity.readings.items():
            if ambiguity.use in (reading, "unknown"):
                yield from used(criterion, part)


def mutants(need: Need) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what to change about a need, by name."""
    if isinstance(need, Value):
        yield from _compared(need)
    if isinstance(need, Facts) and need.fresh_days is not None:
        yield from _moved("fresh_days", need.fresh_days)
    if isinstance(need, Facts) and need.window is not None:
        for side in ("from_days", "to_days"):
            for what, change in _moved(side, getattr(need.window, side)):
                yield what, {"window": need.window.model_copy(update=change)}
    if isinstance(need, Recent):
        yield from _moved("less_than_days", need.less_than_days)
    if isinstance(need, Age):
        yield from _moved("at_least_years", need.at_least_years)


def _compared(need: Value) -> Iterator[tuple[str, dict[str, Any]]]:
    for unit, limit in need.thresholds.items():
        step = Decimal(1) if unit == "1" else limit * Decimal("0.07")
        for sign in (1, -1):
            changed = {**need.thresholds, unit: limit + sign * step}
            yield f"threshold {unit} {sign:+d}", {"thresholds": changed}
        others = {name: other for name, other in need.thresholds.items() if name != unit}
        yield f"without {unit}", {"thresholds": others or {"s": limit}}
    if need.operator in SWAPPED:
        yield "comparator", {"operator": SWAPPED[need.operator]}
    if need.multiple_of_upper_limit is not None:
        for factor in ("0.93", "1.07"):
            times = need.multiple_of_upper_limit * Decimal(factor)
            yield f"multiple {factor}", {"multiple_of_upper_limit": times}


def _moved(name: str, value: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for step in (1, -1):
        yield f"{name} {step:+d}", {name: value + step}


def cases() -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return all mutants of all criteria."""
    return [
        (key, name, what, change)
        for key, one in asked().file.criteria.items()
        for name in dict.fromkeys(used(one, one.rule))
        for what, change in mutants(one.needs[name])
    ]


CASES = cases()


@cache
def known() -> list[tuple[Record, dict[str, tuple[str, str | None]]]]:
    """Return patients with their true answers."""
    return [(record(made.resources), made.truth) for made in overlay.patients(PATIENTS, clean=0.4)]


@pytest.mark.parametrize(
    ("key", "name", "what", "change"), CASES, ids=[f"{k}-{n}-{w}" for k, n, w, _ in CASES]
)
def test_a_change_is_noticed(key: str, name: str, what: str, change: dict[str, Any]) -> None:
    """Some patient's true answer is no longer given."""
    criterion = asked().file.criteria[key]
    changed = criterion.needs[name].model_copy(update=change)
    needs = {**criterion.needs, name: changed}
    mutant = criterion.model_copy(update={"needs": needs})
    file = asked().file.model_copy(update={"criteria": {key: mutant}})
    protocol = replace(asked(), file=file)
    assert any(
        (verdicts(protocol, one)[0].status, verdicts(protocol, one)[0].cause) != tuple(truth[key])
        for one, truth in known()
    ), what
