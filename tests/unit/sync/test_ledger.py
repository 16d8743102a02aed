"""The ledger keeps intents and outcomes, and refuses what is not its own."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import StateError
from netfhir.fhir.identity import SiteKey
from netfhir.hospital.profile import Strategy
from netfhir.sync import dead, schema
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.records import Action, Outcome, Planned, State, settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER = Owner("T", "https://fhir.example", SiteKey(b"key"))


def _open(path: Path, owner: Owner = OWNER) -> Ledger:
    return Ledger.open(path, owner, lambda: datetime(2024, 3, 1, tzinfo=UTC))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger lies."""
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """Return an empty ledger with a run begun."""
    made = _open(path)
    made.start_run()
    yield made
    made.close()


def _item(name: str = "n1", digest: bytes = b"d1", action: Action = Action.CREATE) -> Planned:
    return Planned(
        action, Strategy.PUT_ID, "Observation", name, "f:1", b"{}", digest, server_id=name
    )


def test_an_intent_is_in_flight(ledger: Ledger) -> None:
    """Before the first byte is sent: digest sent, none acknowledged, one attempt."""
    ledger.intend([_item()])
    (row,) = ledger.rows("Observation")
    assert (row.state, row.digest_sent, row.digest_acked, row.attempts) == (
        State.IN_FLIGHT,
        b"d1",
        None,
        1,
    )


def test_an_acknowledged_row_keeps_id_and_version(ledger: Ledger) -> None:
    """What the server gave is what the next run needs."""
    ledger.intend([_item()])
    ledger.settle([settled(_item(), Outcome.ACKNOWLEDGED, server_id="s9", version_id="3")])
    (row,) = ledger.rows("Observation")
    assert (row.state, row.digest_acked, row.server_id, row.version_id) == (
        State.ACKED,
        b"d1",
        "s9",
        "3",
    )


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.DEAD, State.DEAD),
        (Outcome.UNKNOWN, State.UNKNOWN),
        (Outcome.CONFLICT, State.CONFLICT),
    ],
)
def test_other_outcomes_keep_what_was_acknowledged(
    ledger: Ledger, outcome: Outcome, state: State
) -> None:
    """The server still holds the older version: its digest and version stay known."""
    ledger.intend([_item()])
    ledger.settle([settled(_item(), Outcome.ACKNOWLEDGED, version_id="1")])
    ledger.intend([_item(digest=b"d2")])
    ledger.settle([settled(_item(digest=b"d2"), outcome, reason="http-500")])
    (row,) = ledger.rows("Observation")
    assert (row.state, row.digest_acked, row.digest_sent, row.version_id, row.reason) == (
        state,
        b"d1",
        b"d2",
        "1",
        "http-500",
    )


def test_a_row_that_was_never_sent_is_forgotten(ledger: Ledger) -> None:
    """A pending creation leaves no trace, a pending change leaves what was acknowledged."""
    ledger.intend([_item("n1"), _item("n2")])
    ledger.settle([settled(_item("n1"), Outcome.ACKNOWLEDGED)])
    ledger.intend([_item("n1", b"d2")])
    ledger.settle([settled(_item(name), Outcome.PENDING) for name in ("n1", "n2")])
    (row,) = ledger.rows("Observation")
    assert (row.id, row.state, row.digest_sent) == ("n1", State.ACKED, b"d1")


def test_open_rows_are_those_without_an_end(ledger: Ledger) -> None:
    """In flight, unknown and in conflict; not acknowledged, not dead."""
    outcomes = [Outcome.ACKNOWLEDGED, Outcome.DEAD, Outcome.UNKNOWN, Outcome.CONFLICT]
    ledger.intend([_item(f"n{number}") for number in range(5)])
    ledger.settle([settled(_item(f"n{n}"), outcome) for n, outcome in enumerate(outcomes)])
    assert [row.id for row in ledger.unsettled()] == ["n2", "n3", "n4"]


def test_rows_come_by_id(ledger: Ledger) -> None:
    """The plan walks them beside the staged ones."""
    ledger.intend([_item(name) for name in ("c", "a", "b")])
    assert [row.id for row in ledger.rows("Observation")] == ["a", "b", "c"]


def test_it_opens_again(path: Path) -> None:
    """What was settled is there for the next run, under the next number."""
    first = _open(path)
    assert first.start_run() == 1
    first.intend([_item()])
    first.close()
    second = _open(path)
    assert second.start_run() == 2
    assert second.counts() == {"in-flight": 1}
    second.close()


def test_the_file_is_its_owners_alone(path: Path, ledger: Ledger) -> None:
    """0600."""
    assert ledger.run_id == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "owner",
    [
        Owner("U", OWNER.server, OWNER.site_key),
        Owner(OWNER.trial, "https://other.example", OWNER.site_key),
        Owner(OWNER.trial, OWNER.server, SiteKey(b"another")),
    ],
)
def test_anothers_ledger_is_refused(path: Path, owner: Owner) -> None:
    """Another trial's, server's or site key's: 74, before anything is compared with it."""
    _open(path).close()
    with pytest.raises(StateError, match="ledger-owner"):
        _open(path, owner)


def test_a_newer_ledger_is_refused(path: Path) -> None:
    """A step that this netfhir does not know: 74."""
    _open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StateError, match="ledger-newer"):
        _open(path)


@pytest.mark.parametrize("part", [0.0, 0.5])
def test_a_damaged_ledger_is_refused(path: Path, part: float) -> None:
    """A file that was cut or overwritten is never read as an empty ledger: 74."""
    ledger = _open(path)
    ledger.start_run()
    ledger.intend([_item(f"n{number}") for number in range(500)])
    ledger.close()
    content = path.read_bytes()
    cut = int(len(content) * part)
    path.write_bytes(content[:cut] + b"\xff" * 3000 + content[cut + 3000 :])
    with pytest.raises(StateError):
        _open(path)


def test_a_ledger_that_contradicts_itself_is_refused(path: Path) -> None:
    """One flipped bit that every reader would pass over: the check at the start finds it."""
    ledger = _open(path)
    ledger.start_run()
    ledger.intend([_item()])
    ledger.close()
    path.write_bytes(path.read_bytes().replace(b"Observation", b"Observatiom", 1))
    with pytest.raises(StateError, match="integrity"):
        _open(path)


def test_attempts_are_counted(ledger: Ledger) -> None:
    """Each intent is one."""
    for _ in range(3):
        ledger.intend([_item()])
    assert [row.attempts for row in ledger.rows("Observation")] == [3]


def test_the_last_step_is_the_head() -> None:
    """`HEAD` spares an import on every run; it must not lag behind the folder."""
    assert max(schema.steps()) == schema.HEAD


def test_the_schema_has_the_columns_of_its_tables(path: Path) -> None:
    """The migrations and the tables in code agree."""
    _open(path).close()
    connection = sqlite3.connect(path)
    for table in (schema.RESOURCE, schema.RUN, schema.OWNER):
        found = [row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")]
        assert found == [column.name for column in table.columns]
    connection.close()


def test_writes_survive_a_power_cut(path: Path, ledger: Ledger) -> None:
    """WAL, and each commit on the disk before a byte is sent."""
    ledger.finish_run({})
    with ledger.editing() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    assert path.with_name("ledger.sqlite-wal").exists()


def test_another_content_counts_anew(path: Path) -> None:
    """Attempts and first time are a content's own; a retry that was asked for keeps the time."""
    at = [datetime(2024, 3, 1, tzinfo=UTC)]
    ledger = Ledger.open(path, OWNER, lambda: at[0])
    ledger.start_run()
    seen = []
    for day, digest in enumerate((b"d1", b"d1", b"d2", b"d2"), 1):
        at[0] = datetime(2024, 3, day, tzinfo=UTC)
        ledger.intend([_item(digest=digest)])
        seen.append(_attempts(path))
    ledger.finish_run({})
    with ledger.editing() as connection:
        connection.exec_driver_sql("UPDATE resource SET state = 'dead'")
        dead.requeue(connection, dead.letters(connection))
    at[0] = datetime(2024, 3, 9, tzinfo=UTC)
    ledger.start_run()
    ledger.intend([_item(digest=b"d2")])
    seen.append(_attempts(path))
    ledger.close()
    assert seen == [(1, "01"), (2, "01"), (1, "03"), (2, "03"), (1, "03")]


def _attempts(path: Path) -> tuple[int, str]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT attempts, substr(first_at, 9, 2) FROM resource"
        ((attempts, day),) = connection.execute(query).fetchall()
    return attempts, day
