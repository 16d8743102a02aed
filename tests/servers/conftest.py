"""Real servers, started once a run: HAPI FHIR JPA (R4), sekmet-fhir, Medplum's router."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hapi_server import HapiServer, HapiUnavailable, start
from medplum_server import MedplumServer, MedplumUnavailable
from medplum_server import start as start_medplum
from netfhir.hospital.sandbox import Sandbox
from presence import absent

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def hapi_r4() -> Iterator[HapiServer]:
    """Return a running HAPI FHIR JPA R4 server with an empty database."""
    try:
        server = start()
    except HapiUnavailable as error:
        absent(f"HAPI FHIR JPA ({error})")
    with server:
        yield server


@pytest.fixture(scope="session")
def medplum() -> Iterator[MedplumServer]:
    """Return Medplum's router over its in-memory repository, running and empty."""
    try:
        server = start_medplum()
    except MedplumUnavailable as error:
        absent(f"Medplum's router ({error})")
    with server:
        yield server


@pytest.fixture(scope="session")
def hapi_r5() -> Iterator[HapiServer]:
    """Return a running HAPI FHIR JPA R5 server with an empty database."""
    try:
        server = start(fhir="r5")
    except HapiUnavailable as error:
        absent(f"HAPI FHIR JPA ({error})")
    with server:
        yield server


@pytest.fixture(scope="session")
def sekmet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Return the embedded hospital, running and empty."""
    with Sandbox(tmp_path_factory.mktemp("sekmet") / "sandbox") as server:
        yield server
