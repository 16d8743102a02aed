"""The refusing server keeps to what is recorded of Epic and Oracle, and a sync lives with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests
from pytest_httpserver import HTTPServer

import refusing_server
from netfhir.hospital import capabilities
from netfhir.hospital.client import Client
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.profile import Strategy
from netfhir.hospital.transport import Transport
from netfhir.sync.records import Outcome
from small_trial import Site, observation, patients, staged, trial
from small_trial import patient as placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fhir_store import FhirStore, Json
    from netfhir.hospital.capabilities import Capabilities
    from netfhir.sync.apply import Result

FLAVOURS = {"epic": refusing_server.epic, "oracle": refusing_server.oracle}


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    """Return the name of each flavour."""
    return str(request.param)


@pytest.fixture
def store(http: HTTPServer, flavour: str) -> FhirStore:
    """Return the server, holding the patients."""
    return FLAVOURS[flavour](http, patients())


@pytest.fixture
def site(store: FhirStore, tmp_path: Path) -> Site:
    """Return a state folder and the server."""
    return Site(tmp_path, store.base_url)


def _told(store: FhirStore, flavour: str) -> Capabilities:
    settings = ServerSettings(name="s", base_url=store.base_url, profile=flavour)
    transport = Transport(settings)
    found = capabilities.fetch(Client(transport), settings)
    transport.close()
    return found


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


def _status(store: FhirStore, method: str, path: str, body: Json | None = None) -> int:
    url = f"{store.base_url}/{path}"
    sent = json.dumps(body or {"resourceType": path.partition("/")[0]})
    return requests.request(method, url, data=sent, timeout=5).status_code


def test_strategies_are_those_on_record(store: FhirStore, flavour: str) -> None:
    """Observation is searched and posted; research types and doses cannot be written."""
    found = _told(store, flavour)
    rules = {name: found.rule(name) for name in ("Observation", "Procedure")}
    assert rules["Observation"].strategy is Strategy.SEARCH_POST
    assert rules["Observation"].updates
    assert rules["Observation"].by_patient == ("patient" if flavour == "oracle" else "")
    for name in ("ResearchStudy", "ResearchSubject", "MedicationAdministration", "Organization"):
        assert found.rule(name).strategy is Strategy.UNSUPPORTED
    if flavour == "oracle":
        assert (rules["Procedure"].strategy, rules["Procedure"].updates) == (
            Strategy.SEARCH_POST,
            False,
        )


def test_what_is_not_listed_is_refused(store: FhirStore, flavour: str) -> None:
    """PUT does not create, research types and doses are not made, bundles are as recorded."""
    body: Json = {"resourceType": "Observation", "id": "n1"}
    assert _status(store, "PUT", "Observation/n1", body) == 405
    assert _status(store, "POST", "ResearchStudy") == 405
    assert _status(store, "POST", "MedicationAdministration") == 405
    bundles = {"epic": {"transaction": 405, "batch": 405}}
    bundles["oracle"] = {"transaction": 405, "batch": 200}
    for kind, status in bundles[flavour].items():
        bundle: Json = {"resourceType": "Bundle", "type": kind, "entry": []}
        sent = requests.post(store.base_url, data=json.dumps(bundle), timeout=5)
        assert sent.status_code == status
    form = {"identifier": "urn:s|1"}
    asked = requests.post(f"{store.base_url}/Observation/_search", data=form, timeout=5)
    assert asked.status_code == {"epic": 200, "oracle": 400}[flavour]


def test_what_it_can_take_is_synced(store: FhirStore, site: Site) -> None:
    """Observations land once and change by one write; study and subjects are unsupported."""
    assert _outcomes(site.apply(trial(9))) == {"acknowledged": 9, "unsupported": 4}
    assert _outcomes(site.apply(trial(9))) == {"unchanged": 9, "unsupported": 4}
    changed = [*trial(9)[:-1], observation(8, "8.1")]
    assert _outcomes(site.apply(changed)) == {"acknowledged": 1, "unchanged": 8, "unsupported": 4}
    assert store.count("Observation") == 9
    assert site.verify(changed).exit_status == 0


def test_a_stale_version_is_a_conflict(store: FhirStore, site: Site) -> None:
    """409 at Oracle, 412 at Epic: what a person changed stays."""
    site.apply(trial(3))
    path = next(
        p for p, b in store.held.items() if b.get("identifier", [{}])[0]["value"][-1] == "2"
    )
    store.put({**store.held[path], "status": "amended"})
    result = site.apply([*trial(3)[:-1], observation(2, "9.9")])
    assert store.held[path]["status"] == "amended"
    assert result.summary.count(Outcome.ACKNOWLEDGED) + result.summary.count(Outcome.CONFLICT) == 1


def test_a_modifier_extension_is_refused_alone(flavour: str, site: Site) -> None:
    """Oracle refuses it with 422: that row is dead, its neighbours arrive."""
    extension = [{"url": "https://trial.example/not", "valueBoolean": True}]
    odd = staged(
        "Observation",
        "t|odd",
        "01",
        status="final",
        code={"text": "x"},
        subject=placeholder("01"),
        modifierExtension=extension,
    )
    expected = {"acknowledged": 4} if flavour == "epic" else {"acknowledged": 3, "dead": 1}
    assert _outcomes(site.apply([*trial(3), odd])) == {**expected, "unsupported": 4}
