"""Plan, apply and verify against a store in memory, whole and under faults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import (
    FhirStore,
    Json,
    answers,
    drops_after,
    drops_before,
    lies,
    reshaped,
)
from netfhir.errors import OverlapError, TemporaryError
from netfhir.sync.records import Action, Outcome, Summary
from netfhir.sync.retrying import Patience
from netfhir.sync.sending import Pace, Writes
from netfhir.sync.staging import Staged
from small_trial import (
    CROSSWALK,
    MRN,
    QUICK,
    Site,
    observation,
    patient,
    patients,
    rid,
    staged,
    trial,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netfhir.sync.apply import Result
from netfhir.sync.plan import Planner
from netfhir.sync.preview import preview

ONCE = Patience(attempts=1)


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module: stopping one takes half a second."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def store(http: HTTPServer) -> FhirStore:
    """Return a store that holds the patients."""
    http.clear()
    made = FhirStore(http)
    for body in patients():
        made.put(body)
    return made


@pytest.fixture
def site(store: FhirStore, tmp_path: Path) -> Site:
    """Return a state folder and the store."""
    return Site(tmp_path, store.base_url)


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


def test_everything_lands_once(store: FhirStore, site: Site) -> None:
    """What is staged is acknowledged, held once, and verified without a finding."""
    result = site.apply(trial())
    assert _outcomes(result) == {"acknowledged": 64}
    assert result.exit_status == 0
    assert store.count("Observation") == 60
    findings = site.verify(trial())
    assert (findings.read, findings.exit_status) == (64, 0)


def test_the_second_run_writes_nothing(store: FhirStore, site: Site) -> None:
    """Same input, no write."""
    site.apply(trial())
    store.writes.clear()
    assert _outcomes(site.apply(trial())) == {"unchanged": 64}
    assert store.writes == []


def test_only_what_changed_is_sent(store: FhirStore, site: Site) -> None:
    """One changed value is one entry, over the version that we wrote."""
    site.apply(trial())
    store.writes.clear()
    rows = [*trial()[:-1], observation(59, "8.1")]
    assert _outcomes(site.apply(rows)) == {"acknowledged": 1, "unchanged": 63}
    (entry,) = store.writes[0]["entry"]
    assert entry["request"]["ifMatch"] == 'W/"1"'
    assert entry["resource"]["valueQuantity"]["value"] == 8.1


def test_parents_travel_first(store: FhirStore, site: Site) -> None:
    """The study is sent before its subjects, and these before their observations."""
    site.apply(trial())
    types = [entry["resource"]["resourceType"] for b in store.writes for entry in b["entry"]]
    assert types[:4] == ["ResearchStudy", *["ResearchSubject"] * 3]


def test_patients_are_the_hospitals(store: FhirStore, site: Site) -> None:
    """A subject's placeholder becomes the literal reference to the Patient that was found."""
    site.apply(trial(3))
    subjects = {b["individual"]["reference"] for p, b in store.held.items() if "individual" in b}
    assert subjects == {"Patient/pat-01", "Patient/pat-02", "Patient/pat-03"}


def test_an_unresolved_subject_is_parked(store: FhirStore, site: Site) -> None:
    """Rows of a subject without a Patient are counted and reported, not sent; 65."""
    site.crosswalk = {n: t for n, t in CROSSWALK.items() if n != "02"}
    result = site.apply(trial())
    assert _outcomes(result) == {"acknowledged": 43, "parked": 21}
    assert result.summary.reasons == {"parked: not-in-crosswalk": 21}
    assert result.exit_status == 65
    assert store.count("Patient") == 3


def test_a_parked_subject_is_sent_later(site: Site) -> None:
    """Parked rows are retried by the next run."""
    whole = site.crosswalk
    site.crosswalk = {}
    site.apply(trial())
    site.crosswalk = whole
    assert _outcomes(site.apply(trial())) == {"acknowledged": 63, "unchanged": 1}


def test_no_value_stands_in_a_url(store: FhirStore, site: Site) -> None:
    """Identifiers travel in bodies."""
    site.apply(trial(3))
    site.verify(trial(3))
    assert not [url for _, url in store.seen if "mrn" in url or "identifier" in url]


def test_one_bad_entry_does_not_stop_its_neighbours(store: FhirStore, site: Site) -> None:
    """A refused transaction is halved until the entry stands alone: dead, with a code."""
    store.refuses = lambda body: 422 if body.get("id") == observation(7).id else 0
    result = site.apply(trial())
    assert _outcomes(result) == {"acknowledged": 63, "dead": 1}
    assert result.summary.reasons == {"dead: HTTP 422 (error processing)": 1}
    assert result.exit_status == 65


def test_a_dead_row_waits_for_its_source(store: FhirStore, site: Site) -> None:
    """A dead row is not sent again as it is, and is sent when its source changed."""
    store.refuses = lambda body: 422 if body.get("id") == observation(7).id else 0
    site.apply(trial(10))
    store.refuses = lambda _: 0
    store.writes.clear()
    assert _outcomes(site.apply(trial(10))) == {"unchanged": 13, "dead": 1}
    assert store.writes == []
    assert _outcomes(site.apply(trial(10, "9.0"))) == {"acknowledged": 10, "unchanged": 4}


def test_children_of_a_dead_parent_are_blocked(store: FhirStore, site: Site) -> None:
    """They are not sent, and not dead: the parent's repair frees them."""
    store.refuses = lambda body: 422 if body["resourceType"] == "ResearchStudy" else 0
    assert _outcomes(site.apply(trial())) == {"dead": 1, "blocked": 63}
    assert store.count("ResearchSubject") == 0


def test_an_unsupported_type_is_said_at_once(store: FhirStore, site: Site) -> None:
    """A type that the server does not list is not sent."""
    store.listed = ("Patient", "ResearchStudy", "ResearchSubject")
    result = site.apply(trial())
    assert _outcomes(result) == {"acknowledged": 4, "unsupported": 60}
    assert result.exit_status == 65


def test_a_lost_reply_is_found_out(store: FhirStore, site: Site) -> None:
    """The server stored, the reply was cut: sent again by the same id, nothing twice."""
    store.faults.extend([drops_after, drops_before])
    assert _outcomes(site.apply(trial())) == {"acknowledged": 64}
    assert store.count("Observation") == 60


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}])
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_temporary_failure_is_tried_again(
    store: FhirStore, site: Site, status: int, headers: dict[str, str]
) -> None:
    """408, 429 and 5xx are retried within the budget."""
    store.faults.append(answers(status, headers))
    assert _outcomes(site.apply(trial())) == {"acknowledged": 64}


def test_a_server_that_stays_down_ends_the_run(store: FhirStore, site: Site) -> None:
    """After the attempts, what may have been sent is unknown, the rest waits for it; 75."""
    store.faults.extend([answers(503)] * QUICK.attempts)
    result = site.apply(trial())
    assert _outcomes(result) == {"unknown": 1, "blocked": 63}
    assert store.count("ResearchSubject") == 0
    assert result.summary.balanced()
    assert result.exit_status == 75


def test_the_next_run_goes_on(store: FhirStore, site: Site) -> None:
    """What was unknown is read back, found absent, and sent."""
    store.faults.extend([answers(503)] * QUICK.attempts)
    site.apply(trial())
    result = site.apply(trial())
    assert result.resumed == 1
    assert _outcomes(result) == {"acknowledged": 64}


def test_a_long_wait_is_for_the_next_run(store: FhirStore, site: Site) -> None:
    """A Retry-After beyond the cap is not slept through: 75."""
    store.faults.append(answers(429, {"Retry-After": "18000"}))
    result = site.apply(trial())
    assert len(store.writes) == 1
    assert result.exit_status == 75


@pytest.mark.parametrize("status", [401, 403])
def test_refused_access_stops(store: FhirStore, site: Site, status: int) -> None:
    """401 and 403: nothing more is sent, all is pending; 77."""
    store.faults.append(answers(status))
    result = site.apply(trial())
    assert _outcomes(result) == {"pending": 64}
    assert len(store.writes) == 1
    assert result.exit_status == 77


def test_what_a_person_changed_is_left(store: FhirStore, site: Site) -> None:
    """An element changed on the server and in the source is a conflict; theirs stays."""
    site.apply(trial(3))
    path = f"Observation/{observation(1).id}"
    store.put({**store.held[path], "valueQuantity": {"value": 8, "unit": "U/L"}})
    result = site.apply([*trial(3)[:-2], observation(1, "9.9"), observation(2)])
    assert _outcomes(result) == {"unchanged": 6, "conflict": 1}
    assert result.summary.reasons == {"conflict: changed-on-server (valueQuantity)": 1}
    assert store.held[path]["valueQuantity"]["value"] == 8
    assert result.exit_status == 65


def test_a_conflict_stays_until_it_is_resolved(store: FhirStore, site: Site) -> None:
    """The next run looks again; what then equals ours is acknowledged without a write."""
    site.apply(trial(3))
    path = f"Observation/{observation(1).id}"
    store.put({**store.held[path], "valueQuantity": {"value": 8, "unit": "U/L"}})
    rows = [*trial(3)[:-2], observation(1, "9.9"), observation(2)]
    site.apply(rows)
    assert _outcomes(site.apply(rows)) == {"unchanged": 6, "conflict": 1}
    store.put(json.loads(json.dumps(store.held[path])))
    store.held[path]["valueQuantity"]["value"] = 9.9
    assert _outcomes(site.apply(rows)) == {"unchanged": 7}


def test_a_lying_server_is_caught(store: FhirStore, site: Site) -> None:
    """200 and nothing stored: verify names what is missing; 65."""
    store.faults.extend([lies] * 3)
    assert _outcomes(site.apply(trial(10))) == {"acknowledged": 14}
    findings = site.verify(trial(10))
    assert len(findings.missing) == 14
    assert findings.exit_status == 65


def test_a_reply_with_fewer_entries_shifts_nothing(store: FhirStore, site: Site) -> None:
    """Entries are missing: every row of the bundle is read back, none takes another's result."""
    store.faults.append(reshaped(lambda reply: {**reply, "entry": reply["entry"][1:]}))
    assert _outcomes(site.apply(trial(10))) == {"acknowledged": 14}
    assert site.verify(trial(10)).exit_status == 0


def test_a_reply_about_another_resource_is_not_believed(store: FhirStore, site: Site) -> None:
    """A location that is not ours: read back; absent is unknown, 75."""

    def elsewhere(reply: Json) -> Json:
        reply["entry"][0]["response"]["location"] = "ResearchStudy/other/_history/1"
        store.held = {p: b for p, b in store.held.items() if not p.startswith("ResearchStudy")}
        return reply

    store.faults.append(reshaped(elsewhere))
    result = site.apply(trial(3))
    assert _outcomes(result)["unknown"] == 1
    assert result.exit_status == 75


@pytest.mark.parametrize("kind", ["batch-response", "searchset", "collection"])
def test_a_reply_of_another_kind_is_not_believed(store: FhirStore, site: Site, kind: str) -> None:
    """A transaction answered as a batch (Medplum) is read back before it counts."""
    store.faults.append(reshaped(lambda reply: {**reply, "type": kind}))
    assert _outcomes(site.apply(trial(3))) == {"acknowledged": 7}
    assert len(store.writes) == 3


def test_entries_of_a_batch_are_retried_alone(store: FhirStore, site: Site) -> None:
    """One entry with 429: only that one is sent again."""

    def throttled(reply: Json) -> Json:
        reply["entry"][1] = {"response": {"status": "429 Too Many Requests"}}
        return reply

    store.interactions = ("batch",)
    site.apply(trial(0))
    store.writes.clear()
    store.faults.append(reshaped(throttled))
    assert _outcomes(site.apply(trial(4))) == {"acknowledged": 4, "unchanged": 4}
    assert [len(bundle["entry"]) for bundle in store.writes] == [4, 1]


def test_a_server_without_bundles_gets_single_puts(store: FhirStore, site: Site) -> None:
    """Neither transaction nor batch: each row is put by its id."""
    store.interactions = ()
    assert _outcomes(site.apply(trial(5))) == {"acknowledged": 9}
    assert [m for m, _ in store.seen].count("PUT") == 9
    assert _outcomes(site.apply(trial(5))) == {"unchanged": 9}


def test_conditional_put_keeps_the_servers_ids(store: FhirStore, site: Site) -> None:
    """No updateCreate: found by identifier, references follow the ids that the server gave."""
    store.update_create = False
    assert _outcomes(site.apply(trial(6))) == {"acknowledged": 10}
    assert _outcomes(site.apply(trial(6))) == {"unchanged": 10}
    assert _outcomes(site.apply(trial(6, "8.8"))) == {"acknowledged": 6, "unchanged": 4}
    for body in store.held.values():
        for focus in body.get("focus", []):
            assert focus["reference"] in store.held
    assert site.verify(trial(6, "8.8")).exit_status == 0


def test_conditional_put_after_a_lost_reply(store: FhirStore, site: Site) -> None:
    """The identifier is searched for: what is there is adopted, nothing is made twice."""
    store.update_create = False
    store.faults.append(drops_after)
    site.pace = Pace(bundle_entries=10, patience=QUICK)
    assert _outcomes(site.apply(trial(6))) == {"acknowledged": 10}
    assert store.count("ResearchStudy") == 1


def test_a_verify_tries_again(store: FhirStore, site: Site) -> None:
    """A read that fails for a moment is no finding."""
    site.apply(trial(3))
    store.read_faults.append(answers(503, {"Retry-After": "0"}))
    findings = site.verify(trial(3))
    assert (findings.read, findings.exit_status) == (7, 0)
    assert not store.read_faults


def test_duplicates_are_named(store: FhirStore, site: Site) -> None:
    """Two resources with our identifier: verify names both ids; 65."""
    site.apply(trial(3))
    original = store.held[f"Observation/{observation(0).id}"]
    store.put({**original, "id": "copy"})
    findings = site.verify(trial(3))
    (duplicate,) = findings.duplicate
    assert duplicate.server_ids == tuple(sorted(["copy", observation(0).id]))
    assert findings.exit_status == 65


def test_a_difference_is_named_by_its_element(store: FhirStore, site: Site) -> None:
    """Verify gives paths and no values."""
    site.apply(trial(3))
    store.held[f"Observation/{observation(0).id}"]["valueQuantity"]["value"] = 99
    (different,) = site.verify(trial(3)).different
    assert different.elements == ("valueQuantity.value",)


def test_lost_precision_is_said_and_no_difference(site: Site) -> None:
    """7.40 read back as 7.4 is equal by value, and the flag says so."""
    site.apply(trial(3))
    findings = site.verify(trial(3))
    assert findings.precision_lost
    assert not findings.different


def test_rows_of_one_type_may_refer_to_each_other(store: FhirStore, site: Site) -> None:
    """A study that is part of another travels after it."""
    parent = {"reference": f"ResearchStudy/{rid('whole')}"}
    rows = [
        staged("ResearchStudy", "part", status="active", partOf=[parent]),
        staged("ResearchStudy", "whole", status="active"),
    ]
    site.apply(rows)
    order = [e["resource"]["id"] for bundle in store.writes for e in bundle["entry"]]
    assert order == [rid("whole"), rid("part")]


def test_a_preview_names_each_element(store: FhirStore, site: Site) -> None:
    """The plan shows the change of an update, writes nothing, and is counted."""
    site.apply(trial(3))
    store.writes.clear()
    with site.run([*trial(3)[:-1], observation(2, "8.1")]) as (apply, _):
        summary = Summary(apply.staging.counts())
        planner = Planner(apply.staging, apply.ledger, apply.terms)
        shown = list(preview(planner, apply.client, summary))
    (update,) = [p for p in shown if p.item.action is Action.UPDATE]
    (change,) = update.changes
    assert (change.path, str(change.before), str(change.after)) == (
        "valueQuantity.value",
        "7.4",
        "8.1",
    )
    assert store.writes == []
    assert (summary.balanced(), summary.statuses(dry=True)) == (True, set())


def test_the_ledger_names_nobody(store: FhirStore, site: Site) -> None:
    """Neither subject, patient, identifier nor value is in any file of the ledger."""
    site.crosswalk = {"CANARY": ((MRN, "CANARY-mrn"),)}
    identifier = {"system": MRN, "value": "CANARY-mrn"}
    store.put({"resourceType": "Patient", "id": "CANARY-pat", "identifier": [identifier]})
    row = staged(
        "Observation", "t|CANARY|v1", "CANARY", subject=patient("CANARY"), valueString="CANARY"
    )
    result = site.apply([Staged(row.resource_type, row.id, row.subject, "f.csv:1", row.body)])
    assert _outcomes(result) == {"acknowledged": 1}
    files = [path for path in site.state.rglob("ledger.sqlite*") if path.is_file()]
    assert files
    assert not [path for path in files if b"CANARY" in path.read_bytes()]


def test_two_runs_at_once_are_one(site: Site) -> None:
    """The second is turned away while the first holds the state: 75."""
    with site.run(trial(1)), pytest.raises(OverlapError) as caught:
        site.apply(trial(1))
    assert caught.value.exit_status == 75


def test_settled_rows_are_told(site: Site) -> None:
    """A progress bar gets every row that was sent, once."""
    told: list[int] = []
    with site.run(trial(25)) as (apply, _):
        apply.on_settled = told.append
        apply.run()
    assert sum(told) == 29


def test_a_row_in_flight_is_acknowledged_without_a_write(store: FhirStore, site: Site) -> None:
    """Stored, the reply lost: read back, equal by value though 7.40 came back as 7.4."""
    site.apply(trial(0))
    with site.run(trial(3)) as (apply, _):
        apply.client = cast("Writes", _LosesReplies(apply.client))
        apply.pace = Pace(bundle_entries=10, patience=ONCE)
        assert apply.run().exit_status == 75
    store.writes.clear()
    result = site.apply(trial(3))
    assert (result.resumed, _outcomes(result)) == (3, {"unchanged": 7})
    assert store.writes == []


def test_a_row_in_flight_with_another_source_is_recognised(store: FhirStore, site: Site) -> None:
    """Stored, the reply lost, the source changed since: acknowledged as sent, then updated."""
    site.apply(trial(0))
    with site.run([*trial(0), _text("before")]) as (apply, _):
        apply.client = cast("Writes", _LosesReplies(apply.client))
        apply.pace = Pace(bundle_entries=10, patience=ONCE)
        assert apply.run().exit_status == 75
    result = site.apply([*trial(0), _text("after")])
    assert _outcomes(result) == {"unchanged": 4, "acknowledged": 1}
    body = store.held[f"Observation/{rid('t|text')}"]
    assert (body["valueString"], body["meta"]["versionId"]) == ("after", "2")


def _text(value: str) -> Staged:
    return staged("Observation", "t|text", status="final", valueString=value)


class _LosesReplies:
    """A client whose bundles arrive and whose replies do not."""

    def __init__(self, client: Writes) -> None:
        self._client = client

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def post_bundle(self, bundle: bytes) -> Json:
        self._client.post_bundle(bundle)
        raise TemporaryError("no-answer", where="s")
