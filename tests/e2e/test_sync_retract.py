"""What the source has no more is taken back: by status or deletion, guarded, and undone alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import FhirStore, Json, answers, drops_after
from ledger_copies import lose, rebuilt
from netfhir.errors import FormatError, TemporaryError
from netfhir.sync.absence import Absence, absence
from netfhir.sync.policy import Policy, takings
from netfhir.sync.records import Outcome, State
from netfhir.sync.retract import Deletes, Retract
from netfhir.sync.threeway import Take
from small_trial import Site, observation, patients, rid, trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from netfhir.sync.apply import Apply, Result
    from netfhir.sync.ledger import Ledger
    from netfhir.sync.staging import Staged, Staging

GONE = ("Observation", observation(2).id)
PATH = "/".join(GONE)
LEFT = trial(3)[:-1]
"""The trial without its last observation."""


@pytest.fixture(scope="module")
def http() -> Iterator[HTTPServer]:
    """Return one HTTP server for the module."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def store(http: HTTPServer) -> FhirStore:
    """Return a store that holds the patients, and deletes."""
    http.clear()
    made = FhirStore(http, can=("read", "update", "delete"))
    for body in patients():
        made.put(body)
    return made


@pytest.fixture
def site(store: FhirStore, tmp_path: Path) -> Site:
    """Return a site that has sent its trial once."""
    made = Site(tmp_path, store.base_url)
    made.apply(trial(3))
    return made


@dataclass
class Wish:
    """How a retraction is asked for."""

    deletes: frozenset[str] = frozenset()
    allowed: bool = False
    takes: dict[tuple[str, str], Take] | None = None
    silent: frozenset[str] = frozenset()
    loses_replies: bool = False


def _retract(site: Site, rows: Sequence[Staged], wish: Wish | None = None) -> Result:
    wish = wish or Wish()
    with site.run(rows) as (apply, _):
        gone = absence(_staging(apply), _ledger(apply), wish.silent)
        gone.guard(allowed=wish.allowed)
        client = cast("Deletes", apply.client)
        client = cast("Deletes", _LosesReplies(client)) if wish.loses_replies else client
        terms = replace(apply.terms, takes=wish.takes or {})
        policy = Policy(takings(), wish.deletes)
        return Retract(apply.staging, _ledger(apply), client, terms, apply.pace, policy).run(gone)


def _staging(apply: Apply) -> Staging:
    return cast("Staging", apply.staging)


def _ledger(apply: Apply) -> Ledger:
    return cast("Ledger", apply.ledger)


def _gone(site: Site, rows: Sequence[Staged], silent: frozenset[str] = frozenset()) -> Absence:
    with site.run(rows) as (apply, _):
        return absence(_staging(apply), _ledger(apply), silent)


def _states(site: Site) -> dict[str, int]:
    with site.run([]) as (apply, _):
        return apply.ledger.counts()


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


class _LosesReplies:
    """A client whose bundles and deletions arrive and whose replies do not."""

    def __init__(self, client: Deletes) -> None:
        self._client = client

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def post_bundle(self, bundle: bytes) -> Json:
        self._client.post_bundle(bundle)
        raise TemporaryError("no-answer", where="s", retry_after_s=1e6)

    def delete(self, path: str, if_match: str = "") -> None:
        self._client.delete(path, if_match)
        raise TemporaryError("no-answer", where="s", retry_after_s=1e6)


def test_a_row_that_is_gone_is_marked(store: FhirStore, site: Site) -> None:
    """Entered in error, over the version we know, all else and the identifier as they were."""
    before = store.held[PATH]
    store.writes.clear()
    result = _retract(site, LEFT)
    assert (_outcomes(result), result.exit_status) == ({"acknowledged": 1}, 0)
    now = store.held[PATH]
    assert now["status"] == "entered-in-error"
    same = {n: v for n, v in before.items() if n not in {"status", "meta"}}
    assert {n: v for n, v in now.items() if n not in {"status", "meta"}} == same
    assert store.writes[0]["entry"][0]["request"]["ifMatch"] == 'W/"1"'
    assert _states(site) == {"acked": 6, "retracted": 1}


def test_it_is_taken_back_once(store: FhirStore, site: Site) -> None:
    """A second retraction finds nothing; an apply of what is left writes nothing."""
    _retract(site, LEFT)
    store.writes.clear()
    assert _outcomes(_retract(site, LEFT)) == {}
    assert _outcomes(site.apply(LEFT)) == {"unchanged": 6}
    assert store.writes == []


def test_apply_takes_nothing_back(store: FhirStore, site: Site) -> None:
    """A row that is gone is not the business of an apply."""
    store.writes.clear()
    assert _outcomes(site.apply(LEFT)) == {"unchanged": 6}
    assert (store.writes, store.held[PATH]["status"]) == ([], "final")


def test_a_row_that_comes_back_is_an_update(store: FhirStore, site: Site) -> None:
    """The source has it again: the ordinary update un-does the retraction, the note stays."""
    _retract(site, LEFT)
    store.put({**store.held[PATH], "note": [{"text": "seen"}]})
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 6, "acknowledged": 1}
    now = store.held[PATH]
    assert (now["status"], now["note"]) == ("final", [{"text": "seen"}])
    assert site.verify(trial(3)).exit_status == 0


def test_a_row_that_comes_back_beside_a_decision_waits(store: FhirStore, site: Site) -> None:
    """A person set another status meanwhile: not overwritten."""
    _retract(site, LEFT)
    store.put({**store.held[PATH], "status": "cancelled"})
    result = site.apply(trial(3))
    assert result.summary.reasons == {"conflict: changed-on-server (status)": 1}
    assert store.held[PATH]["status"] == "cancelled"


def test_dependants_go_first(store: FhirStore, site: Site) -> None:
    """A study with all that refers to it: the server refuses every other order with 409."""
    kinds = frozenset({"Observation", "ResearchSubject", "ResearchStudy"})
    assert _outcomes(_retract(site, [], Wish(kinds))) == {"acknowledged": 7}
    assert {path.partition("/")[0] for path in store.held} == {"Patient"}
    assert _states(site) == {"deleted": 7}
    assert _outcomes(site.apply(trial(3))) == {"acknowledged": 7}
    assert store.held[PATH]["status"] == "final"


def test_a_parent_that_is_still_needed_stays(store: FhirStore, site: Site) -> None:
    """The server refuses to delete what others refer to: a conflict, nothing lost; 65."""
    rows = [row for row in trial(3) if row.id != rid("t|03")]
    result = _retract(site, rows, Wish(deletes=frozenset({"ResearchSubject"})))
    assert (_outcomes(result), result.exit_status) == ({"conflict": 1}, 65)
    assert f"ResearchSubject/{rid('t|03')}" in store.held
    assert len(_gone(site, rows).rows) == 1


def test_a_type_without_a_status_needs_a_word(store: FhirStore, site: Site) -> None:
    """R4 has none for a ResearchSubject: unsupported, with what can be done; 65."""
    rows = [row for row in trial(3) if row.subject != "03"]
    result = _retract(site, rows)
    assert _outcomes(result) == {"acknowledged": 1, "unsupported": 1}
    assert result.exit_status == 65
    assert store.held[f"ResearchSubject/{rid('t|03')}"]["status"] == "on-study"


@pytest.mark.parametrize("deletes", [frozenset(), frozenset({"Observation"})])
def test_a_persons_hand_is_seen(store: FhirStore, site: Site, deletes: frozenset[str]) -> None:
    """A status that somebody changed is a conflict until --overwrite; its name is told."""
    store.put({**store.held[PATH], "status": "amended"})
    result = _retract(site, LEFT, Wish(deletes))
    assert result.summary.reasons == {"conflict: changed-on-server (status)": 1}
    assert store.held[PATH]["status"] == "amended"
    assert _outcomes(_retract(site, LEFT, Wish(deletes, takes={GONE: Take.OURS}))) == {
        "acknowledged": 1
    }
    assert (PATH in store.deleted) is bool(deletes)


def test_what_else_a_person_added_stays(store: FhirStore, site: Site) -> None:
    """A note is no obstacle to the mark, and outlives it."""
    store.put({**store.held[PATH], "note": [{"text": "seen"}]})
    assert _outcomes(_retract(site, LEFT)) == {"acknowledged": 1}
    now = store.held[PATH]
    assert (now["status"], now["note"]) == ("entered-in-error", [{"text": "seen"}])


def test_what_says_so_already_is_not_written(store: FhirStore, site: Site) -> None:
    """Marked by a person, or deleted: taken back without a write."""
    store.put({**store.held[PATH], "status": "entered-in-error"})
    other = f"Observation/{observation(1).id}"
    del store.held[other]
    store.writes.clear()
    assert _outcomes(_retract(site, trial(3)[:-2])) == {"unchanged": 2}
    assert store.writes == []
    assert _states(site) == {"acked": 5, "deleted": 1, "retracted": 1}


def test_a_stranger_under_our_id_stays(store: FhirStore, site: Site) -> None:
    """Without our identifier it is not ours to take back."""
    store.held[PATH] = {**store.held[PATH], "identifier": [{"system": "x", "value": "y"}]}
    result = _retract(site, LEFT)
    assert result.summary.reasons == {"conflict: foreign-on-server": 1}
    assert store.held[PATH]["status"] == "final"


@pytest.mark.parametrize("deletes", [frozenset(), frozenset({"Observation"})])
def test_a_lost_reply_is_found_out(store: FhirStore, site: Site, deletes: frozenset[str]) -> None:
    """Done, the reply lost, 75; the same command once more settles it without a write."""
    assert _retract(site, LEFT, Wish(deletes, loses_replies=True)).exit_status == 75
    store.writes.clear()
    site.later()
    result = _retract(site, LEFT, Wish(deletes))
    assert result.resumed == 1
    result = _retract(site, LEFT, Wish(deletes))
    assert (store.writes, result.exit_status) == ([], 0)
    assert _states(site)["deleted" if deletes else "retracted"] == 1


def test_a_request_that_was_lost_is_sent_again(store: FhirStore, site: Site) -> None:
    """In flight, and nothing arrived: as if it had not been sent, and then sent."""
    store.faults.extend([answers(503)] * 4)
    assert _retract(site, LEFT).exit_status == 75
    store.faults.clear()
    site.apply(LEFT)
    assert _outcomes(_retract(site, LEFT)) == {"acknowledged": 1}
    assert store.held[PATH]["status"] == "entered-in-error"


def test_the_servers_own_ids_are_taken_back_alike(store: FhirStore, tmp_path: Path) -> None:
    """A resource under the id that the server gave is found, marked, and un-marked."""
    store.update_create = False
    site = Site(tmp_path / "conditional", store.base_url)
    site.apply(trial(3))
    assert _outcomes(_retract(site, LEFT)) == {"acknowledged": 1}
    marked = [b for b in store.held.values() if b.get("status") == "entered-in-error"]
    assert len(marked) == 1
    assert _outcomes(site.apply(trial(3))) == {"unchanged": 6, "acknowledged": 1}


def test_a_rejected_fact_is_no_removal(site: Site) -> None:
    """Of a type whose facts were rejected nothing is gone; that is counted."""
    found = _gone(site, LEFT, frozenset({"Observation"}))
    assert (found.rows, found.withheld, found.held) == ([], {"Observation": 1}, 7)


@pytest.mark.parametrize(
    ("held", "gone", "passes"),
    [(100, 10, True), (100, 11, False), (1000, 20, True), (1000, 21, False), (1049, 20, True)],
)
def test_the_guard(held: int, gone: int, passes: bool) -> None:  # noqa: FBT001 - a case
    """10 rows, or 2 % of all if that is more; beyond it only with the flag; 65."""
    found = Absence(rows=[cast("Any", None)] * gone, held=held)
    found.guard(allowed=True)
    if passes:
        found.guard(allowed=False)
        return
    with pytest.raises(FormatError) as caught:
        found.guard(allowed=False)
    assert caught.value.exit_status == 65


def test_the_guard_stops_before_any_write(store: FhirStore, site: Site) -> None:
    """An empty export takes nothing back."""
    site.apply(trial(12))
    store.writes.clear()
    with pytest.raises(FormatError, match="16 of 16 rows gone"):
        _retract(site, [])
    assert store.writes == []
    assert State.RETRACTED not in _states(site)
    wish = Wish(allowed=True)
    assert _outcomes(_retract(site, [], wish)) == {"acknowledged": 13, "unsupported": 3}


def test_a_study_is_withdrawn_with_its_label(store: FhirStore, site: Site) -> None:
    """R4 has no error status for it: withdrawn, and nullified as a tag."""
    _retract(site, [], Wish(allowed=True))
    study = store.held[f"ResearchStudy/{rid('t|study')}"]
    assert (study["status"], study["meta"]["tag"][0]["code"]) == ("withdrawn", "nullified")


def test_a_lost_reply_of_an_update_of_a_gone_row(store: FhirStore, site: Site) -> None:
    """An update in flight whose row is gone now is settled as sent, and can be taken back."""
    rows = [*LEFT, observation(2, "9.9")]
    store.faults.extend([drops_after] * 4)
    assert site.apply(rows).exit_status == 75
    store.faults.clear()
    assert site.apply(LEFT).exit_status == 0
    assert _outcomes(_retract(site, LEFT)) == {"acknowledged": 1}
    assert store.held[PATH]["valueQuantity"]["value"] == 9.9


def test_what_a_rebuilt_ledger_knows_is_not_taken_back_twice(store: FhirStore, site: Site) -> None:
    """The server holds it as taken back already: nothing is written."""
    _retract(site, LEFT)
    lose(site)
    assert rebuilt(site, LEFT).not_in_export == 1
    store.writes.clear()
    result = _retract(site, LEFT)
    assert (store.writes, result.exit_status) == ([], 0)
    assert _outcomes(result) == {"acknowledged": 1}
