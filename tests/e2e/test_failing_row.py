"""A server that fails at one row, and at all: the row is set apart, or the run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import FhirStore, answers
from netfhir.sync.records import Outcome
from netfhir.sync.sending import Pace
from small_trial import QUICK, Site, observation, patients, trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from netfhir.sync.apply import Result

BAD = observation(7).id


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
    """Return a state folder and the store."""
    return Site(tmp_path, store.base_url)


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


def _fails_at(resource_id: str, status: int = 500) -> Callable[[Any], int]:
    return lambda body: status if body.get("id") == resource_id else 0


@pytest.mark.parametrize("kind", ["transaction", "batch"])
@pytest.mark.parametrize("status", [500, 502, 504])
def test_the_row_is_set_apart(store: FhirStore, site: Site, kind: str, status: int) -> None:
    """Its neighbours arrive; it is unknown, and the run is not at an end: 75."""
    store.interactions = (kind,)
    store.refuses = _fails_at(BAD, status)
    result = site.apply(trial(40))
    assert _outcomes(result) == {"acknowledged": 43, "unknown": 1}
    assert (result.exit_status, result.stopped_by) == (75, [])


def test_after_five_runs_it_is_dead(store: FhirStore, site: Site) -> None:
    """Unknown four times, dead at the fifth, 65; then it is left alone, until it changes."""
    store.refuses = _fails_at(BAD)
    found = [_outcomes(site.apply(trial(40))) for _ in range(5)]
    assert [outcomes.get("unknown", 0) for outcomes in found] == [1, 1, 1, 1, 0]
    assert found[-1] == {"unchanged": 43, "dead": 1}
    store.writes.clear()
    result = site.apply(trial(40))
    assert (_outcomes(result), result.exit_status) == ({"unchanged": 43, "dead": 1}, 65)
    assert store.writes == []
    assert list(result.summary.reasons) == [
        "dead: transient-exhausted (HTTP 500 (error processing))"
    ]
    changed = [*trial(7), observation(7, "8.8"), *trial(40)[12:]]
    assert _outcomes(site.apply(changed)) == {"unchanged": 43, "unknown": 1}
    store.refuses = lambda _: 0
    assert _outcomes(site.apply(changed)) == {"unchanged": 43, "acknowledged": 1}


def test_a_row_that_arrived_all_the_same_is_acknowledged(store: FhirStore, site: Site) -> None:
    """The server stores it and answers 500: read back, it is as we sent it."""
    site.apply(trial(0))
    store.faults.extend([_stores_and_fails] * 40)
    site.pace = Pace(bundle_entries=10, workers=1, patience=QUICK)
    assert _outcomes(site.apply(trial(3))) == {"acknowledged": 3, "unchanged": 4}


def _stores_and_fails(request: Any, process: Callable[[], Any]) -> Any:
    process()
    return answers(500)(request, process)


def test_a_server_that_fails_at_everything_ends_the_run(store: FhirStore, site: Site) -> None:
    """The breaker opens before every row was tried alone: pending or unknown, 75."""
    site.apply(trial(0))
    store.writes.clear()
    store.faults.extend([answers(500)] * 10_000)
    result = site.apply(trial(200))
    assert result.exit_status == 75
    assert set(_outcomes(result)) <= {"unchanged", "pending", "unknown"}
    assert [error.code for error in result.stopped_by]
    assert len(store.writes) < 100
    store.faults.clear()
    assert site.apply(trial(200)).exit_status == 0


def test_what_tells_of_the_server_is_no_row(store: FhirStore, site: Site) -> None:
    """503 is not halved: the run ends as before."""
    site.apply(trial(0))
    store.writes.clear()
    store.faults.extend([answers(503)] * QUICK.attempts)
    site.pace = Pace(bundle_entries=50, workers=1, patience=QUICK)
    result = site.apply(trial(20))
    assert _outcomes(result) == {"unchanged": 4, "unknown": 20}
    assert len(store.writes) == QUICK.attempts
