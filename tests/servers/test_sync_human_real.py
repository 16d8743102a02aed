"""What people do at a real server survives, and what the source has no more is taken back there."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from hapi_validation import errors
from netfhir.errors import ServerError, TemporaryError
from netfhir.fhir.canonical import to_bytes
from netfhir.mappers.provenance import provenance
from netfhir.runs import opening
from netfhir.sync.absence import absence
from netfhir.sync.policy import Policy, takings
from netfhir.sync.provenance import Provenances
from netfhir.sync.records import Outcome
from netfhir.sync.retract import Deletes, Retract
from netfhir.trial.batch import Batch, Origin, Target
from small_trial import CROSSWALK, MRN, Site, load_patients, observation, trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hapi_server import HapiServer
    from netfhir.fhir.canonical import Json
    from netfhir.sync.apply import Result
    from netfhir.sync.ledger import Ledger
    from netfhir.sync.staging import Staged, Staging


@pytest.fixture(params=["hapi_r4", "sekmet"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Return a state folder and each real server, holding the patients."""
    base_url = str(request.getfixturevalue(request.param).base_url)
    load_patients(base_url)
    return Site(tmp_path, base_url)


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


def _read(site: Site, path: str) -> Json:
    with site.client() as client:
        (stored,) = client.read_many([path])
    assert stored.body is not None
    return stored.body


def _person(site: Site, path: str, **changes: Any) -> None:
    """Change a resource as somebody at the hospital would."""
    body = {**_read(site, path), **changes}
    with site.client() as client:
        client.put(path, to_bytes(body))


def _retract(
    site: Site, rows: Sequence[Staged], deletes: tuple[str, ...] = (), *, loses: bool = False
) -> Result:
    with site.run(rows) as (apply, _):
        ledger = cast("Ledger", apply.ledger)
        gone = absence(cast("Staging", apply.staging), ledger, ())
        gone.guard(allowed=False)
        client = cast("Deletes", _LosesReplies(apply.client) if loses else apply.client)
        policy = Policy(takings(), frozenset(deletes))
        run = Retract(apply.staging, ledger, client, apply.terms, apply.pace, policy)
        return run.run(gone)


class _LosesReplies:
    """A client whose bundles and deletions arrive and whose replies do not."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def post_bundle(self, bundle: bytes) -> Json:
        self._client.post_bundle(bundle)
        raise TemporaryError("no-answer", where="s", retry_after_s=1e6)

    def delete(self, path: str, if_match: str = "") -> None:
        self._client.delete(path, if_match)
        raise TemporaryError("no-answer", where="s", retry_after_s=1e6)


def test_a_persons_change_outlives_an_update(site: Site) -> None:
    """Status, note, tag and identifier of the hospital's stay; our value arrives; twice."""
    rows = trial(3, study="person")
    site.apply(rows)
    path = f"Observation/{rows[-1].id}"
    own = {"system": "https://hospital.example/lab", "value": "1"}
    _person(
        site,
        path,
        status="amended",
        note=[{"text": "seen"}],
        identifier=[*_read(site, path)["identifier"], own],
        meta={"tag": [{"system": "https://hospital.example/tags", "code": "reviewed"}]},
    )
    for value in ("9.9", "9.8"):
        result = site.apply([*rows[:-1], observation(2, value, "person")])
        assert _outcomes(result) == {"unchanged": 6, "acknowledged": 1}
        assert result.summary.kept == {"Observation.status": 1}
        body = _read(site, path)
        assert (body["status"], body["note"]) == ("amended", [{"text": "seen"}])
        assert own in body["identifier"]
        assert body["meta"]["tag"][0]["code"] == "reviewed"
        assert str(body["valueQuantity"]["value"]) == value
    findings = site.verify([*rows[:-1], observation(2, "9.8", "person")])
    assert [c.elements for c in findings.changed] == [("status",)]
    assert (findings.different, findings.exit_status) == ([], 0)


def test_a_person_and_a_run_write_at_once(site: Site) -> None:
    """Two writers of one resource: whoever comes first, both changes are there in the end."""
    rows = trial(3, study="race")
    site.apply(rows)
    path = f"Observation/{rows[-1].id}"
    stop = threading.Event()
    written: list[str] = []

    def person() -> None:
        while not stop.is_set() and len(written) < 40:
            text = f"note {len(written)}"
            with site.client() as client:
                (stored,) = client.read_many([path])
                body = {**(stored.body or {}), "note": [{"text": text}]}
                try:
                    client.put(path, to_bytes(body), f'W/"{stored.version_id}"')
                except ServerError:
                    continue
                written.append(text)

    thread = threading.Thread(target=person)
    thread.start()
    try:
        for value in ("8.1", "8.2", "8.3", "8.4", "8.5"):
            outcomes = _outcomes(site.apply([*rows[:-1], observation(2, value, "race")]))
            assert outcomes in (
                {"unchanged": 6, "acknowledged": 1},
                {"unchanged": 6, "conflict": 1},
            )
    finally:
        stop.set()
        thread.join()
    assert _outcomes(site.apply([*rows[:-1], observation(2, "8.6", "race")])) == {
        "unchanged": 6,
        "acknowledged": 1,
    }
    body = _read(site, path)
    assert body["note"] == [{"text": written[-1]}]
    assert str(body["valueQuantity"]["value"]) == "8.6"


def test_a_stranger_under_our_id_is_left(site: Site) -> None:
    """Deleted and made anew without our identifier: a conflict, theirs stays."""
    rows = trial(3, study="strange")
    site.apply(rows)
    path = f"Observation/{rows[-1].id}"
    strange = {"resourceType": "Observation", "id": rows[-1].id, "status": "final"}
    with site.client() as client:
        client.delete(path)
        client.put(path, to_bytes({**strange, "code": {"text": "theirs"}}))
    result = site.apply([*rows[:-1], observation(2, "9.9", "strange")])
    assert result.summary.reasons == {"conflict: foreign-on-server": 1}
    assert _read(site, path)["code"] == {"text": "theirs"}


def test_a_merged_patient_is_followed(site: Site) -> None:
    """The record was replaced by another: the subject's resources point there, once."""
    rows = trial(3, study="merged")
    site.apply(rows)
    link = [{"other": {"reference": "Patient/merged-into"}, "type": "replaced-by"}]
    identifier = [{"system": MRN, "value": "merged-mrn"}]
    old = {"resourceType": "Patient", "id": "merged-from", "active": False, "link": link}
    with site.client() as client:
        client.put("Patient/merged-into", b'{"resourceType":"Patient","id":"merged-into"}')
        client.put("Patient/merged-from", to_bytes({**old, "identifier": identifier}))
    site.crosswalk = {**CROSSWALK, "03": ((MRN, "merged-mrn"),)}
    assert _outcomes(site.apply(rows)) == {"unchanged": 5, "acknowledged": 2}
    path = f"Observation/{rows[-1].id}"
    assert _read(site, path)["subject"]["reference"] == "Patient/merged-into"
    assert _outcomes(site.apply(rows)) == {"unchanged": 7}


def test_a_row_that_is_gone_is_taken_back_and_returns(site: Site) -> None:
    """Marked with its identifier kept; the lost reply is found out; the row's return un-does it."""
    rows = trial(3, study="gone")
    site.apply(rows)
    path = f"Observation/{rows[-1].id}"
    assert _retract(site, rows[:-1], loses=True).exit_status == 75
    site.later()
    assert _retract(site, rows[:-1]).resumed == 1
    assert _retract(site, rows[:-1]).exit_status == 0
    body = _read(site, path)
    assert body["status"] == "entered-in-error"
    assert body["identifier"][0]["value"] == "gone|03|v1|lb|alt|2"
    assert _outcomes(site.apply(rows[:-1])) == {"unchanged": 6}
    assert _outcomes(site.apply(rows)) == {"unchanged": 6, "acknowledged": 1}
    assert _read(site, path)["status"] == "final"
    assert site.verify(rows).exit_status == 0


def test_a_deletion_goes_dependants_first(hapi_r4: HapiServer, tmp_path: Path) -> None:
    """HAPI deletes nothing that is referred to: dependants first, and Provenance lets go."""
    site = Site(tmp_path, hapi_r4.base_url)
    load_patients(site.base_url)
    rows = trial(3, study="deleted")
    _proven(site, rows)
    left = [row for row in rows if row.subject != "03"]
    kinds = ("Observation", "ResearchSubject")
    assert _outcomes(_retract(site, left, kinds)) == {"acknowledged": 2}
    with site.client() as client:
        stored = client.read_many([f"{r.resource_type}/{r.id}" for r in rows if r.subject == "03"])
    assert all(what.deleted for what in stored)
    assert _outcomes(site.apply(rows)) == {"unchanged": 5, "acknowledged": 2}


def test_a_deletion_of_a_needed_parent_is_refused(hapi_r4: HapiServer, tmp_path: Path) -> None:
    """HAPI's 409 leaves the subject, and the row, as they were."""
    site = Site(tmp_path, hapi_r4.base_url)
    load_patients(site.base_url)
    rows = trial(3, study="needed")
    site.apply(rows)
    left = [r for r in rows if r.resource_type != "ResearchSubject" or r.subject != "03"]
    result = _retract(site, left, ("ResearchSubject",))
    assert _outcomes(result) == {"conflict": 1}
    assert result.exit_status == 65


ORIGIN = Origin(
    ("0" * 64,), "1" * 64, "2" * 64, ("http://loinc.org",), "netfhir 0", "entered twice"
)


def test_a_provenance_is_taken_and_valid(hapi_r4: HapiServer, tmp_path: Path) -> None:
    """HAPI stores it, dropping versions from references; verified, valid, and written once."""
    site = Site(tmp_path, hapi_r4.base_url)
    load_patients(site.base_url)
    rows = trial(3, study="proven")
    assert _outcomes(_proven(site, rows)) == {"acknowledged": 8}
    with site.run(rows) as (apply, _):
        (known,) = apply.ledger.rows("Provenance")
    body = _read(site, f"Provenance/{known.id}")
    assert {target["display"] for target in body["target"]} == {"version 1"}
    assert errors(site.base_url, [body]) == {}
    assert _outcomes(_proven(site, rows)) == {"unchanged": 7}


def _proven(site: Site, rows: Sequence[Staged]) -> Result:
    with site.run(rows) as (apply, verify):
        cast("Any", apply.ledger).origin = ORIGIN.as_text()
        apply.provenances = _provenances(apply, site.base_url)
        result = apply.run()
        assert verify.run().exit_status == 0
    return result


def _provenances(apply: Any, base_url: str) -> Provenances:
    def compose(batch: Batch) -> tuple[str, bytes]:
        draft = provenance(
            batch, opening.mapping_site(opening.trial("NCT05987176"), b"key"), base_url
        )
        return draft.id, to_bytes(draft.body)

    return Provenances(apply.ledger, apply.terms, compose, lambda: datetime.now(UTC))


@pytest.mark.parametrize("activity", ["CREATE", "UPDATE", "NULLIFY"])
def test_a_provenance_of_each_kind_is_valid(hapi_r4: HapiServer, activity: Any) -> None:
    """`$validate` has no error to tell, of a deleted target neither."""
    targets = (Target("Observation", "a", "1"), Target("Observation", "b", "", deleted=True))
    batch = Batch(activity, targets, datetime(2024, 2, 3, tzinfo=UTC), replace(ORIGIN))
    body = provenance(
        batch, opening.mapping_site(opening.trial("NCT05987176"), b"key"), hapi_r4.base_url
    ).body
    assert errors(hapi_r4.base_url, [body]) == {}
