"""A disk that cuts, fills up, forbids or garbles: the ledger opens whole, or is refused with 74."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import StateError
from netfhir.fhir.identity import SiteKey
from netfhir.hospital.profile import Strategy
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.mark import Mark
from netfhir.sync.records import Action, Outcome, Planned, settled
from soak_sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER = Owner("T", "https://fhir.example", SiteKey(b"key"))
COMMITS = 200
SAMPLE = size(check=40, soak=100_000)
_WAL_HEADER, _FRAME_HEADER = 32, 24


def _open(path: Path) -> Ledger:
    return Ledger.open(path, OWNER, lambda: datetime(2024, 3, 1, tzinfo=UTC))


def _item(number: int) -> Planned:
    name = f"n{number:04}"
    return Planned(
        Action.CREATE, Strategy.PUT_ID, "Observation", name, "f:1", b"{}", b"d" * 32, name
    )


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a ledger, its log of 200 commits not yet moved into it, and the mark.

    The run has ended: its end is the last commit.
    """
    folder = tmp_path_factory.mktemp("logged")
    ledger = _open(folder / "work.sqlite")
    with ledger.editing() as connection:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint = 0")
    ledger.start_run()
    for number in range((COMMITS - 4) // 2):
        ledger.intend([_item(number)])
        ledger.settle([settled(_item(number), Outcome.ACKNOWLEDGED, version_id="1")])
    ledger.finish_run({})
    shutil.copy(folder / "work.sqlite", folder / "ledger.sqlite")
    shutil.copy(folder / "work.sqlite-wal", folder / "ledger.sqlite-wal")
    ledger.close()
    return folder


def _page_size(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:18], "big")


def _copied(folder: Path, to: Path, cut: int | None, *, mark: bool = True) -> Path:
    """Copy the ledger with its log cut to so many bytes."""
    to.mkdir(exist_ok=True)
    shutil.copy(folder / "ledger.sqlite", to / "ledger.sqlite")
    log = (folder / "ledger.sqlite-wal").read_bytes()
    (to / "ledger.sqlite-wal").write_bytes(log[:cut])
    (to / "ledger.sqlite-shm").unlink(missing_ok=True)
    (to / "mark").unlink(missing_ok=True)
    if mark:
        shutil.copy(folder / "mark", to / "mark")
    return to / "ledger.sqlite"


def _cuts(folder: Path) -> Iterator[int]:
    """Yield the log's lengths at every frame's end, and in every frame's middle."""
    frame = _page_size(folder / "ledger.sqlite") + _FRAME_HEADER
    whole = (folder / "ledger.sqlite-wal").stat().st_size
    ends = list(range(_WAL_HEADER, whole, frame))
    step = max(1, len(ends) // SAMPLE)
    for end in ends[::step]:
        yield end
        yield end + frame // 2


def test_the_whole_log_opens(logged: Path, tmp_path: Path) -> None:
    """Nothing is cut: every commit is there."""
    ledger = _open(_copied(logged, tmp_path / "x", None))
    assert len(list(ledger.rows("Observation"))) == (COMMITS - 4) // 2
    ledger.close()


def test_a_cut_log_is_refused(logged: Path, tmp_path: Path) -> None:
    """Wherever it is cut: the mark knows that the run had ended, so the ledger lost something."""
    cuts = list(_cuts(logged))
    assert len(cuts) >= 80
    for cut in cuts:
        with pytest.raises(StateError) as caught:
            _open(_copied(logged, tmp_path / "x", cut))
        assert caught.value.exit_status == 74


def test_a_cut_log_is_a_prefix(logged: Path, tmp_path: Path) -> None:
    """Without a mark a cut log gives what was committed before the cut, never half of a commit.

    So a run that died has its intents, one after the other, and none that is half written.
    """
    seen = [0]
    for cut in _cuts(logged):
        path = _copied(logged, tmp_path / "x", cut, mark=False)
        ledger = _open(path)
        rows = list(ledger.rows("Observation"))
        ledger.close()
        assert [row.id for row in rows] == [_item(n).id for n in range(len(rows))]
        assert [row.state for row in rows[:-1]] == ["acked"] * (len(rows) - 1 if rows else 0)
        seen.append(len(rows))
    assert seen == sorted(seen)
    assert max(seen) > 90


def test_a_mark_of_the_running_run_is_no_hindrance(logged: Path, tmp_path: Path) -> None:
    """A run that died left a mark that says so: its ledger opens, and is resumed."""
    frame = _page_size(logged / "ledger.sqlite") + _FRAME_HEADER
    whole = (logged / "ledger.sqlite-wal").stat().st_size
    path = _copied(logged, tmp_path / "x", whole - frame * 20)
    Mark(run=1, ended=False, fence=2).write(path.with_name("mark"))
    ledger = _open(path)
    assert len(list(ledger.rows("Observation"))) > 80
    ledger.close()


@pytest.mark.parametrize("pragma", ["max_page_count = 1", "query_only = ON"])
def test_a_disk_that_takes_no_more_ends_with_74(tmp_path: Path, pragma: str) -> None:
    """Full, or read-only: the intent fails, so nothing is sent; what was there stays whole."""
    path = tmp_path / "ledger.sqlite"
    ledger = _open(path)
    with ledger.editing() as connection:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint = 0")
    ledger.start_run()
    ledger.intend([_item(0)])
    with ledger._file.writing() as connection:  # noqa: SLF001 - the writer's own setting
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    with pytest.raises(StateError) as caught:
        ledger.intend([_item(number) for number in range(1, 2000)])
    assert caught.value.exit_status == 74
    assert "space" in str(caught.value)
    assert [row.id for row in ledger.rows("Observation")] == ["n0000"]


def test_a_garbled_page_is_refused(tmp_path: Path) -> None:
    """Whichever page it is: 74, or nothing of it was in use."""
    path = tmp_path / "whole" / "ledger.sqlite"
    path.parent.mkdir()
    ledger = _open(path)
    ledger.start_run()
    ledger.intend([_item(number) for number in range(300)])
    ledger.finish_run({})
    ledger.close()
    rows = _rows(path)
    page = _page_size(path)
    refused = 0
    content = path.read_bytes()
    for start in range(0, len(content), page):
        garbled = tmp_path / "garbled.sqlite"
        garbled.write_bytes(content[:start] + b"\xa5" * page + content[start + page :])
        try:
            _open(garbled).close()
        except StateError:
            refused += 1
        else:
            assert _rows(garbled) == rows
    assert refused >= len(content) // page - 2


def _rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM resource ORDER BY 1, 2").fetchall()
