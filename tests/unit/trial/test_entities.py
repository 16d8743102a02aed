"""The facts of a trial, typed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from netfhir.fhir.identity import SourceKey
from netfhir.trial.entities import Amount, Measurement, StateChange

FACT: dict[str, Any] = {
    "key": SourceKey("T", "S1"),
    "origin": "lb.csv:2",
    "subject": "S1",
    "item_table": "lab",
    "item": "hb",
    "status": "final",
    "value": None,
    "measured": None,
}


def test_an_amount_keeps_its_digits() -> None:
    """Validation changes no digit."""
    assert str(Amount(value=Decimal("7.40"), ucum="GBq", unit="GBq").value) == "7.40"


def test_a_fact_does_not_change() -> None:
    """An entity is frozen."""
    fact = Measurement(**FACT)
    with pytest.raises(ValidationError, match="frozen"):
        fact.subject = "S2"  # type: ignore[misc]


@pytest.mark.parametrize("extra", [{"colour": "red"}, {"status": "done"}])
def test_what_no_fact_has_is_refused(extra: dict[str, str]) -> None:
    """No attribute is invented, no status stands outside its closed set."""
    with pytest.raises(ValidationError):
        Measurement(**(FACT | extra))


def test_a_state_is_one_of_fhirs() -> None:
    """The closed set is the value set research-subject-status."""
    with pytest.raises(ValidationError):
        StateChange.model_validate({"state": "randomised", "since": None})


@pytest.mark.parametrize(("value", "kind"), [(0, int), ("YELLOW", str), ("7", str)])
def test_a_value_keeps_its_kind(value: Any, kind: type) -> None:
    """A number is no text and a text no number, whatever it looks like."""
    assert type(Measurement(**(FACT | {"value": value})).value) is kind
