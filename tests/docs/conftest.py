"""A site's command line, a small export and a hospital, for documents about what they write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer

from command_line import CommandLine
from export_copies import FIXTURES, redcap
from fhir_store import FhirStore
from netfhir import mappers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from export_copies import CsvCopy


@pytest.fixture
def netfhir(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> CommandLine:
    """Return the command line, in an empty working folder and with a site key."""
    monkeypatch.setenv("NETFHIR_SITE_KEY", "a-site-key-for-tests-alone")
    monkeypatch.chdir(tmp_path)
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def export(tmp_path: Path) -> CsvCopy:
    """Return a REDCap export of two subjects, with dictionary and crosswalk beside it."""
    return redcap(tmp_path / "export")


@pytest.fixture
def hospital() -> Iterator[FhirStore]:
    """Return a store that holds the hospital's Patients and takes every type that we emit."""
    emitted = {kind for kinds in mappers.emitted().values() for kind in kinds}
    with HTTPServer(threaded=True) as server:
        store = FhirStore(server, listed=("Patient", *sorted(emitted)))
        lines = (FIXTURES / "hospital" / "Patient.ndjson").read_text(encoding="utf-8")
        for line in lines.splitlines():
            store.put(json.loads(line))
        yield store
