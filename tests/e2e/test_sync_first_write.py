"""A first write never overwrites what is there: adopted if equal, else a conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import FhirStore, answers
from netfhir.sync.records import Outcome
from small_trial import BASE, QUICK, Site, observation, patients, rid, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netfhir.sync.apply import Result


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
    """Return a state folder that is there, and the store."""
    return Site(tmp_path / "first", store.base_url)


@pytest.fixture
def lost(store: FhirStore, tmp_path: Path) -> Site:
    """Return the same site after its state was lost."""
    return Site(tmp_path / "second", store.base_url)


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


@pytest.mark.parametrize("update_create", [True, False])
def test_a_lost_ledger_is_found_again(
    store: FhirStore, site: Site, lost: Site, *, update_create: bool
) -> None:
    """What equals the source is adopted without a write, by id or by identifier, and known then."""
    store.update_create = update_create
    site.apply(trial(6))
    store.writes.clear()
    assert _outcomes(lost.apply(trial(6))) == {"unchanged": 10}
    assert [w for w in store.writes if "PUT" in str(w)] == []
    assert _outcomes(lost.apply(trial(6, "8.8"))) == {"acknowledged": 6, "unchanged": 4}
    assert lost.verify(trial(6, "8.8")).exit_status == 0


@pytest.mark.parametrize("update_create", [True, False])
def test_what_differs_is_left(
    store: FhirStore, site: Site, lost: Site, *, update_create: bool
) -> None:
    """A resource of other content is a conflict that names the elements; it stays; 65."""
    store.update_create = update_create
    site.apply(trial(3))
    held = dict(store.held)
    for _ in range(2):
        result = lost.apply([*trial(3)[:-1], observation(2, "9.9")])
        assert _outcomes(result) == {"unchanged": 6, "conflict": 1}
        assert list(result.summary.reasons) == ["conflict: changed-on-server (valueQuantity)"]
        assert result.exit_status == 65
    assert store.held == held


def test_a_conflict_ends_when_both_say_the_same(store: FhirStore, site: Site, lost: Site) -> None:
    """The source returns to what the server holds: acknowledged without a write."""
    site.apply(trial(3))
    lost.apply([*trial(3)[:-1], observation(2, "9.9")])
    store.writes.clear()
    assert _outcomes(lost.apply(trial(3))) == {"unchanged": 7}
    assert store.writes == []


def test_an_identifier_under_another_id_is_not_doubled(store: FhirStore, site: Site) -> None:
    """Somebody's copy carries our identifier: a conflict, and no second resource."""
    value = "t|01|v1|lb|alt|0"
    assert rid(value) == observation(0).id
    identifier = [{"system": BASE, "value": value}]
    store.put({"resourceType": "Observation", "id": "copy", "identifier": identifier})
    result = site.apply(trial(3))
    assert _outcomes(result) == {"acknowledged": 6, "conflict": 1}
    assert list(result.summary.reasons) == ["conflict: other-id-on-server"]
    assert store.count("Observation") == 3
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 6, "conflict": 1}


def test_nothing_refers_to_what_is_not_ours(store: FhirStore, site: Site) -> None:
    """A foreign study under our identifier blocks its subjects, in this run and the next."""
    identifier = [{"system": BASE, "value": "t|study"}]
    store.put({"resourceType": "ResearchStudy", "id": "theirs", "identifier": identifier})
    for _ in range(2):
        assert _outcomes(site.apply(trial(3))) == {"conflict": 1, "blocked": 6}
    assert store.count("ResearchSubject") == 0


def test_an_empty_server_is_asked_once_a_type(store: FhirStore, site: Site) -> None:
    """A first load reads no row: one search a type, and the one for the patients."""
    site.apply(trial())
    asked = sorted(url.rpartition("/fhir/")[2] for _, url in store.seen if "_search" in url)
    types = ("Observation", "Patient", "ResearchStudy", "ResearchSubject")
    assert asked == [f"{name}/_search" for name in types]
    others = [url for _, url in store.seen if not url.endswith(("_search", "metadata"))]
    assert len(others) == len(store.writes)


def test_only_what_may_be_there_is_read(store: FhirStore, site: Site) -> None:
    """With others of ours on the server, new rows that are not among them are not read.

    What the server changed last is asked for once a type that the ledger has.
    """
    site.apply(trial(6))
    store.writes.clear()
    before = len(store.seen)
    assert _outcomes(site.apply(trial(30))) == {"acknowledged": 24, "unchanged": 10}
    first = ("metadata", "Patient", "Observation")
    latest = ("ResearchStudy", "ResearchSubject", "Observation")
    assert len(store.seen) - before == len(store.writes) + len(first) + len(latest)


def test_a_server_that_does_not_count_is_read(store: FhirStore, site: Site, lost: Site) -> None:
    """No total, so that nothing is known: rows are looked for, and found."""
    store.counts = False
    site.apply(trial(3))
    result = lost.apply([*trial(3)[:-1], observation(2, "9.9")])
    assert _outcomes(result) == {"unchanged": 6, "conflict": 1}


def test_a_look_that_fails_sends_nothing(store: FhirStore, site: Site, lost: Site) -> None:
    """The server does not answer the reads: all of it is for the next run; 75."""
    site.apply(trial(3))
    store.writes.clear()
    store.read_faults.extend([answers(503)] * QUICK.attempts)
    result = lost.apply(trial(3))
    assert _outcomes(result) == {"pending": 7}
    assert (store.writes, result.exit_status) == ([], 75)
    assert _outcomes(lost.apply(trial(3))) == {"unchanged": 7}
