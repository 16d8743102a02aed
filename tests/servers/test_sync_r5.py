"""A trial's export carried into a real R5 server, read back, and not sent twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from netfhir.errors import CapabilityError
from netfhir.hospital.endpoint import ServerSettings
from netfhir.runs import opening, syncing
from netfhir.runs.opening import Input
from netfhir.runs.pipeline import Selection
from netfhir.runs.syncing import Target
from netfhir.settings import DEMO_SITE_KEY
from netfhir.sync.records import Outcome
from trial_exports import REDCAP, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from hapi_server import HapiServer
    from netfhir.fhir.version import Version

HOSPITAL = ROOT / "fixtures" / "NCT05987176"


def load_patients(base_url: str) -> None:
    """Put the hospital's Patients there."""
    for line in (HOSPITAL / "hospital" / "Patient.ndjson").read_bytes().splitlines():
        url = f"{base_url}/Patient/{json.loads(line)['id']}"
        headers = {"Content-Type": "application/fhir+json"}
        requests.put(url, data=line, headers=headers, timeout=60).raise_for_status()


def outcomes(base_url: str, state: Path, fhir: Version) -> dict[str, int]:
    """Apply four subjects; return what became of the rows."""
    site = opening.mapping_site(opening.trial("NCT05987176"), DEMO_SITE_KEY, fhir)
    given = Input("redcap", REDCAP, selection=Selection(limit=4))
    server = ServerSettings(name="hapi", base_url=base_url)
    target = Target(server, HOSPITAL / "crosswalk.csv", state)
    with syncing.work(site, given, target) as work:
        summary = work.apply(lambda _: None).summary
        assert work.verify(lambda _: None).exit_status == 0
    return {one.value: n for one in Outcome if (n := summary.count(one))}


def test_a_trial_lands_in_r5_once(hapi_r5: HapiServer, tmp_path: Path) -> None:
    """Acknowledged and verified, the hospital's patients resolved; then all of it is unchanged."""
    load_patients(hapi_r5.base_url)
    first = outcomes(hapi_r5.base_url, tmp_path, "r5")
    assert first.keys() == {"acknowledged"}
    again = outcomes(hapi_r5.base_url, tmp_path, "r5")
    assert again.keys() == {"unchanged"}


def test_r4_is_not_sent_to_it(hapi_r5: HapiServer, tmp_path: Path) -> None:
    """A server of another version is left alone."""
    with pytest.raises(CapabilityError) as caught:
        outcomes(hapi_r5.base_url, tmp_path, "r4")
    assert caught.value.code == "other-fhir-version"
