"""Each way of a row through its states, column by column, and what the ledger answers of it."""

from __future__ import annotations

import importlib
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir.identity import SiteKey
from netfhir.hospital.profile import Strategy
from netfhir.sync import ledger as ledgers
from netfhir.sync import statements
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.mark import Mark
from netfhir.sync.provenance import Owed
from netfhir.sync.records import Action, Outcome, Planned, Settled, State, settled
from netfhir.trial.batch import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER = Owner("T", "https://fhir.example", SiteKey(b"key"))
DAYS = [datetime(2024, 3, day, tzinfo=UTC) for day in range(1, 10)]
STAMPS = [day.isoformat(timespec="seconds") for day in DAYS]


class _Case:
    """A ledger, its file, and a time of day that is set by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.at = DAYS[0]
        self.ledger = Ledger.open(path, OWNER, lambda: self.at)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def row(self) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM resource WHERE resource_type = 'Observation'")
        return row


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Case]:
    """Return a ledger whose statements were put together now, not at the first import."""
    made = importlib.reload(statements)
    monkeypatch.setattr(ledgers, "SETTLE", made.SETTLE)
    monkeypatch.setattr(ledgers, "INTEND", made.INTEND)
    found = _Case(tmp_path / "ledger.sqlite")
    yield found
    found.ledger.close()


def _item(digest: bytes = b"d1", **facts: Any) -> Planned:
    item = Planned(
        Action.CREATE, Strategy.PUT_ID, "Observation", "n1", "f:1", b"{}", digest, "n1", "7"
    )
    return item._replace(**{"elements": b"e" + digest[1:], **facts})


CHANGED = _item(b"d2", action=Action.UPDATE, where="f:2")


def test_an_intent_is_written_whole(case: _Case) -> None:
    """Every column, before a byte is sent."""
    case.ledger.start_run()
    case.ledger.intend([_item()])
    assert case.row() == {
        "resource_type": "Observation",
        "id": "n1",
        "server_id": "n1",
        "state": "in-flight",
        "digest_acked": None,
        "digest_sent": b"d1",
        "version_id": "7",
        "attempts": 1,
        "reason": "",
        "where": "f:1",
        "run_id": 1,
        "updated_at": STAMPS[0],
        "elements_acked": None,
        "elements_sent": b"e1",
        "first_at": STAMPS[0],
        "provenance": "",
    }


def test_a_row_without_elements_keeps_none(case: _Case) -> None:
    """Nothing known is not an empty list of elements."""
    case.ledger.start_run()
    case.ledger.intend([_item(elements=b"")])
    assert case.row()["elements_sent"] is None


def _open(case: _Case) -> dict[str, Any]:
    """Acknowledge a row in run 1, send its change in run 2, and begin run 3."""
    case.ledger.start_run()
    case.ledger.intend([_item(), _item(resource_type="Condition")])
    case.ledger.settle([settled(_item(), Outcome.ACKNOWLEDGED, server_id="s1", version_id="1")])
    case.ledger.finish_run({})
    case.at = DAYS[1]
    case.ledger.start_run()
    case.ledger.intend([CHANGED])
    case.ledger.finish_run({})
    case.at = DAYS[2]
    case.ledger.start_run()
    return case.row()


def _became(outcome: Outcome, **facts: Any) -> Settled:
    item = CHANGED._replace(**facts)
    return settled(item, outcome, server_id="s2", version_id="2", reason="why")


STORED = {
    "digest_acked": b"d2",
    "elements_acked": b"e2",
    "elements_sent": None,
    "server_id": "s2",
    "version_id": "2",
    "reason": "why",
    "updated_at": STAMPS[2],
}
OPEN = {"reason": "why", "run_id": 3, "updated_at": STAMPS[2]}
UNDONE = {"state": "acked", "digest_sent": b"d1", "elements_sent": None}
GONE = {
    "state": "deleted",
    "digest_acked": None,
    "version_id": "",
    "elements_acked": None,
    "reason": "why",
    "updated_at": STAMPS[2],
    "provenance": "NULLIFY",
}


@pytest.mark.parametrize(
    ("became", "changes"),
    [
        (_became(Outcome.ACKNOWLEDGED), {**STORED, "state": "acked", "provenance": "UPDATE"}),
        (_became(Outcome.UNCHANGED), {**STORED, "state": "acked"}),
        (_became(Outcome.DEAD), {**OPEN, "state": "dead"}),
        (_became(Outcome.UNKNOWN), {**OPEN, "state": "unknown"}),
        (_became(Outcome.CONFLICT), {**OPEN, "state": "conflict"}),
        (_became(Outcome.PENDING), UNDONE),
        (_became(Outcome.BLOCKED), UNDONE),
        (_became(Outcome.UNSUPPORTED), {}),
        (
            _became(Outcome.ACKNOWLEDGED, tombstone=State.RETRACTED),
            {**STORED, "state": "retracted", "provenance": "NULLIFY"},
        ),
        (_became(Outcome.ACKNOWLEDGED, tombstone=State.DELETED), GONE),
    ],
    ids=lambda value: f"{value.tombstone or value.outcome}" if isinstance(value, Settled) else "",
)
def test_an_outcome_changes_its_columns_alone(
    case: _Case, became: Settled, changes: dict[str, Any]
) -> None:
    """The run that sent a row stays noted with what was stored, for its origin is told of it."""
    before = _open(case)
    case.ledger.settle([became])
    assert case.row() == {**before, **changes}
    assert case.rows("SELECT state FROM resource WHERE resource_type = 'Condition'") == [
        {"state": "in-flight"}
    ]


def test_merged_elements_take_the_place_of_the_sent_ones(case: _Case) -> None:
    """What the outcome says of them; where it says nothing, what the intent said."""
    _open(case)
    case.ledger.settle([_became(Outcome.ACKNOWLEDGED, elements=b"merged")])
    assert case.row()["elements_acked"] == b"merged"
    case.ledger.intend([CHANGED])
    case.ledger.settle([_became(Outcome.ACKNOWLEDGED, elements=b"")])
    assert (case.row()["elements_acked"], case.row()["elements_sent"]) == (b"e2", None)


def test_a_creation_that_was_never_sent_leaves_no_row(case: _Case) -> None:
    """As if its intent had not been."""
    case.ledger.start_run()
    case.ledger.intend([_item()])
    case.ledger.settle([settled(_item(), Outcome.PENDING)])
    assert case.rows("SELECT * FROM resource") == []


def test_a_ledger_without_a_run_has_no_number(case: _Case) -> None:
    """No run, no origin, nothing reached."""
    assert (case.ledger.run_id, case.ledger.origin) == (0, "")
    assert case.ledger.reached == Mark()


def test_a_mark_follows_a_run(case: _Case) -> None:
    """Begun, then ended, with its fence: what a ledger that was put back does not know."""
    mark = case.path.with_name("mark")
    case.ledger.start_run()
    assert Mark.read(mark) == case.ledger.reached == Mark(1, ended=False, fence=1)
    case.ledger.finish_run({})
    assert json.loads(mark.read_text("utf-8")) == {"run": 1, "ended": True, "fence": 1}


def test_a_ledger_made_anew_leaves_no_mark(tmp_path: Path) -> None:
    """Until it takes the other's place, the other's mark stands."""
    with closing(Ledger.anew(tmp_path / "new.sqlite", OWNER, lambda: DAYS[0])) as made:
        made.start_run()
        made.finish_run({})
    assert not (tmp_path / "mark").exists()


def test_a_run_that_ended_is_noted_whole(case: _Case) -> None:
    """When, with its sums, until when the server is left alone; and its lease is given back."""
    case.ledger.start_run()
    case.ledger.finish_run({"planned": 2}, 60)
    (run,) = case.rows("SELECT * FROM run")
    assert run == {
        "id": 1,
        "started": STAMPS[0],
        "finished": STAMPS[0],
        "counts": '{"planned": 2}',
        "not_before": "2024-03-01T00:01:00+00:00",
    }
    assert case.rows("SELECT expires_at FROM lease") == [{"expires_at": 0}]


def test_the_origin_of_a_run_is_noted_once(case: _Case) -> None:
    """With its first intent; a run that writes nothing has none."""
    case.ledger.start_run()
    case.ledger.origin = "facts"
    case.ledger.intend([])
    assert case.ledger.origins() == {}
    for _ in range(2):
        case.ledger.intend([_item()])
    assert case.ledger.origins() == {1: "facts"}


@pytest.fixture
def many(case: _Case) -> Ledger:
    """Return a ledger with a row of every state, and rows of two types, written out of order."""
    ledger = case.ledger
    ledger.start_run()
    kinds = ("Observation", "Condition")
    named = {n: _item(id=n, resource_type=kinds[i % 2]) for i, n in enumerate("hgfedcba")}
    ledger.intend(list(named.values()))
    ends = {
        "f": Outcome.ACKNOWLEDGED,
        "g": Outcome.UNCHANGED,
        "h": Outcome.ACKNOWLEDGED,
        "e": Outcome.CONFLICT,
        "d": Outcome.UNKNOWN,
        "c": Outcome.CONFLICT,
        "b": Outcome.DEAD,
    }
    for day, (name, outcome) in enumerate(ends.items(), 1):
        case.at = DAYS[day]
        ledger.settle([settled(named[name], outcome)])
    held = named["d"]._replace(id="held", action=Action.UPDATE)
    ledger.intend([held])
    ledger.settle([settled(held, Outcome.ACKNOWLEDGED)])
    ledger.settle([settled(held, Outcome.CONFLICT)])
    return ledger


def _names(rows: list[Any]) -> list[str]:
    return [f"{row.resource_type[0]}/{row.id}" for row in rows]


def test_what_is_held_was_acknowledged(many: Ledger) -> None:
    """By type, in order of the ids; what is in conflict only if it was acknowledged before."""
    assert many.held_types() == ["Condition", "Observation"]
    assert list(many.held_ids("Observation")) == ["f", "h", "held"]
    assert list(many.held_ids("Condition")) == ["g"]


def test_what_is_open_comes_by_type_and_id(many: Ledger) -> None:
    """In flight, unknown and in conflict."""
    assert _names(many.unsettled()) == ["C/a", "C/c", "C/e", "O/d", "O/held"]


def test_rows_are_counted_by_state(many: Ledger) -> None:
    """Every row once."""
    assert many.counts() == {"acked": 3, "conflict": 3, "dead": 1, "in-flight": 1, "unknown": 1}


def test_a_row_is_found_by_type_and_id(many: Ledger) -> None:
    """By both of them, one or several; None, or nothing, of another."""
    assert many.find("Observation", "h") == next(r for r in many.rows("Observation") if r.id == "h")
    assert many.find("Condition", "h") is None
    keys = [("Observation", "h"), ("Condition", "g"), ("Condition", "h")]
    found = many.find_all(keys)
    assert {key: row.id for key, row in found.items()} == {keys[0]: "h", keys[1]: "g"}


def test_the_recent_ones_are_the_last_acknowledged(many: Ledger) -> None:
    """Of one type, the last first, and no more than asked for."""
    assert [row.id for row in many.recent("Observation", 1)] == ["h"]
    assert [row.id for row in many.recent("Observation", 5)] == ["h", "f"]


def test_what_no_staging_gives_is_told(case: _Case) -> None:
    """Each Provenance that was acknowledged, and what was taken back; by type and id."""
    case.ledger.start_run()
    proof = _item(resource_type="Provenance", id="a1")
    open_proof = proof._replace(id="a2")
    back = _item(id="n2", tombstone=State.RETRACTED)
    gone = _item(id="n3", tombstone=State.DELETED)
    items = [proof, open_proof, back, gone, _item(), back._replace(id="n0")]
    case.ledger.intend(items)
    ended = [item for item in items if item is not open_proof]
    case.ledger.settle([settled(item, Outcome.ACKNOWLEDGED) for item in ended])
    assert _names(case.ledger.besides()) == ["O/n0", "O/n2", "P/a1"]


def test_a_provenance_is_owed_until_it_is_given(case: _Case) -> None:
    """Owed by an acknowledged row, attached while it is on its way, owed again if it was lost."""
    ledger = case.ledger
    ledger.start_run()
    gone = _item(id="n2", tombstone=State.DELETED)
    ledger.intend([_item(), gone])
    made = [settled(item, Outcome.ACKNOWLEDGED, version_id="1") for item in (_item(), gone)]
    ledger.settle(made)
    created = Owed(1, "CREATE", "", Target("Observation", "n1", "1"), ("Observation", "n1"))
    removed = Owed(
        1, "NULLIFY", "", Target("Observation", "n1", "", deleted=True), ("Observation", "n2")
    )
    assert list(ledger.owed()) == [created, removed]
    proof = _item(resource_type="Provenance", id="p1", where="run")
    case.at = DAYS[1]
    ledger.attach(proof, [("Observation", "n1")], "CREATE")
    assert list(ledger.owed()) == [removed]
    known = ledger.find("Provenance", "p1")
    assert known is not None
    assert (known.state, known.where) == (State.IN_FLIGHT, "run")
    (stamp,) = case.rows("SELECT updated_at AS at FROM resource WHERE id = 'p1'")
    assert stamp == {"at": STAMPS[1]}
    ledger.settle([settled(proof, Outcome.PENDING)])
    assert list(ledger.owed()) == [created._replace(attached="p1"), removed]
    ledger.give("p1", [("Observation", "n1")])
    assert list(ledger.owed()) == [removed]


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.CONFLICT])
def test_an_open_row_is_owed_nothing_yet(case: _Case, outcome: Outcome) -> None:
    """It has no version to tell of; nor is it where its Provenance is open."""
    case.ledger.start_run()
    case.ledger.intend([_item()])
    case.ledger.settle([settled(_item(), Outcome.ACKNOWLEDGED)])
    proof = _item(resource_type="Provenance", id="p1")
    case.ledger.attach(proof, [("Observation", "n1")], "CREATE")
    case.ledger.settle([settled(proof, outcome)])
    assert list(case.ledger.owed()) == []
    case.ledger.settle([settled(proof, Outcome.DEAD)])
    assert len(list(case.ledger.owed())) == 1
    case.ledger.settle([settled(_item(), outcome)])
    assert list(case.ledger.owed()) == []
