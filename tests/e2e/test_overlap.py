"""Two runs at once, one of them stopped and woken: nothing stale is written, one ends with 75."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import FhirStore
from netfhir.errors import OverlapError
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.sending import Pace
from overlapping import LEASE_S, OBSERVATIONS, Children, await_that
from small_trial import KEY, QUICK, Site, patients, trial
from soak_sizes import size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from werkzeug import Request, Response

    from netfhir.sync.apply import Keeps
    from netfhir.sync.records import Planned
    from overlapping import Child

ROUNDS = size(check=5, soak=100)
RANDOM_ROUNDS = size(check=1, soak=60)
LOCKED_ROUNDS = size(check=4, soak=40)


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def store(http: HTTPServer) -> FhirStore:
    """Return a store that holds the patients."""
    http.clear()
    made = FhirStore(http)
    for body in patients():
        made.put(body)
    return made


@pytest.fixture
def site(store: FhirStore, tmp_path: Path) -> Site:
    """Return a state folder and the store, holding the trial with value 0."""
    made = Site(tmp_path, store.base_url)
    made.apply(trial(OBSERVATIONS, "0"))
    return made


@pytest.fixture
def children(site: Site) -> Iterator[Children]:
    """Return what begins a run, and ends those that are left."""
    with Children(site.base_url, site.state) as made:
        yield made


def _values(store: FhirStore) -> set[str]:
    return {str(b["valueQuantity"]["value"]) for b in store.held.values() if "focus" in b}


def _stopped_in_flight(
    store: FhirStore, children: Children, *, bundle: int, late: bool, lease_s: float = LEASE_S
) -> Child:
    """Begin a run of one worker, and stop it while it waits for the reply to this bundle."""
    stopped: list[Child] = []

    def stops(_request: Request, process: Callable[[], Response]) -> Response:
        await_that(lambda: bool(stopped))
        reply = process() if late else None
        stopped[0].stop()
        time.sleep(LEASE_S / 10)
        return reply or process()

    passes = [lambda _request, process: process()] * (bundle - 1)
    store.faults.extend([*passes, stops])
    stopped.append(children.run("1", workers=1, lease_s=lease_s))
    await_that(stopped[0].is_stopped)
    return stopped[0]


def _stopped_anywhere(store: FhirStore, children: Children, after: int) -> Child:
    """Begin a run of four workers, and stop it once so many bundles of it have arrived."""
    before = len(store.writes)
    child = children.run("1", workers=4)
    await_that(lambda: len(store.writes) - before >= after)
    child.stop()
    return child


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_zombie_overwrites_nothing(
    store: FhirStore, site: Site, children: Children, round_: int
) -> None:
    """Where there is no lock, the lease runs out: the other run goes on, the woken one ends.

    The lock file is removed, as on a share that does not lock. The server ends with what the
    later run sent, the ledger agrees, and the zombie ends with 75; unless it was stopped while it
    renewed its lease, for then it keeps the ledger, and the other run ends.
    """
    zombie = _stopped_in_flight(store, children, bundle=1 + round_ % 4, late=round_ % 2 == 0)
    (site.state / "T@srv" / "lock").unlink()
    time.sleep(2 * LEASE_S)
    _one_of_them_ended(store, site, zombie, children.run("2"))


@pytest.mark.parametrize("round_", range(RANDOM_ROUNDS))
def test_a_zombie_of_any_moment_overwrites_nothing(
    store: FhirStore, site: Site, children: Children, round_: int
) -> None:
    """Stopped anywhere; in the middle of a commit it keeps the ledger, and the other run ends.

    One of the two ends with 75, and the server holds what the other sent.
    """
    chance = random.Random(round_)  # noqa: S311 - a test's choice
    zombie = _stopped_anywhere(store, children, chance.randint(1, 4))
    (site.state / "T@srv" / "lock").unlink()
    time.sleep(2 * LEASE_S)
    _one_of_them_ended(store, site, zombie, children.run("2"))


@pytest.mark.parametrize("round_", range(LOCKED_ROUNDS))
def test_a_stopped_holder_keeps_its_lock(
    store: FhirStore, site: Site, children: Children, round_: int
) -> None:
    """Where the lock works, the second run ends with 75 and names the holder, however long.

    The woken one finds its lease expired and untaken: it renews it, and ends its work.
    """
    holder = _stopped_anywhere(store, children, 1 + round_ % 4)
    time.sleep(2 * LEASE_S)
    second = children.run("2")
    assert second.ended() == 75
    assert f"process {holder.pid}, since " in second.said()
    holder.go_on()
    assert holder.ended() == 0
    _settled(store, site, "1")


def test_a_lease_that_lasts_is_waited_for(store: FhirStore, site: Site, children: Children) -> None:
    """Without a lock, and the holder's lease not run out: 75, and the holder is named."""
    holder = _stopped_in_flight(store, children, bundle=1, late=False, lease_s=60)
    (site.state / "T@srv" / "lock").unlink()
    second = children.run("2")
    assert second.ended() == 75
    holder.go_on()
    assert holder.ended() == 0
    assert f"process {holder.pid} holds this state since " in second.said()
    _settled(store, site, "1")


def test_a_killed_holder_is_not_waited_for(
    store: FhirStore, site: Site, children: Children
) -> None:
    """Its process is gone, so its lease is: the next run begins at once and makes it good."""
    holder = _stopped_in_flight(store, children, bundle=2, late=True)
    holder.kill()
    result = site.apply(trial(OBSERVATIONS, "1"))
    assert result.exit_status == 0
    _settled(store, site, "1")


class _StoppedAfterIntent:
    """A ledger of a run that is stopped once its intent is written, and taken over meanwhile."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._path = ledger.path

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)

    def intend(self, items: Sequence[Planned]) -> None:
        self._ledger.intend(items)
        time.sleep(LEASE_S / 10)
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        other = Ledger.open(self._path, Owner("T", "srv", KEY), lambda: tomorrow)
        other.start_run()
        other.close()


def test_nothing_leaves_after_an_intent_that_is_stale(store: FhirStore, site: Site) -> None:
    """Stopped between intent and bytes: the lease is asked for once more, and it is another's."""
    store.writes.clear()
    site.pace = Pace(bundle_entries=10, workers=1, patience=QUICK)
    with site.run(trial(OBSERVATIONS, "1")) as (apply, _):
        apply.lease_s = LEASE_S / 100
        apply.ledger = cast("Keeps", _StoppedAfterIntent(cast("Ledger", apply.ledger)))
        with pytest.raises(OverlapError, match="lease-lost"):
            apply.run()
    assert store.writes == []
    assert _values(store) == {"0"}


def _one_of_them_ended(store: FhirStore, site: Site, zombie: Child, other: Child) -> None:
    """Let the zombie go on when the other run has ended: one of them with 75, and why."""
    statuses = [other.ended()]
    zombie.go_on()
    statuses.append(zombie.ended())
    assert statuses in ([0, 75], [75, 0])
    if statuses == [0, 75]:
        assert "lease-lost" in zombie.said()
    else:
        assert "ledger-busy" in other.said()
    _settled(store, site, "2" if statuses == [0, 75] else "1")


def _settled(store: FhirStore, site: Site, value: str) -> None:
    """Check that server and ledger agree on this value: another run of it writes nothing."""
    assert _values(store) == {value}
    store.writes.clear()
    result = site.apply(trial(OBSERVATIONS, value))
    assert (result.exit_status, result.resumed, store.writes) == (0, 0, [])
