"""Real servers, started once a run: HAPI FHIR JPA (R4) and sekmet-fhir."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hapi_server import HapiServer, HapiUnavailable, start
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
