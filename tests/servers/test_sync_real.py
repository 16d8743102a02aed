"""The whole sync against real servers, and what only they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.capabilities import TypeRule
from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Outcome
from small_trial import CROSSWALK, Site, load_patients, observation, staged, trial

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.sync.apply import Result


class HasAddress(Protocol):
    """What the fixture of a server gives."""

    base_url: str


@pytest.fixture(params=["hapi_r4", "sekmet"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Return a state folder and each real server, holding the patients."""
    base_url = str(request.getfixturevalue(request.param).base_url)
    load_patients(base_url)
    return Site(tmp_path, base_url)


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


def test_a_trial_lands_and_changes(site: Site) -> None:
    """Created, unchanged, updated and verified: what is sent is what differs."""
    rows = trial(study="lands")
    assert _outcomes(site.apply(rows)) == {"acknowledged": 64}
    assert _outcomes(site.apply(rows)) == {"unchanged": 64}
    changed = [*rows[:-1], observation(59, "8.15", "lands")]
    assert _outcomes(site.apply(changed)) == {"acknowledged": 1, "unchanged": 63}
    findings = site.verify(changed)
    assert (findings.read, findings.exit_status) == (64, 0)
    assert [d.elements for d in site.verify(rows).different] == [("valueQuantity.value",)]


def test_every_type_has_a_strategy(site: Site) -> None:
    """Each type that is emitted is put by id on both, whatever the statement lists."""
    with site.client() as client:
        capabilities = site.capabilities(client)
    types = ("ResearchStudy", "ResearchSubject", "MedicationAdministration", "Observation")
    rules = capabilities.describe(types)
    assert {rule.strategy for rule in rules} == {Strategy.PUT_ID}
    assert all(rule.why for rule in rules)


def test_an_unknown_patient_parks(site: Site) -> None:
    """An identifier that the hospital does not know parks its subject."""
    site.crosswalk = {**CROSSWALK, "02": (("https://hospital.example/mrn", "nobody"),)}
    result = site.apply(trial(study="parks"))
    assert _outcomes(result) == {"acknowledged": 43, "parked": 21}
    assert result.summary.reasons == {"parked: no-patient": 21}


def test_a_changed_resource_is_a_conflict(site: Site) -> None:
    """A stale version is refused by the server (409 or 412), and what both changed stays theirs."""
    rows = trial(3, study="conflict")
    site.apply(rows)
    path = f"Observation/{rows[-1].id}"
    with site.client() as client:
        (before,) = client.read_many([path])
        value = {"value": 8, "unit": "U/L"}
        client.put(path, to_bytes({**(before.body or {}), "valueQuantity": value}))
        result = site.apply([*rows[:-1], observation(2, "9.9", "conflict")])
        (after,) = client.read_many([path])
    assert _outcomes(result) == {"unchanged": 6, "conflict": 1}
    assert (after.body or {})["valueQuantity"]["value"] == 8


def test_a_refused_entry_stands_alone(hapi_r4: HasAddress, tmp_path: Path) -> None:
    """HAPI refuses a reference to nothing and the whole transaction: halved until it is alone."""
    load_patients(hapi_r4.base_url)
    nobody = {"reference": "Patient/nobody-there"}
    bad = staged("Observation", "alone|bad", status="final", code={"text": "x"}, subject=nobody)
    result = Site(tmp_path, hapi_r4.base_url).apply([*trial(20, study="alone"), bad])
    assert _outcomes(result) == {"acknowledged": 24, "blocked": 1}
    assert result.summary.reasons == {"blocked: HTTP 400 (error processing HAPI-1094)": 1}


def test_conditional_put_on_hapi(hapi_r4: HasAddress, tmp_path: Path) -> None:
    """HAPI assigns the ids; children follow them, nothing is made twice, nothing sent twice."""
    site = Site(tmp_path, hapi_r4.base_url)
    site.rule = lambda name: TypeRule(
        name, Strategy.CONDITIONAL_PUT, "forced", identifier_search=True
    )
    load_patients(site.base_url)
    rows = trial(20, study="conditional")
    assert _outcomes(site.apply(rows)) == {"acknowledged": 24}
    assert _outcomes(site.apply(rows)) == {"unchanged": 24}
    changed = trial(20, "6.5", "conditional")
    assert _outcomes(site.apply(changed)) == {"acknowledged": 20, "unchanged": 4}
    findings = site.verify(changed)
    assert (findings.read, findings.exit_status) == (24, 0)
