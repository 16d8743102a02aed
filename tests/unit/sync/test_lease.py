"""Who may write to a ledger, until when, and what stops one that was taken over."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import OverlapError, StateError, TemporaryError
from netfhir.fhir.identity import SiteKey
from netfhir.hospital.profile import Strategy
from netfhir.sync.lease import Holder, running
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.mark import Mark
from netfhir.sync.records import Action, Outcome, Planned, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OWNER = Owner("T", "https://fhir.example", SiteKey(b"key"))
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
ITEM = Planned(Action.CREATE, Strategy.PUT_ID, "Observation", "n1", "f:1", b"{}", b"d1", "n1")


class _Clock:
    """A time of day that is set by hand."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def jump(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> _Clock:
    """Return the time of day."""
    return _Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger lies."""
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def two(path: Path, clock: _Clock) -> Iterator[tuple[Ledger, Ledger]]:
    """Return one ledger opened twice, as by two processes."""
    opened = Ledger.open(path, OWNER, clock), Ledger.open(path, OWNER, clock)
    yield opened
    for ledger in opened:
        ledger.close()


def test_a_lease_that_lasts_turns_others_away(two: tuple[Ledger, Ledger], clock: _Clock) -> None:
    """75, with the holder's process and since when; no second more than it lasts."""
    first, second = two
    first.start_run(60)
    clock.jump(seconds=59)
    with pytest.raises(OverlapError, match="leased") as caught:
        second.start_run(60)
    assert f"process {os.getpid()} holds this state since 2024-03-01T12:00:00" in str(caught.value)
    assert caught.value.exit_status == 75
    clock.jump(seconds=2)
    assert second.start_run(60) == 2


def test_a_run_that_was_taken_over_writes_nothing(
    two: tuple[Ledger, Ledger], clock: _Clock
) -> None:
    """Neither an intent, nor a settlement, nor its own end; nor does it renew its lease."""
    first, second = two
    first.start_run(60)
    first.intend([ITEM])
    clock.jump(seconds=61)
    second.start_run(60)
    second.intend([ITEM._replace(digest=b"d2")])
    writes: list[Callable[[], object]] = [
        lambda: first.intend([ITEM]),
        lambda: first.settle([settled(ITEM, Outcome.ACKNOWLEDGED)]),
        first.renew,
        lambda: first.finish_run({}),
    ]
    for write in writes:
        with pytest.raises(OverlapError, match="lease-lost"):
            write()
    (row,) = second.rows("Observation")
    assert (row.state, row.digest_sent) == ("in-flight", b"d2")


def test_a_jump_of_the_time_of_day_harms_nobody(two: tuple[Ledger, Ledger], clock: _Clock) -> None:
    """A holder at work is taken over too early; the fence ends it."""
    first, second = two
    first.start_run(60)
    clock.jump(days=1)
    second.start_run(60)
    clock.jump(days=-1)
    second.intend([ITEM])
    with pytest.raises(OverlapError, match="lease-lost"):
        first.intend([ITEM])


def test_the_fence_grows_with_every_holder(path: Path, clock: _Clock) -> None:
    """A run, a person's edit, a run: and never falls, though the ledger be made anew."""
    ledger = Ledger.open(path, OWNER, clock)
    fences = []
    for _ in range(3):
        ledger.start_run(60)
        fences.append(ledger.reached.fence)
        ledger.finish_run({})
        with ledger.editing():
            pass
    ledger.close()
    anew = Ledger.anew(path.with_name("new.sqlite"), OWNER, clock)
    assert anew.start_run(60) == 4
    fences.append(anew.reached.fence)
    anew.close()
    assert fences == sorted(set(fences))


def test_a_lease_is_given_back(two: tuple[Ledger, Ledger]) -> None:
    """By the end of a run, and by closing."""
    first, second = two
    first.start_run(60)
    first.finish_run({})
    assert second.start_run(60) == 2
    second.close()
    assert first.start_run(60) == 3


def test_nothing_is_edited_beside_a_run(two: tuple[Ledger, Ledger]) -> None:
    """A dead letter is not dropped under a run's feet."""
    first, second = two
    first.start_run(60)
    with pytest.raises(OverlapError, match="leased"), second.editing():
        pass


def test_a_renewed_lease_lasts(two: tuple[Ledger, Ledger], clock: _Clock) -> None:
    """From the time of its renewal."""
    first, second = two
    first.start_run(60)
    clock.jump(seconds=50)
    first.renew()
    clock.jump(seconds=50)
    with pytest.raises(OverlapError, match="leased"):
        second.start_run(60)


def test_a_short_lease_is_renewed_before_bytes_leave(
    two: tuple[Ledger, Ledger], clock: _Clock
) -> None:
    """After two thirds of it, on a clock that nobody sets; if it is another's, nothing leaves."""
    first, second = two
    first.start_run(0.03)
    time.sleep(0.025)
    clock.jump(seconds=0.025)
    first.hold()
    clock.jump(seconds=0.01)
    with pytest.raises(OverlapError, match="leased"):
        second.start_run(60)
    time.sleep(0.025)
    clock.jump(seconds=1)
    second.start_run(60)
    with pytest.raises(OverlapError, match="lease-lost"):
        first.hold()


def test_a_fresh_lease_asks_nothing(two: tuple[Ledger, Ledger], clock: _Clock) -> None:
    """Before two thirds of it are over no transaction is spent on it."""
    first, second = two
    first.start_run(60)
    clock.jump(hours=1)
    second.start_run(60)
    first.hold()


class _Renewed:
    def __init__(self, *errors: OverlapError) -> None:
        self.errors = list(errors)
        self.count = 0

    def start_run(self, lease_s: float) -> int:
        return int(lease_s)

    def renew(self) -> None:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)


def test_the_heart_beats_every_quarter() -> None:
    """While the run is at work, and no longer."""
    ledger = _Renewed()
    with running(ledger, threading.Event(), 0.04):
        time.sleep(0.2)
    beats = ledger.count
    assert beats >= 5
    time.sleep(0.05)
    assert ledger.count == beats


def test_a_lost_lease_stops_the_run() -> None:
    """The heart finds it before the next commit does."""
    stop = threading.Event()
    with running(_Renewed(OverlapError("lease-lost", where="ledger")), stop, 0.004):
        assert stop.wait(5)


def test_a_process_that_is_gone_is_known_by_its_start() -> None:
    """A number that another process has by now is not the holder's."""
    here = Holder.here("now")
    assert not here.is_gone()
    other = Holder(here.pid, "1", here.place, "now")
    assert other.is_gone()
    assert Holder.parsed(str(here)) == here


@pytest.mark.parametrize("place", ["", "another machine"])
def test_of_another_machine_nothing_is_sure(place: str) -> None:
    """Its lease is waited for."""
    assert not Holder(1, "0", place, "now").is_gone()


def test_a_server_is_left_alone_until_its_time(path: Path, clock: _Clock) -> None:
    """75 before it, no run after it; and a day at most."""
    ledger = Ledger.open(path, OWNER, clock)
    ledger.start_run()
    ledger.finish_run({}, wait_s=3600)
    clock.jump(minutes=59)
    with pytest.raises(TemporaryError, match="not-before") as caught:
        ledger.start_run()
    assert (caught.value.exit_status, caught.value.sent) == (75, False)
    clock.jump(minutes=2)
    ledger.start_run()
    ledger.finish_run({}, wait_s=1e9)
    clock.jump(days=1, seconds=1)
    ledger.start_run()
    ledger.close()


def test_a_mark_is_read_as_it_was_written(tmp_path: Path) -> None:
    """0600, and nothing is left beside it."""
    path = tmp_path / "mark"
    assert Mark.read(path) == Mark()
    Mark(3, ended=True, fence=7).write(path)
    assert Mark.read(path) == Mark(3, ended=True, fence=7)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": 1}', b"\xff"])
def test_a_mark_that_is_none_is_refused(path: Path, clock: _Clock, content: bytes) -> None:
    """74: what it said is not known, so the ledger cannot be trusted unasked."""
    path.with_name("mark").write_bytes(content)
    with pytest.raises(StateError, match="ledger-mark"):
        Ledger.open(path, OWNER, clock)


@pytest.mark.parametrize(
    ("mark", "reached", "beyond"),
    [
        (Mark(2, ended=True, fence=2), Mark(1, ended=True, fence=1), True),
        (Mark(2, ended=True, fence=2), Mark(2, ended=False, fence=2), True),
        (Mark(2, ended=False, fence=3), Mark(2, ended=False, fence=2), True),
        (Mark(2, ended=False, fence=2), Mark(2, ended=True, fence=2), False),
        (Mark(2, ended=True, fence=2), Mark(2, ended=True, fence=2), False),
        (Mark(2, ended=True, fence=2), Mark(3, ended=False, fence=3), False),
        (Mark(), Mark(), False),
    ],
)
def test_what_is_older(mark: Mark, reached: Mark, *, beyond: bool) -> None:
    """An earlier run, the same one before its end, or an earlier fence."""
    assert mark.is_beyond(reached) is beyond
