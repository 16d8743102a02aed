"""What the tests of the command line share: the command itself, a site key, a FHIR store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer

from command_line import CommandLine, Flow
from export_copies import FIXTURES, redcap
from fhir_store import FhirStore
from netfhir import mappers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from export_copies import CsvCopy

SITE_KEY = "a-site-key-for-tests-alone"
ALL_TYPES = ("Patient", *{kind for kinds in mappers.emitted().values() for kind in kinds})


@pytest.fixture(autouse=True)
def _at_a_site(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Give the command a site key and an empty working folder."""
    if "netfhir" in request.fixturenames:
        monkeypatch.setenv("NETFHIR_SITE_KEY", SITE_KEY)
        monkeypatch.chdir(tmp_path)


@pytest.fixture
def netfhir(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Return the command line."""
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def export(tmp_path: Path) -> CsvCopy:
    """Return a REDCap export of two subjects, with dictionary and crosswalk beside it."""
    return redcap(tmp_path / "export")


@pytest.fixture(scope="session")
def http_of_hospital() -> Iterator[HTTPServer]:
    """Return one HTTP server for the session: stopping one takes half a second."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def hospital(http_of_hospital: HTTPServer) -> FhirStore:
    """Return a store that holds the hospital's Patients and takes every type that we emit."""
    http_of_hospital.clear()
    store = FhirStore(http_of_hospital, listed=ALL_TYPES)
    lines = (FIXTURES / "hospital" / "Patient.ndjson").read_text(encoding="utf-8").splitlines()
    for line in lines:
        store.put(json.loads(line))
    return store


@pytest.fixture
def flow(netfhir: CommandLine, export: CsvCopy, hospital: FhirStore) -> Flow:
    """Return plan, apply and verify of one export and one server."""
    return Flow(netfhir, export, hospital)
