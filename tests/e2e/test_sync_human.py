"""What a person changed in the hospital survives our updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import FhirStore, Json, drops_after
from netfhir.fhir.canonical import resource
from netfhir.sync.plan import Planner
from netfhir.sync.preview import Preview, preview
from netfhir.sync.records import Action, Outcome, Summary
from netfhir.sync.threeway import Take
from small_trial import Site, observation, patients, rid, staged, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netfhir.sync.apply import Result
    from netfhir.sync.sending import Writes
    from netfhir.sync.staging import Staged

KEY = ("Observation", observation(1).id)
PATH = "/".join(KEY)
THEIRS = {"value": 8, "unit": "U/L"}


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
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
    """Return a site that has sent its trial once."""
    made = Site(tmp_path, store.base_url)
    made.apply(trial(3))
    return made


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


def _rows(value: str = "9.9") -> list[Staged]:
    """Return the trial with another value of one observation."""
    return [*trial(3)[:-2], observation(1, value), observation(2)]


def _preview(site: Site, rows: list[Staged]) -> tuple[list[Preview], Summary]:
    with site.run(rows) as (apply, _):
        summary = Summary(apply.staging.counts())
        planner = Planner(apply.staging, apply.ledger, apply.terms)
        shown = preview(planner, apply.client, summary)
        return [row for row in shown if row.item.action is not Action.UNCHANGED], summary


def test_a_change_that_we_do_not_touch_survives(store: FhirStore, site: Site) -> None:
    """A status that a person set, a note, a tag and an identifier outlive a new value of ours."""
    held = store.held[PATH]
    extra = {"system": "https://hospital.example/lab", "value": "1"}
    added: dict[str, Any] = {"note": [{"text": "seen"}], "status": "amended"}
    added["identifier"] = [*held["identifier"], extra]
    store.put({**held, **added, "meta": {"tag": [{"code": "reviewed"}]}})
    result = site.apply(_rows())
    assert _outcomes(result) == {"unchanged": 6, "acknowledged": 1}
    assert result.summary.kept == {"Observation.status": 1}
    now = store.held[PATH]
    assert {name: now[name] for name in added} == added
    assert now["meta"]["tag"] == [{"code": "reviewed"}]
    assert now["valueQuantity"]["value"] == 9.9


def test_it_survives_the_next_update_too(store: FhirStore, site: Site) -> None:
    """Our own version after a merge is no licence to send the whole of ours over it."""
    store.put({**store.held[PATH], "status": "amended", "note": [{"text": "seen"}]})
    site.apply(_rows("9.9"))
    assert _outcomes(site.apply(_rows("9.8"))) == {"unchanged": 6, "acknowledged": 1}
    now = store.held[PATH]
    assert (now["status"], now["note"]) == ("amended", [{"text": "seen"}])
    assert now["valueQuantity"]["value"] == 9.8


def test_the_merged_write_names_the_version_it_read(store: FhirStore, site: Site) -> None:
    """If-Match carries the version that was merged with."""
    store.put({**store.held[PATH], "status": "amended"})
    store.writes.clear()
    site.apply(_rows())
    entry = store.writes[-1]["entry"][0]
    assert entry["request"]["ifMatch"] == 'W/"2"'


def test_a_third_write_in_between_is_merged_again(store: FhirStore, site: Site) -> None:
    """The hospital writes between our reading and our sending: compared again, nothing lost."""
    store.put({**store.held[PATH], "status": "amended"})

    class Racing:
        """A client during whose second bundle somebody adds a note."""

        def __init__(self, client: Writes) -> None:
            self.client, self.bundles = client, 0

        def __getattr__(self, name: str) -> object:
            return getattr(self.client, name)

        def post_bundle(self, bundle: bytes) -> Json:
            self.bundles += 1
            if self.bundles == 2:
                store.put({**store.held[PATH], "note": [{"text": "late"}]})
            return self.client.post_bundle(bundle)

    with site.run(_rows()) as (apply, _):
        apply.client = cast("Writes", Racing(apply.client))
        assert _outcomes(apply.run()) == {"unchanged": 6, "acknowledged": 1}
    now = store.held[PATH]
    assert (now["status"], now["note"]) == ("amended", [{"text": "late"}])
    assert now["valueQuantity"]["value"] == 9.9


def test_nothing_of_a_conflict_is_sent(store: FhirStore, site: Site) -> None:
    """Both changed the value: the row waits whole, its other change, too; it is named; 65."""
    store.put({**store.held[PATH], "valueQuantity": THEIRS})
    row = staged("Observation", "t|02|v1|lb|alt|1", "02", **_elements(status="corrected"))
    result = site.apply([*trial(3)[:-2], row, observation(2)])
    assert _outcomes(result) == {"unchanged": 6, "conflict": 1}
    assert result.summary.reasons == {"conflict: changed-on-server (valueQuantity)": 1}
    now = store.held[PATH]
    assert (now["status"], now["valueQuantity"]) == ("final", THEIRS)
    assert result.exit_status == 65


def _elements(**changes: Any) -> dict[str, Any]:
    body = {**resource(observation(1, "9.9").body), **changes}
    return {n: v for n, v in body.items() if n not in {"resourceType", "id", "identifier"}}


def test_a_conflict_ends_when_the_source_moves_back(store: FhirStore, site: Site) -> None:
    """Once the source says what it said, only the hospital changed it: theirs is kept."""
    store.put({**store.held[PATH], "valueQuantity": THEIRS})
    site.apply(_rows())
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 7}
    assert store.held[PATH]["valueQuantity"] == THEIRS


def test_overwrite_takes_ours(store: FhirStore, site: Site) -> None:
    """A person decided for the source: our value is written, the hospital's note stays."""
    store.put({**store.held[PATH], "valueQuantity": THEIRS, "note": [{"text": "seen"}]})
    site.apply(_rows())
    site.takes = {KEY: Take.OURS}
    assert _outcomes(site.apply(_rows())) == {"unchanged": 6, "acknowledged": 1}
    now = store.held[PATH]
    assert (now["valueQuantity"]["value"], now["note"]) == (9.9, [{"text": "seen"}])
    site.takes = {}
    store.writes.clear()
    assert _outcomes(site.apply(_rows())) == {"unchanged": 7}
    assert store.writes == []


def test_keep_takes_theirs(store: FhirStore, site: Site) -> None:
    """A person decided for the hospital: nothing is written, now and in the next run."""
    store.put({**store.held[PATH], "valueQuantity": THEIRS})
    site.apply(_rows())
    site.takes = {KEY: Take.THEIRS}
    assert _outcomes(site.apply(_rows())) == {"unchanged": 7}
    site.takes = {}
    store.writes.clear()
    assert _outcomes(site.apply(_rows())) == {"unchanged": 7}
    assert (store.writes, store.held[PATH]["valueQuantity"]) == ([], THEIRS)
    assert _outcomes(site.apply(_rows("10"))) == {"unchanged": 6, "conflict": 1}


def test_overwrite_brings_back_what_was_kept(store: FhirStore, site: Site) -> None:
    """A decision can be taken of a row that the source did not change, too."""
    store.put({**store.held[PATH], "status": "amended"})
    site.takes = {KEY: Take.OURS}
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 6, "acknowledged": 1}
    assert store.held[PATH]["status"] == "final"


def test_an_unchanged_source_asks_and_writes_nothing(store: FhirStore, site: Site) -> None:
    """What the hospital changes meanwhile is no work of ours: no resource is read or written."""
    store.put({**store.held[PATH], "status": "amended"})
    store.writes.clear()
    store.seen.clear()
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 7}
    assert store.writes == []
    assert all(url.endswith(("/metadata", "/_search")) for _, url in store.seen)


def test_verify_tells_a_persons_change_from_a_fault(store: FhirStore, site: Site) -> None:
    """A change under a later version is the hospital's; under the one we wrote, a fault."""
    store.put({**store.held[PATH], "status": "amended", "note": [{"text": "seen"}]})
    findings = site.verify(trial(3))
    (changed,) = findings.changed
    assert (changed.path, changed.elements) == (PATH, ("status",))
    assert (findings.different, findings.exit_status) == ([], 0)
    store.held[PATH]["meta"]["versionId"] = "1"
    findings = site.verify(trial(3))
    assert [found.elements for found in findings.different] == [("status",)]
    assert (findings.changed, findings.exit_status) == ([], 65)


def test_verify_knows_what_was_kept(store: FhirStore, site: Site) -> None:
    """After a merge the version is ours, and the kept element is the hospital's still."""
    store.put({**store.held[PATH], "status": "amended"})
    site.apply(_rows())
    findings = site.verify(_rows())
    assert [found.elements for found in findings.changed] == [("status",)]
    assert findings.exit_status == 0


def test_the_plan_names_ours_kept_and_conflicts(store: FhirStore, site: Site) -> None:
    """Each update says which elements change, stay theirs, or wait for a person."""
    store.put({**store.held[PATH], "status": "amended"})
    (row,), summary = _preview(site, _rows())
    assert [change.path for change in row.changes] == ["valueQuantity.value"]
    assert (row.kept, row.conflict) == (("status",), "")
    assert (summary.statuses(dry=True), summary.kept) == (set(), {"Observation.status": 1})
    store.put({**store.held[PATH], "valueQuantity": THEIRS})
    (row,), summary = _preview(site, _rows())
    assert (row.changes, row.conflict) == ((), "changed-on-server (valueQuantity)")
    assert (summary.balanced(), summary.statuses(dry=True)) == (True, {65})


def test_a_stranger_under_our_id_is_never_overwritten(store: FhirStore, site: Site) -> None:
    """Deleted and made anew by somebody without our identifier: a conflict, at every update."""
    strange = {"resourceType": "Observation", "id": KEY[1], "status": "final"}
    del store.held[PATH]
    store.put(strange)
    store.put(strange)
    for _ in range(2):
        result = site.apply(_rows())
        assert result.summary.reasons == {"conflict: foreign-on-server": 1}
    site.takes = {KEY: Take.OURS}
    assert site.apply(_rows()).summary.reasons == {"conflict: foreign-on-server": 1}
    assert "valueQuantity" not in store.held[PATH]


def test_a_removal_is_a_decision(store: FhirStore, site: Site) -> None:
    """What somebody deleted is not made anew by an update, unless a person says so."""
    del store.held[PATH]
    result = site.apply(_rows())
    assert result.summary.reasons == {"conflict: absent": 1}
    assert PATH not in store.held
    site.takes = {KEY: Take.OURS}
    assert _outcomes(site.apply(_rows())) == {"unchanged": 6, "acknowledged": 1}
    assert store.held[PATH]["valueQuantity"]["value"] == 9.9


def test_a_lost_reply_of_a_merge_is_found_out(store: FhirStore, site: Site) -> None:
    """The merge arrived, its reply did not, the source moved on: no conflict of our own making."""
    store.put({**store.held[PATH], "status": "amended"})
    site.apply(_rows("9.9"))
    store.faults.extend([drops_after] * 4)
    assert site.apply(_rows("9.8")).exit_status == 75
    store.faults.clear()
    assert _outcomes(site.apply(_rows("9.7"))) == {"unchanged": 6, "acknowledged": 1}
    now = store.held[PATH]
    assert (now["status"], now["valueQuantity"]["value"]) == ("amended", 9.7)


def test_a_lost_ledger_adopts_beside_a_note(store: FhirStore, site: Site, tmp_path: Path) -> None:
    """All that is ours is there as we would write it: known again, and the note survives."""
    store.put({**store.held[PATH], "note": [{"text": "seen"}]})
    lost = Site(tmp_path / "lost", site.base_url)
    assert _outcomes(lost.apply(trial(3))) == {"unchanged": 7}
    assert _outcomes(lost.apply(_rows())) == {"unchanged": 6, "acknowledged": 1}
    assert store.held[PATH]["note"] == [{"text": "seen"}]


def test_the_servers_own_ids_merge_alike(store: FhirStore, tmp_path: Path) -> None:
    """A conditional put, too, keeps what the hospital changed, under the server's id."""
    store.update_create = False
    site = Site(tmp_path / "conditional", store.base_url)
    site.apply(trial(3))
    (path,) = [p for p, body in store.held.items() if _is_of(body, "t|02|v1|lb|alt|1")]
    store.put({**store.held[path], "status": "amended"})
    assert _outcomes(site.apply(_rows())) == {"unchanged": 6, "acknowledged": 1}
    now = store.held[path]
    assert (now["status"], now["valueQuantity"]["value"]) == ("amended", 9.9)
    assert store.count("Observation") == 3


def _is_of(body: Json, value: str) -> bool:
    return any(i["value"] == value for i in body.get("identifier", []))


def test_a_missing_parent_blocks(store: FhirStore, site: Site) -> None:
    """Refused for a parent that is not there: blocked, sent again by the next run; not dead."""
    row = staged("Observation", "t|new", "", status="final", code={"text": "x"})
    store.refuses = lambda body: 409 if body["id"] == rid("t|new") else 0
    store.says = "Referential integrity violated. CANARY"
    result = site.apply([*trial(3), row])
    assert _outcomes(result) == {"unchanged": 7, "blocked": 1}
    assert not [reason for reason in result.summary.reasons if "CANARY" in reason]
    store.refuses = lambda _: 0
    assert _outcomes(site.apply([*trial(3), row])) == {"unchanged": 7, "acknowledged": 1}


def test_a_merged_patient_is_an_update(store: FhirStore, site: Site) -> None:
    """Resources of the old record are updated to refer to the one in its place; once."""
    link = [{"other": {"reference": "Patient/survivor"}, "type": "replaced-by"}]
    store.put({**store.held["Patient/pat-02"], "active": False, "link": link})
    store.put({"resourceType": "Patient", "id": "survivor"})
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 5, "acknowledged": 2}
    assert store.held[PATH]["subject"] == {"reference": "Patient/survivor"}
    store.writes.clear()
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 7}
    assert store.writes == []
