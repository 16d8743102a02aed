"""A run may die anywhere: the next one makes it good, and nothing is lost or done twice."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer

from crashing import dies, forked, points, waited
from fhir_store import STRATEGIES, FhirStore
from netfhir.sync.records import Outcome
from netfhir.sync.sending import Pace
from small_trial import QUICK, Site, patients, trial
from soak_sizes import size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from netfhir.sync.staging import Staged

    Stores = Callable[[], tuple[FhirStore, Site]]

#: One worker, so that a run passes the same points in the same order each time.
PACE = Pace(bundle_entries=3, workers=1, patience=QUICK)
ROWS = trial(6)
#: Of each strategy: pairs of crashes, kills, and the longest time until one.
PAIRS = size(check=25, soak=10_000)
KILLS = size(check=13, soak=2_500)
LONGEST_DELAY_MS = size(check=250, soak=2_000)


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture(params=STRATEGIES)
def fresh(request: pytest.FixtureRequest, http: HTTPServer, tmp_path: Path) -> Stores:
    """Return a maker of empty stores with their own state folders."""
    made: list[Path] = []

    def make() -> tuple[FhirStore, Site]:
        http.clear()
        store = FhirStore(http, **STRATEGIES[request.param])
        for body in patients():
            store.put(body)
        made.append(tmp_path / str(len(made)))
        return store, Site(made[-1], store.base_url, pace=PACE)

    return make


def _is_made_good(store: FhirStore, site: Site, rows: list[Staged]) -> None:
    """Run again: all is acknowledged, held once, as planned, and a further run sends nothing."""
    result = site.apply(rows)
    done = result.summary.count(Outcome.ACKNOWLEDGED) + result.summary.count(Outcome.UNCHANGED)
    assert (done, result.open_rows, result.exit_status) == (len(rows), 0, 0)
    names = [_name(body) for path, body in store.held.items() if not path.startswith("Patient/")]
    assert len(names) == len(set(names)) == len(rows)
    assert {body["meta"]["versionId"] for body in store.held.values()} == {"1"}
    findings = site.verify(rows)
    assert (findings.read, findings.exit_status) == (len(rows), 0)
    before = len(store.writes)
    assert site.apply(rows).summary.count(Outcome.UNCHANGED) == len(rows)
    assert len(store.writes) == before


def _name(body: dict[str, object]) -> str:
    return str(body["identifier"][0]["value"])  # type: ignore[index]


def test_a_run_passes_at_least_25_points(fresh: Stores) -> None:
    """What is struck below is every call of ledger, server and staging, before and after."""
    _, site = fresh()
    passed = points(site, ROWS)
    assert len(passed) == len(set(passed)) >= 25
    assert {point.who for point in passed} == {"ledger", "server", "staging"}


def test_a_crash_at_every_point_is_made_good(fresh: Stores) -> None:
    """T1: whatever the point, nothing is lost or doubled, and at most one bundle is sent again."""
    store, site = fresh()
    passed = points(site, ROWS)
    bundles = len(store.writes)
    for point in passed:
        store, site = fresh()
        assert dies(site, ROWS, point), point
        _is_made_good(store, site, ROWS)
        assert len(store.writes) <= bundles + 1, point


def test_a_crash_during_the_recovery_is_made_good(fresh: Stores) -> None:
    """T1: two crashes, the second in the run that makes good the first."""
    _, site = fresh()
    passed = points(site, ROWS)
    pairs = [(first, second) for first in passed for second in passed]
    chosen = random.Random(1).sample(pairs, min(len(pairs), PAIRS))  # noqa: S311 - a choice of cases
    for first, second in chosen:
        store, site = fresh()
        assert dies(site, ROWS, first), first
        dies(site, ROWS, second)
        _is_made_good(store, site, ROWS)


def test_kills_at_any_moment_are_made_good(fresh: Stores) -> None:
    """T6: SIGKILL some time after the first byte is sent, again and again, into one large job."""
    rows = trial(size(check=400, soak=2000))
    store, site = fresh()
    site.pace = Pace(bundle_entries=10, workers=4, patience=QUICK)
    delays = random.Random(2)  # noqa: S311 - a choice of moments
    kills = 0
    while kills < KILLS:
        kills += _killed(store, site, rows, delays.uniform(0, LONGEST_DELAY_MS / 1000))
        if store.count("Observation") == len(rows) - 4:
            _is_made_good(store, site, rows)
            store, site = fresh()
            site.pace = Pace(bundle_entries=10, workers=4, patience=QUICK)
    _is_made_good(store, site, rows)


def _killed(store: FhirStore, site: Site, rows: list[Staged], delay: float) -> bool:
    """Kill a run so many seconds after its first request; say whether it had not ended yet."""
    asked = threading.Event()
    before = len(store.seen)
    pid = forked(lambda: site.apply(rows))
    while len(store.seen) == before:
        asked.wait(0.001)
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    return waited(pid) == -signal.SIGKILL
