"""One Provenance a batch of what a run wrote: complete, once, and not lost by a crash."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, cast

import pytest

from fhir_store import answers
from netfhir.fhir.draft import Draft
from netfhir.fhir.gate import Gate

if TYPE_CHECKING:
    from command_line import Flow
    from fhir_store import FhirStore, Json


@pytest.fixture
def proven(flow: Flow) -> Flow:
    """Return a flow to a store that takes Provenance."""
    flow.store.listed = (*flow.store.listed, "Provenance")
    return flow


def _provenances(store: FhirStore) -> list[Json]:
    return [body for path, body in store.held.items() if path.startswith("Provenance/")]


def _targets(store: FhirStore, code: str) -> list[str]:
    found = [b for b in _provenances(store) if b["activity"]["coding"][0]["code"] == code]
    return sorted(t["reference"] for body in found for t in body["target"] if "reference" in t)


def _versions(store: FhirStore) -> list[str]:
    ours = (b for p, b in store.held.items() if not p.startswith(("Patient/", "Provenance/")))
    return sorted(f"{b['resourceType']}/{b['id']}/_history/{b['meta']['versionId']}" for b in ours)


def test_every_version_has_its_provenance(proven: Flow) -> None:
    """Each resource that was created is the target of exactly one, by its version; counted."""
    planned = proven("plan", "--json").document["summary"]["planned"]
    ran = proven("apply", "--json")
    assert ran.status == 0
    assert _targets(proven.store, "CREATE") == _versions(proven.store)
    batches = len(_provenances(proven.store))
    assert batches == -(-planned // 500)
    summary = ran.document["summary"]
    assert summary["types"]["Provenance"]["outcomes"] == {"acknowledged": batches}
    assert (summary["planned"], summary["unproven"]) == (planned + batches, 0)
    assert proven("verify").status == 0


def test_it_names_its_sources(proven: Flow) -> None:
    """The export's digest, declarations, code systems, software and site; valid R4; no value."""
    proven("apply")
    (body, *_) = _provenances(proven.store)
    Gate().check(Draft("Provenance", body["id"], {**body}, "test"))
    named = [entity["what"]["identifier"]["value"] for entity in body["entity"]]
    digest = hashlib.sha256(proven.export.path.read_bytes()).digest()
    ni = "ni:///sha-256;" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert ni in named
    assert "http://loinc.org" in {name.partition("|")[0] for name in named}
    kinds = [agent["type"]["coding"][0]["code"] for agent in body["agent"]]
    assert kinds == ["assembler", "author"]
    assert body["agent"][0]["who"]["display"].startswith("netfhir ")


def test_a_second_run_writes_none(proven: Flow) -> None:
    """Nothing new, nothing to tell of: 0 writes."""
    proven("apply")
    proven.store.writes.clear()
    assert proven("apply").status == 0
    assert proven.store.writes == []


def test_an_update_has_its_own(proven: Flow) -> None:
    """One changed value: one UPDATE of the one version; the CREATE stays as it was."""
    proven("apply")
    before = _targets(proven.store, "CREATE")
    proven.export.set("lab_plt", "317")
    proven("apply")
    (target,) = _targets(proven.store, "UPDATE")
    assert target.startswith("Observation/")
    assert target.endswith("/_history/2")
    assert _targets(proven.store, "CREATE") == before


@pytest.mark.parametrize("arrives", [False, True])
def test_what_is_owed_outlives_the_run(proven: Flow, *, arrives: bool) -> None:
    """The run ended at its Provenance, stored or not: the next one makes it good, once."""

    def late(request: Any, process: Any) -> Any:
        if b'"resourceType":"Provenance"' not in request.get_data():
            return process()
        if arrives:
            process()
        return answers(401)(request, process)

    proven.store.faults.extend([late] * 200)
    assert proven("apply").status == 77
    proven.store.faults.clear()
    proven.export.set("lab_plt", "317")
    assert proven("apply").status == 0
    created = _targets(proven.store, "CREATE")
    assert len(created) == len(set(created))
    assert {t.partition("/_history")[0] for t in created} == {
        t.partition("/_history")[0] for t in _versions(proven.store)
    }
    assert len(_targets(proven.store, "UPDATE")) == 1


def test_a_refused_provenance_is_dead_and_said(proven: Flow) -> None:
    """Refused as it is: 65, not sent again as it is, and the resources stay."""
    proven.store.refuses = lambda body: 422 if body["resourceType"] == "Provenance" else 0
    ran = proven("apply", "--json")
    assert ran.status == 65
    dead = ran.document["summary"]["types"]["Provenance"]["outcomes"]
    proven.store.writes.clear()
    again = proven("apply", "--json")
    assert again.document["summary"]["types"]["Provenance"]["outcomes"] == dead
    assert (again.status, proven.store.writes) == (65, [])


def test_a_server_that_takes_none_is_said(flow: Flow) -> None:
    """No Provenance by an id of ours: nothing is sent, the number of rows is told; 0."""
    ran = flow("apply", "--json")
    assert ran.status == 0
    summary = ran.document["summary"]
    assert summary["unproven"] == summary["planned"]
    flow.store.listed = (*flow.store.listed, "Provenance")
    flow("apply")
    assert _targets(flow.store, "CREATE") == _versions(flow.store)


def test_a_lost_provenance_is_found(proven: Flow) -> None:
    """Acknowledged, and not there: verify names it; 65."""
    proven("apply")
    (path, *_) = (path for path in proven.store.held if path.startswith("Provenance/"))
    del proven.store.held[path]
    ran = proven("verify", "--json")
    assert ran.status == 65
    assert path in {missing[0] for missing in cast("Any", ran.document)["missing"]}


def test_a_retraction_has_its_reason(proven: Flow) -> None:
    """What was taken back is told as NULLIFY, with the operator's words."""
    proven("apply")
    proven.export.set("lab_plt", "")
    assert proven("apply").status == proven("plan").status == 65
    shown = proven("retract", "--why", "entered twice", "--json")
    assert (shown.status, shown.document["done"]) == (0, False)
    assert _targets(proven.store, "NULLIFY") == []
    ran = proven("retract", "--why", "entered twice", "--yes", "--json")
    assert (ran.status, ran.document["done"]) == (0, True)
    assert len(_targets(proven.store, "NULLIFY")) == 1
    (body,) = [b for b in _provenances(proven.store) if "reason" in b]
    assert body["reason"] == [{"text": "entered twice"}]
    assert proven("apply").status == 0


def test_a_deletion_is_let_go_by_its_provenance(proven: Flow) -> None:
    """A server that deletes nothing that is referred to: the Provenance keeps the address."""
    proven.store.can = ("read", "update", "delete")
    proven("apply")
    proven.export.set("lab_plt", "")
    why = ("--why", "entered twice", "--delete", "Observation", "--yes")
    assert proven("retract", *why).status == 0
    (path,) = proven.store.deleted
    told = [t for b in _provenances(proven.store) for t in b["target"] if "identifier" in t]
    addresses = {target["identifier"]["value"] for target in told}
    assert addresses == {f"{proven.store.base_url}/{path}"}
    assert len(told) == 2
    assert path not in {t.partition("/_history")[0] for t in _targets(proven.store, "CREATE")}
    assert proven("verify").status == 0
    assert proven("apply").status == 0
