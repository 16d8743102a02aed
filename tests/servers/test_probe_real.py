"""Real servers do what their profiles claim, and a probe leaves nothing on them."""

from __future__ import annotations

import pytest

from medplum_server import start as start_medplum
from netfhir.hospital import capabilities
from netfhir.hospital.client import Client
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.probe import Probed, Verdict, probe
from netfhir.hospital.transport import Transport


def _probed(base_url: str) -> Probed:
    """Return what a probe came to."""
    settings = ServerSettings(name="s", base_url=base_url)
    transport = Transport(settings)
    found = capabilities.fetch(Client(transport), settings)
    client = Client(transport, batch=found.batch)
    came_to = probe(client, found)
    transport.close()
    return came_to


@pytest.mark.parametrize("server", ["hapi_r4", "sekmet", "medplum"])
def test_a_profile_is_true(request: pytest.FixtureRequest, server: str) -> None:
    """Each claim is tested on the server itself, and holds; nothing could not be removed."""
    came_to = _probed(str(request.getfixturevalue(server).base_url))
    assert {t.claim: t.found for t in came_to.tested if t.verdict is not Verdict.TRUE} == {}
    assert len(came_to.tested) >= 5
    assert (came_to.left, came_to.exit_status) == ([], 0)


def test_a_repository_that_splits_identifiers_is_found_out() -> None:
    """Medplum's in-memory repository, as shipped, finds no identifier that holds a `|`: told."""
    with start_medplum(["--as-shipped"]) as server:
        came_to = _probed(server.base_url)
    assert [t.claim for t in came_to.tested if t.verdict is Verdict.FALSE] == [
        "a conditional POST makes one",
        "a search by identifier sees what was just stored",
    ]
    assert came_to.exit_status == 78
