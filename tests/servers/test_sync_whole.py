"""The whole synthetic study carried into real servers, read back, and not sent twice."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING

import pytest
import requests

import own_base
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


def outcomes(
    base_url: str, folder: Path, fhir: Version, subjects: int | None = None
) -> dict[str, int]:
    """Apply all subjects or the first few; return what became of the rows."""
    site = folder / "site"
    if not site.is_dir():
        own_base.overlay(site, "NCT05987176", "https://netfhir.example/whole")
    mapped = opening.mapping_site(opening.trial("NCT05987176", [site]), DEMO_SITE_KEY, fhir)
    given = Input("redcap", REDCAP, selection=Selection(limit=subjects))
    server = ServerSettings(name="srv", base_url=base_url)
    target = Target(server, HOSPITAL / "crosswalk.csv", folder / "state")
    with syncing.work(mapped, given, target) as work:
        summary = work.apply(lambda _: None).summary
        assert work.verify(lambda _: None).exit_status == 0
    return {one.value: n for one in Outcome if (n := summary.count(one))}


@pytest.mark.parametrize(
    "at", [("hapi_r4", "r4", None), ("sekmet", "r4", None), ("hapi_r5", "r5", 4)], ids=itemgetter(0)
)
def test_the_study_lands_once(
    at: tuple[str, Version, int | None],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Acknowledged and verified, the hospital's patients resolved; then all of it is unchanged."""
    server, fhir, subjects = at
    base_url = request.getfixturevalue(server).base_url
    load_patients(base_url)
    first = outcomes(base_url, tmp_path, fhir, subjects)
    assert first.keys() == {"acknowledged"}
    again = outcomes(base_url, tmp_path, fhir, subjects)
    assert again.keys() == {"unchanged"}
    with capsys.disabled():
        print(f"\n{server}: first {first}, again {again}")  # noqa: T201 - counts


def test_r4_is_not_sent_to_it(hapi_r5: HapiServer, tmp_path: Path) -> None:
    """A server of another version is left alone."""
    with pytest.raises(CapabilityError) as caught:
        outcomes(hapi_r5.base_url, tmp_path, "r4")
    assert caught.value.code == "other-fhir-version"
