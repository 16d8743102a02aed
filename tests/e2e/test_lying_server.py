"""A server that says what is not so is caught: by the reply's check, or by verify.

Each lie is told about one bundle of fifty observations, under each strategy that sends bundles. It
is caught in the run itself, which then does not end with 0, or by the verify that follows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fhir_store import FhirStore, reshaped
from netfhir.sync.records import Outcome
from netfhir.sync.sending import Kind, Pace
from small_trial import QUICK, Site, patients, trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fhir_store import Json
    from netfhir.sync.apply import Result

ROWS = 50
STRATEGIES: dict[str, dict[str, Any]] = {
    "put-id": {},
    "conditional-put": {"update_create": False},
    "conditional-post": {
        "update_create": False,
        "conditional_create": True,
        "can": ("read", "create", "update"),
    },
    "search-post": {
        "update_create": False,
        "conditional_update": False,
        "interactions": ("batch",),
        "can": ("read", "create", "update"),
    },
}


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture(params=STRATEGIES)
def store(request: pytest.FixtureRequest, http: HTTPServer) -> FhirStore:
    """Return a store that holds the patients, for each strategy."""
    http.clear()
    made = FhirStore(http, **STRATEGIES[request.param])
    for body in patients():
        made.put(body)
    return made


@pytest.fixture
def site(store: FhirStore, tmp_path: Path) -> Site:
    """Return a site whose study and subjects are there: one bundle of observations is left."""
    kind: Kind = "transaction" if "transaction" in store.interactions else "batch"
    site = Site(tmp_path, store.base_url, pace=Pace(kind, ROWS, 1, QUICK))
    assert site.apply(trial(0)).exit_status == 0
    store.writes.clear()
    return site


def _apply(site: Site, value: str = "7.4") -> Result:
    result = site.apply(trial(ROWS, value))
    assert result.summary.balanced()
    return result


def _forgets(store: FhirStore, entry: Json) -> None:
    """Let the store lose what an entry of a reply says was stored."""
    path = str(entry["response"]["location"]).removeprefix(f"{store.base_url}/")
    del store.held[path.partition("/_history")[0]]


def _lies_with_ids(request: Request, _process: Callable[[], Response]) -> Response:
    """Say of each row that it was stored, under our id or one of the server's; store nothing."""
    bundle = json.loads(request.get_data())
    entries = []
    for number, entry in enumerate(bundle["entry"]):
        body = entry["resource"]
        path = f"{body['resourceType']}/{body.get('id', f'made-{number}')}"
        entries.append({"response": {"status": "201", "location": f"{path}/_history/1"}})
    kind = f"{bundle['type']}-response"
    reply = {"resourceType": "Bundle", "type": kind, "entry": entries}
    return Response(json.dumps(reply), content_type="application/fhir+json")


def test_nothing_is_stored(store: FhirStore, site: Site) -> None:
    """201 for each of fifty, none of them there: by our ids verify names every one.

    Ids that the server gave are looked at in the run itself: all are unknown, 75, and sent again.
    """
    store.faults.append(_lies_with_ids)
    result = _apply(site)
    findings = site.verify(trial(ROWS, "7.4"))
    assert (len(findings.missing), findings.exit_status) == (ROWS, 65)
    if store.update_create:
        assert result.summary.count(Outcome.ACKNOWLEDGED) == ROWS
    else:
        assert (result.summary.count(Outcome.UNKNOWN), result.exit_status) == (ROWS, 75)
        assert _apply(site).exit_status == 0
        assert store.count("Observation") == ROWS


def test_one_of_fifty_is_not_stored(store: FhirStore, site: Site) -> None:
    """Fifty entries say 201, one resource is not there: verify names that one, or the run does."""

    def dropped(reply: Json) -> Json:
        _forgets(store, reply["entry"][17])
        return reply

    store.faults.append(reshaped(dropped))
    result = _apply(site)
    findings = site.verify(trial(ROWS, "7.4"))
    assert (len(findings.missing), findings.exit_status) == (1, 65)
    if not store.update_create:
        assert (result.summary.count(Outcome.UNKNOWN), result.exit_status) == (1, 75)


def test_one_of_fifty_is_not_answered(store: FhirStore, site: Site) -> None:
    """Fewer entries than were sent: no row takes another's result; the one that is lost is found.

    What is there is acknowledged by reading it, what is not stays unknown and is sent next time.
    """

    def dropped(reply: Json) -> Json:
        _forgets(store, reply["entry"][17])
        return {**reply, "entry": [*reply["entry"][:17], *reply["entry"][18:]]}

    store.faults.append(reshaped(dropped))
    result = _apply(site)
    assert result.summary.count(Outcome.ACKNOWLEDGED) == ROWS - 1
    assert (result.summary.count(Outcome.UNKNOWN), result.exit_status) == (1, 75)
    assert _apply(site).exit_status == 0
    assert store.count("Observation") == ROWS
    assert site.verify(trial(ROWS, "7.4")).exit_status == 0


def test_anothers_version_is_told(store: FhirStore, site: Site) -> None:
    """An ETag that is not the location's version: read back, and the true one is kept."""

    def swapped(reply: Json) -> Json:
        reply["entry"][3]["response"]["etag"] = 'W/"99"'
        return reply

    store.faults.append(reshaped(swapped))
    assert _apply(site).summary.count(Outcome.ACKNOWLEDGED) == ROWS
    assert _apply(site, "8.5").summary.count(Outcome.ACKNOWLEDGED) == ROWS
    assert site.verify(trial(ROWS, "8.5")).exit_status == 0


def test_anothers_version_throughout_is_told(store: FhirStore, site: Site) -> None:
    """Another resource's version in ETag and location: verify names the row.

    The next change over it is refused by the server, read, and made over the true version.
    """

    def swapped(reply: Json) -> Json:
        response = reply["entry"][3]["response"]
        place = response["location"].partition("/_history")[0]
        response.update(location=f"{place}/_history/99", etag='W/"99"')
        return reply

    store.faults.append(reshaped(swapped))
    assert _apply(site).summary.count(Outcome.ACKNOWLEDGED) == ROWS
    findings = site.verify(trial(ROWS, "7.4"))
    assert (len(findings.resaved), findings.exit_status) == (1, 0)
    assert _apply(site, "8.5").summary.count(Outcome.ACKNOWLEDGED) == ROWS
    assert site.verify(trial(ROWS, "8.5")).resaved == []


def test_anothers_place_is_told(store: FhirStore, site: Site) -> None:
    """The location of a neighbour: two rows cannot be one resource; both are read back."""

    def swapped(reply: Json) -> Json:
        first, second = reply["entry"][3]["response"], reply["entry"][4]["response"]
        first["location"] = second["location"]
        return reply

    store.faults.append(reshaped(swapped))
    assert _apply(site).summary.count(Outcome.ACKNOWLEDGED) == ROWS
    assert site.verify(trial(ROWS, "7.4")).exit_status == 0
    assert _apply(site).summary.count(Outcome.UNCHANGED) == ROWS + 4


def test_a_strangers_place_is_told(store: FhirStore, site: Site) -> None:
    """The location of somebody else's resource is not believed: the row is found where it is."""
    store.put({"resourceType": "Observation", "id": "stranger", "status": "final"})

    def swapped(reply: Json) -> Json:
        response = reply["entry"][3]["response"]
        response["location"] = "Observation/stranger/_history/1"
        return reply

    store.faults.append(reshaped(swapped))
    assert _apply(site).summary.count(Outcome.ACKNOWLEDGED) == ROWS
    assert site.verify(trial(ROWS, "7.4")).exit_status == 0
    assert _apply(site, "8.5").summary.count(Outcome.ACKNOWLEDGED) == ROWS
    assert store.held["Observation/stranger"]["meta"]["versionId"] == "1"


def test_entries_in_another_order_are_told(store: FhirStore, site: Site) -> None:
    """Each row is given another's place: none is believed, each is found where it is."""
    store.faults.append(reshaped(lambda reply: {**reply, "entry": reply["entry"][::-1]}))
    assert _apply(site).summary.count(Outcome.ACKNOWLEDGED) == ROWS
    assert site.verify(trial(ROWS, "7.4")).exit_status == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda reply: {**reply, "entry": reply["entry"] + reply["entry"][:1]},
        lambda reply: {**reply, "entry": []},
        lambda _: {"resourceType": "OperationOutcome", "issue": []},
    ],
)
def test_a_reply_of_another_shape_is_read_back(
    store: FhirStore, site: Site, change: Callable[[Json], Json]
) -> None:
    """More entries, none, no bundle: nothing is taken at its word, and nothing is made twice."""
    store.faults.append(reshaped(change))
    assert _apply(site).summary.count(Outcome.ACKNOWLEDGED) == ROWS
    assert store.count("Observation") == ROWS
    assert site.verify(trial(ROWS, "7.4")).exit_status == 0
