"""The sums of a run: every planned row becomes one thing, or the run says so."""

from __future__ import annotations

import pytest

from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Action, Outcome, Planned, Settled, State, Summary, settled


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


def test_the_record_says_all_of_a_run() -> None:
    """Types in order, zeros left out; a row that the run plans itself is counted with the rest."""
    summary = Summary({"B": 3, "A": 2, "C": 0})
    for action in (Action.CREATE, Action.CREATE, Action.DEAD):
        summary.plan(_item(action)._replace(resource_type="B", reason="http-422"))
    for action in (Action.UNCHANGED, Action.PARKED):
        summary.plan(_item(action)._replace(reason="why"))
    for _ in range(2):
        summary.add(_item(Action.CREATE)._replace(resource_type="P"))
        summary.settle("P", Outcome.ACKNOWLEDGED)
        summary.settle("B", Outcome.ACKNOWLEDGED, "warning value")
        summary.keep("B", ["status", "code"])
    summary.add(_item(Action.UPDATE))
    summary.settle("A", Outcome.CONFLICT)
    summary.unproven = 4
    assert summary.as_record() == {
        "planned": 8,
        "balanced": True,
        "outcomes": {"acknowledged": 4, "unchanged": 1, "dead": 1, "parked": 1, "conflict": 1},
        "types": {
            "A": {
                "planned": 3,
                "actions": {"update": 1, "unchanged": 1, "parked": 1},
                "outcomes": {"unchanged": 1, "parked": 1, "conflict": 1},
            },
            "B": {
                "planned": 3,
                "actions": {"create": 2, "dead": 1},
                "outcomes": {"acknowledged": 2, "dead": 1},
            },
            "C": {"planned": 0, "actions": {}, "outcomes": {}},
            "P": {
                "planned": 2,
                "actions": {"create": 2},
                "outcomes": {"acknowledged": 2},
            },
        },
        "reasons": {"dead: http-422": 1, "parked: why": 1},
        "kept": {"B.code": 2, "B.status": 2},
        "unproven": 4,
        "remarks": {"warning value": 2, "why": 1},
    }


def test_a_type_that_nobody_planned_is_a_bug() -> None:
    """One row of it is one too many."""
    summary = Summary({"A": 1})
    summary.settle("A", Outcome.ACKNOWLEDGED)
    summary.settle("B", Outcome.ACKNOWLEDGED)
    assert not summary.balanced()


@pytest.mark.parametrize(
    ("action", "existed"),
    [(Action.CREATE, False), (Action.UPDATE, True), (Action.RETRACT, True)],
)
def test_what_became_of_a_row_keeps_what_was_sent(action: Action, *, existed: bool) -> None:
    """Its digest, its elements, its place; and whether it was there before."""
    item = _item(action)._replace(digest=b"d", elements=b"e", kept=("code",), server_id="s1")
    assert settled(item, Outcome.DEAD, reason="why", version_id="2") == Settled(
        *("A", "n1", Outcome.DEAD, b"d", "s1", "2", "why"),
        existed=existed,
        elements=b"e",
        kept=("code",),
    )
    moved = settled(item._replace(elements=b""), Outcome.DEAD, server_id="s2")
    assert (moved.server_id, moved.version_id, moved.reason) == ("s2", "", "")
    assert moved.elements is None


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_is_held_was_taken_back(outcome: Outcome) -> None:
    """A retraction that failed leaves the row as it was."""
    item = _item(Action.RETRACT)._replace(tombstone=State.RETRACTED)
    held = outcome in {Outcome.ACKNOWLEDGED, Outcome.UNCHANGED}
    assert settled(item, outcome).tombstone is (State.RETRACTED if held else None)
