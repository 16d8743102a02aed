"""What a dead letter says to do, by the server's reason."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import StateError
from netfhir.fhir.identity import SiteKey
from netfhir.hospital.profile import Strategy
from netfhir.sync.dead import Letter, chosen, drop, letters, requeue
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.records import Action, Outcome, Planned, State, settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _letter(reason: str, state: str = "dead", *, requeued: bool = False) -> Letter:
    return Letter(
        *("Observation", "n1", state, reason, 2, "2024", "2025", "f:1"),
        on_server=False,
        requeued=requeued,
    )


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("HTTP 422 (error invalid Observation.value)", "correct the record"),
        ("http-400 (error processing HAPI-1094)", "correct the record"),
        ("error-in-success (error value)", "correct the record"),
        ("", "correct the record"),
        ("http-404", "is the type, or what it refers to"),
        ("HTTP 405", "the server takes no such write"),
        ("HTTP 413 (error too-long)", "the server takes no resource of this size"),
        ("transient-exhausted (HTTP 500)", "the server fails at this very resource"),
        ("transient-exhausted (HTTP 504)", "the server fails at this very resource"),
    ],
)
def test_the_remedy_comes_from_the_reason(reason: str, remedy: str) -> None:
    """Who acts: the data manager, or who keeps the server."""
    assert _letter(reason).remedy.startswith(remedy)


def test_what_is_decided_needs_nothing() -> None:
    """Dropped by a person, or requeued."""
    assert _letter("entered twice", "dropped").remedy.startswith("nothing: it was decided")
    assert _letter("HTTP 422", requeued=True).remedy == "nothing: the next apply sends it"


def test_letters_are_named_with_or_without_their_type() -> None:
    """Each once, and a name of none is an error."""
    letter = _letter("HTTP 422")
    assert chosen([letter], ["n1", "Observation/n1"]) == [letter]
    with pytest.raises(StateError) as caught:
        chosen([letter], ["n1", "n2", "n3"])
    assert str(caught.value) == (
        "n2: no-letter: no dead letter of this name; "
        "expected Type/id, as `netfhir dead list` shows it"
    )


def test_a_letter_is_told_with_its_remedy() -> None:
    """As the fields of a record."""
    letter = _letter("HTTP 405")
    assert letter.as_record() == {**letter._asdict(), "remedy": letter.remedy}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return a ledger with four dead rows, two of one id, and one that is well."""
    owner = Owner("T", "https://fhir.example", SiteKey(b"key"))
    made = Ledger.open(tmp_path / "ledger.sqlite", owner, lambda: datetime(2024, 3, 1, tzinfo=UTC))
    with closing(made):
        made.start_run()
        names = (("Observation", "c"), ("Observation", "b"), ("Condition", "c"), ("Condition", "d"))
        rows = [
            Planned(Action.CREATE, Strategy.PUT_ID, kind, name, "f:1", b"{}", b"d1")
            for kind, name in (*names, ("Condition", "a"))
        ]
        made.intend(rows)
        made.settle([settled(row, Outcome.DEAD, reason="http-422") for row in rows[:4]])
        made.settle([settled(rows[4], Outcome.ACKNOWLEDGED)])
        made.finish_run({})
        yield made


def _states(ledger: Ledger) -> list[tuple[str, str, str, str, int, bool]]:
    with ledger.editing() as connection:
        return [
            (x.resource_type, x.id, x.state, x.reason, x.attempts, x.requeued)
            for x in letters(connection)
        ]


def test_a_decision_is_of_one_row(ledger: Ledger) -> None:
    """By type and id; dropped ones come last, and a decision can be taken back."""
    with ledger.editing() as connection:
        drop(connection, chosen(letters(connection), ["Condition/c"]), "entered twice")
        requeue(connection, chosen(letters(connection), ["b"]))
    assert _states(ledger) == [
        ("Condition", "d", "dead", "http-422", 1, False),
        ("Observation", "b", "dead", "http-422", 0, True),
        ("Observation", "c", "dead", "http-422", 1, False),
        ("Condition", "c", "dropped", "entered twice", 1, False),
    ]
    with ledger.editing() as connection:
        requeue(connection, chosen(letters(connection), ["Condition/c"]))
    assert _states(ledger)[0] == ("Condition", "c", "dead", "entered twice", 0, True)
    assert ledger.counts() == {State.DEAD: 4, State.ACKED: 1}


def test_letters_of_an_older_ledger_are_not_read(ledger: Ledger) -> None:
    """Only a run brings it up: 74, and what to do."""
    with ledger.editing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        with pytest.raises(StateError) as caught:
            letters(connection)
    assert str(caught.value) == (
        "ledger: ledger-schema: a ledger of schema 0001; expected 0002; "
        "run `netfhir plan` once: it brings an older ledger up"
    )
