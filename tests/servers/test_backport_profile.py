"""Adverse events keep HL7's research profile, as far as HAPI can judge it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

import backport_profile
import trial_exports
from netfhir.fhir.canonical import to_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from hapi_server import HapiServer

HEADERS = {"Content-Type": "application/fhir+json"}


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return the adverse events of the trial's synthetic export."""
    folder: Path = tmp_path_factory.mktemp("redcap")
    found: list[dict[str, Any]] = trial_exports.redcap(folder).resources("AdverseEvent")
    return found


def errors(hapi: HapiServer, body: dict[str, Any]) -> list[str]:
    """Return what HAPI finds against the profile."""
    url = f"{hapi.base_url}/AdverseEvent/$validate?profile={backport_profile.PROFILE}"
    reply = requests.post(url, data=to_bytes(body), headers=HEADERS, timeout=300)
    issues = json.loads(reply.content)["issue"]
    return [i["diagnostics"] for i in issues if i["severity"] in {"error", "fatal"}]


def serious(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a serious event."""
    return next(body for body in events if body["seriousness"]["text"] == "Serious")


def test_every_event_of_the_trial_keeps_the_profile(
    hapi_r4: HapiServer, events: list[dict[str, Any]]
) -> None:
    """Status, event, seriousness with its criteria, outcome, study; and nothing forbidden."""
    assert len(events) > 20
    assert [found for body in events for found in errors(hapi_r4, body)] == []


def test_a_serious_event_without_a_criterion_breaks_it(
    hapi_r4: HapiServer, events: list[dict[str, Any]]
) -> None:
    """The profile is really asked: its invariant speaks."""
    body = serious(events)
    kept = [one for one in body["extension"] if not one["url"].endswith("seriousness-criteria")]
    found = errors(hapi_r4, {**body, "extension": kept})
    assert any("aeClinRes-seriousness-1" in one for one in found)


@pytest.mark.parametrize("element", ["suspectEntity", "modifierExtension"])
def test_a_forbidden_or_a_missing_element_breaks_it(
    hapi_r4: HapiServer, events: list[dict[str, Any]], element: str
) -> None:
    """The base element of suspicion, or no status."""
    body = dict(serious(events))
    if element == "suspectEntity":
        body[element] = [{"instance": {"reference": "Medication/m1"}}]
    else:
        del body[element]
    assert errors(hapi_r4, body)


def test_a_part_of_another_name_is_an_error(
    hapi_r4: HapiServer, events: list[dict[str, Any]]
) -> None:
    """An extension that the guide does not have in this form is refused without the profile too."""
    body = serious(events)
    wrong = {"url": f"{backport_profile.GUIDE}ae-grade", "valueString": "3"}
    assert errors(hapi_r4, {**body, "extension": [*body["extension"], wrong]})
