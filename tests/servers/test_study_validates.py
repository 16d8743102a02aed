"""The Bundle of every study is valid to HAPI's `$validate`, as it is printed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

import study_cases
from netfhir.fhir.canonical import resource, to_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from hapi_server import HapiServer
    from netfhir.fhir.version import Version

_HEADERS = {"Content-Type": "application/fhir+json"}


def _errors(base_url: str, bundle: dict[str, Any]) -> list[str]:
    url = f"{base_url}/Bundle/$validate"
    reply = requests.post(url, data=to_bytes(bundle), headers=_HEADERS, timeout=300)
    issues = json.loads(reply.content)["issue"]
    assert issues
    return [issue["diagnostics"] for issue in issues if issue["severity"] in {"error", "fatal"}]


@pytest.mark.parametrize("fhir", ["r4", "r5"])
def test_every_study_is_valid(
    fhir: Version, shared_data: Path, request: pytest.FixtureRequest
) -> None:
    """The trials, the five real records and one for every enum value have 0 errors, whole."""
    server: HapiServer = request.getfixturevalue(f"hapi_{fhir}")
    named = study_cases.bundles(shared_data, fhir)
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda case: _errors(server.base_url, case[1]), named)
        errors = {name: messages for (name, _), messages in zip(named, found, strict=True)}
    assert len(errors) > 100
    assert {name: messages for name, messages in errors.items() if messages} == {}


def test_the_judge_sees_a_status_that_is_none(hapi_r4: HapiServer, shared_data: Path) -> None:
    """The same Bundle with a status that is none is refused."""
    bundle = resource(to_bytes(study_cases.bundles(shared_data)[0][1]))
    bundle["entry"][-1]["resource"]["status"] = "terminated"
    assert _errors(hapi_r4.base_url, bundle)
