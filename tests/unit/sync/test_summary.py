"""The sums of a run: every planned row becomes one thing, or the run says so."""

from __future__ import annotations

import pytest

from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Action, Outcome, Planned, Summary


def _item(action: Action) -> Planned:
    return Planned(action, Strategy.PUT_ID, "A", "n1", "f:1")


def test_a_planned_row_is_counted_once() -> None:
    """What is sent when it is settled, all else when it is planned."""
    summary = Summary({"A": 2})
    summary.plan(_item(Action.CREATE))
    assert not summary.balanced()
    summary.plan(_item(Action.UNCHANGED))
    summary.settle("A", Outcome.ACKNOWLEDGED)
    assert summary.balanced()
    assert summary.statuses() == set()


@pytest.mark.parametrize("outcome", [Outcome.ACKNOWLEDGED, None])
def test_sums_that_are_off_are_a_bug(outcome: Outcome | None) -> None:
    """One too many or one too few: 70."""
    summary = Summary({"A": 1})
    for _ in range(2 if outcome else 0):
        summary.settle("A", Outcome.ACKNOWLEDGED)
    assert summary.statuses() == {70}


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.UNKNOWN, 75),
        (Outcome.PENDING, 75),
        (Outcome.DEAD, 65),
        (Outcome.BLOCKED, 65),
        (Outcome.UNSUPPORTED, 65),
        (Outcome.PARKED, 65),
        (Outcome.CONFLICT, 65),
    ],
)
def test_what_is_left_over_has_its_status(outcome: Outcome, status: int) -> None:
    """Nothing left over is silent."""
    summary = Summary({"A": 1})
    summary.settle("A", outcome)
    assert summary.statuses() == {status}


def test_a_dry_run_may_leave_all_pending() -> None:
    """A plan with changes is 0."""
    summary = Summary({"A": 1})
    summary.settle("A", Outcome.PENDING)
    assert summary.statuses(dry=True) == set()


def test_reasons_are_counted() -> None:
    """By outcome, for the report."""
    summary = Summary({"A": 2})
    for _ in range(2):
        summary.settle("A", Outcome.PARKED, "no-patient")
    assert summary.as_record()["reasons"] == {"parked: no-patient": 2}
