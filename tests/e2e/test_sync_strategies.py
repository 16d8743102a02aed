"""Each strategy against a store that offers no better one: once, unchanged, changed, in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from pytest_httpserver import HTTPServer

from fhir_store import FhirStore, answers, drops_after, reshaped
from netfhir.errors import TemporaryError
from netfhir.hospital.choosing import TypeRule
from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Outcome
from small_trial import BASE, QUICK, Site, observation, patients, staged, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fhir_store import Json
    from netfhir.sync.apply import Result
    from netfhir.sync.sending import Writes

#: What a store offers, so that the strategy is the best one left.
OFFERS: dict[str, dict[str, Any]] = {
    "put-id": {},
    "conditional-put": {"update_create": False},
    "conditional-post": {
        "update_create": False,
        "conditional_create": True,
        "can": ("read", "create", "update"),
    },
    "search-post": {
        "update_create": False,
        "conditional_update": False,
        "can": ("read", "create", "update"),
    },
    "search-post by patient": {
        "update_create": False,
        "conditional_update": False,
        "can": ("read", "create", "update"),
        "recorded": {
            "Observation": {"searchParam": [{"name": "patient"}]},
            "ResearchSubject": {"searchParam": [{"name": "patient"}]},
        },
        "page": 1,
    },
}
POSTING = ("conditional-post", "search-post")


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
    """Return a state folder and the store."""
    return Site(tmp_path, store.base_url)


def _offer(store: FhirStore, name: str) -> None:
    for field, value in OFFERS[name].items():
        setattr(store, field, value)


def _outcomes(result: Result) -> dict[str, int]:
    assert result.summary.balanced()
    return {o.value: n for o in Outcome if (n := result.summary.count(o))}


def _requests(store: FhirStore) -> list[Json]:
    return [entry["request"] for bundle in store.writes for entry in bundle.get("entry", [])]


@pytest.mark.parametrize("bundles", [("transaction", "batch"), ("batch",), ()])
@pytest.mark.parametrize("offer", ["put-id", "conditional-post", "search-post"])
def test_everything_lands_once(
    store: FhirStore, site: Site, offer: str, bundles: tuple[str, ...]
) -> None:
    """Sent, held once and verified; then nothing; then one change, over the version we know."""
    _offer(store, offer)
    store.interactions = bundles
    assert _outcomes(site.apply(trial(12))) == {"acknowledged": 16}
    assert store.count("Observation") == 12
    assert site.verify(trial(12)).exit_status == 0
    store.writes.clear()
    assert _outcomes(site.apply(trial(12))) == {"unchanged": 16}
    assert store.writes == []
    changed = [*trial(12)[:-1], observation(11, "8.1")]
    assert _outcomes(site.apply(changed)) == {"acknowledged": 1, "unchanged": 15}
    assert len(store.writes) == 1
    assert site.verify(changed).exit_status == 0
    assert sum(body["meta"]["versionId"] == "2" for body in store.held.values()) == 1


@pytest.mark.parametrize("offer", POSTING)
def test_references_follow_the_servers_ids(store: FhirStore, site: Site, offer: str) -> None:
    """A child refers to the id that the server gave its parent."""
    _offer(store, offer)
    site.apply(trial(6))
    assert not [path for path in store.held if path.split("/")[1].startswith("n")]
    for body in store.held.values():
        for focus in body.get("focus", []):
            assert focus["reference"] in store.held


@pytest.mark.parametrize("offer", POSTING)
def test_no_identifier_stands_in_a_url(store: FhirStore, site: Site, offer: str) -> None:
    """Conditions and searches travel in bodies."""
    _offer(store, offer)
    site.apply(trial(3))
    site.apply(trial(3, "8.1"))
    assert not [url for _, url in store.seen if "identifier" in url or "mrn" in url]


def test_conditional_post_makes_and_then_puts(store: FhirStore, site: Site) -> None:
    """The condition is one parameter of one token; a change goes by id, with If-Match."""
    _offer(store, "conditional-post")
    site.apply(trial(1))
    assert {r["method"] for r in _requests(store)} == {"POST"}
    for request, entry in zip(_requests(store), store.writes, strict=False):
        assert request["ifNoneExist"].startswith("identifier=https%3A%2F%2Ftrial.example")
        assert "id" not in entry["entry"][0]["resource"]
    store.writes.clear()
    site.apply(trial(1, "8.1"))
    (request,) = _requests(store)
    assert (request["method"], request["ifMatch"]) == ("PUT", 'W/"1"')
    assert request["url"] in store.held


@pytest.mark.parametrize("bundles", [("batch",), ()])
@pytest.mark.parametrize("offer", [name for name in OFFERS if name != "conditional-put"])
def test_a_lost_reply_makes_nothing_twice(
    store: FhirStore, site: Site, offer: str, bundles: tuple[str, ...]
) -> None:
    """The server stored, the answer was lost: whatever the strategy, there is one of each."""
    _offer(store, offer)
    store.interactions = bundles
    site.apply(trial(0))
    store.faults.extend([drops_after, drops_after])
    assert _outcomes(site.apply(trial(6))) == {"acknowledged": 6, "unchanged": 4}
    assert store.count("Observation") == 6
    assert site.verify(trial(6)).exit_status == 0


@pytest.mark.parametrize("status", [429, 503])
def test_an_entry_that_asks_for_patience_is_made_once(
    store: FhirStore, site: Site, status: int
) -> None:
    """A batch stores an entry and says otherwise of it: looked for, not sent again."""

    def denied(reply: Json) -> Json:
        reply["entry"][0] = {"response": {"status": str(status)}}
        return reply

    _offer(store, "search-post")
    store.interactions = ("batch",)
    site.apply(trial(0))
    store.writes.clear()
    store.faults.append(reshaped(denied))
    assert _outcomes(site.apply(trial(6))) == {"acknowledged": 6, "unchanged": 4}
    assert len(store.writes) == 1
    assert store.count("Observation") == 6


def test_search_post_waits_before_it_sends_again(store: FhirStore, site: Site) -> None:
    """A search may be late: after a lost answer, absent counts only once it is so after a delay."""
    _offer(store, "search-post")
    store.interactions = ()
    site.apply(trial(0))
    site.rule = _rule(Strategy.SEARCH_POST, settle_s=0.7)
    hidden: list[Json] = []
    with site.run(trial(1)) as (apply, _):
        apply.client = cast("Writes", _SeesLate(apply.client, hidden, misses=2))
        store.faults.append(drops_after)
        assert _outcomes(apply.run()) == {"acknowledged": 1, "unchanged": 4}
    assert store.count("Observation") == 1


@pytest.mark.parametrize("offer", POSTING)
def test_a_run_that_ends_in_doubt_is_resumed_by_looking(
    store: FhirStore, site: Site, offer: str
) -> None:
    """Rows in doubt are found by identifier, nothing is posted again, and children follow."""
    _offer(store, offer)
    with site.run(trial(3)) as (apply, _):
        apply.client = cast("Writes", _LosesReplies(apply.client, after=1))
        assert apply.run().exit_status == 75
    assert store.count("ResearchSubject") == 3
    store.writes.clear()
    site.later()
    result = site.apply(trial(3))
    assert (result.resumed, _outcomes(result)) == (3, {"unchanged": 4, "acknowledged": 3})
    assert [entry["resource"]["resourceType"] for entry in store.writes[0]["entry"]] == [
        "Observation"
    ] * 3
    for body in store.held.values():
        for focus in body.get("focus", []):
            assert focus["reference"] in store.held


@pytest.mark.parametrize("offer", POSTING)
def test_what_was_never_stored_is_sent_by_the_next_run(
    store: FhirStore, site: Site, offer: str
) -> None:
    """In doubt and absent, also after the delay: sent."""
    _offer(store, offer)
    store.faults.extend([answers(503)] * QUICK.attempts)
    assert site.apply(trial(3)).exit_status == 75
    result = site.apply(trial(3))
    assert (result.resumed, _outcomes(result)) == (1, {"acknowledged": 7})


@pytest.mark.parametrize("offer", POSTING)
def test_what_was_made_in_between_is_compared(store: FhirStore, site: Site, offer: str) -> None:
    """Somebody's resource under our identifier, made after we looked: left, a conflict."""
    _offer(store, offer)
    site.apply(trial(0))
    row = observation(0)
    theirs: Json = {"resourceType": "Observation", "id": "theirs", "status": "amended"}
    theirs["identifier"] = [{"system": BASE, "value": "t|01|v1|lb|alt|0"}]

    def first(request: object, process: object) -> object:
        store.put(theirs)
        return (drops_after if offer == "search-post" else _handled)(request, process)  # type: ignore[arg-type]

    store.faults.append(first)  # type: ignore[arg-type]
    result = site.apply([*trial(0), row])
    assert _outcomes(result) == {"unchanged": 4, "conflict": 1}
    assert store.held["Observation/theirs"]["status"] == "amended"


def test_a_post_that_meets_a_conflict_is_not_sent_again(store: FhirStore, site: Site) -> None:
    """409 to a plain POST: left to the next run, which looks first; there is one in the end."""
    _offer(store, "search-post")
    store.interactions = ()
    site.apply(trial(0))
    store.writes.clear()
    store.faults.append(answers(409))
    assert _outcomes(site.apply(trial(1))) == {"unchanged": 4, "conflict": 1}
    assert len(store.writes) == 1
    assert _outcomes(site.apply(trial(1))) == {"unchanged": 4, "acknowledged": 1}
    assert store.count("Observation") == 1


def test_an_identifier_that_several_carry_is_left(store: FhirStore, site: Site) -> None:
    """Search-post finds two: neither is ours to choose."""
    _offer(store, "search-post")
    site.apply(trial(0))
    for name in ("one", "two"):
        body: Json = {"resourceType": "Observation", "id": name}
        store.put({**body, "identifier": [{"system": BASE, "value": "t|01|v1|lb|alt|0"}]})
    result = site.apply(trial(1))
    assert list(result.summary.reasons) == ["conflict: several-on-server"]
    assert store.count("Observation") == 2


def test_what_cannot_be_updated_is_said(store: FhirStore, site: Site) -> None:
    """Created, then changed, where the type has no update: unsupported, and theirs stays."""
    _offer(store, "search-post")
    store.recorded = {"Observation": {"interaction": [{"code": "create"}, {"code": "read"}]}}
    assert _outcomes(site.apply(trial(2))) == {"acknowledged": 6}
    store.writes.clear()
    result = site.apply(trial(2, "8.1"))
    assert _outcomes(result) == {"unchanged": 4, "unsupported": 2}
    (reason,) = result.summary.reasons
    assert "no update" in reason
    assert (store.writes, result.exit_status) == ([], 65)


def test_a_row_that_cannot_be_looked_for_is_not_sent(store: FhirStore, site: Site) -> None:
    """A search by patient alone, and a row without one: it could be made twice."""
    _offer(store, "search-post by patient")
    bare = staged("Observation", "t|bare", status="final", code={"text": "x"})
    result = site.apply([*trial(0), bare])
    assert _outcomes(result) == {"acknowledged": 4, "unsupported": 1}


def test_what_a_server_cannot_hold_is_named_by_identifier(store: FhirStore, site: Site) -> None:
    """References to a type that cannot be written stay true: by identifier, not by a dead link."""
    store.listed = ("Patient", "Observation")
    assert _outcomes(site.apply(trial(2))) == {"acknowledged": 2, "unsupported": 4}
    focus = next(body["focus"] for body in store.held.values() if "focus" in body)
    identifier = {"system": BASE, "value": "t|01"}
    assert focus == [{"identifier": identifier, "type": "ResearchSubject"}]
    assert site.verify(trial(2)).exit_status == 0


@pytest.mark.parametrize("bundles", [("transaction",), ()])
def test_a_first_write_may_ask_not_to_overwrite(
    store: FhirStore, site: Site, bundles: tuple[str, ...]
) -> None:
    """Where the server honours it, If-None-Match keeps what was put after we looked."""
    store.if_none_match = True
    store.interactions = bundles
    site.apply(trial(0))
    site.rule = _rule(Strategy.PUT_ID, create_only=True)
    row = observation(0)

    def first(request: object, process: object) -> object:
        store.put({"resourceType": "Observation", "id": row.id, "status": "amended"})
        return _handled(request, process)

    store.faults.append(first)  # type: ignore[arg-type]
    assert _outcomes(site.apply([*trial(0), row])) == {"unchanged": 4, "conflict": 1}
    assert store.held[f"Observation/{row.id}"]["status"] == "amended"


def test_warnings_are_kept_without_their_words(store: FhirStore, site: Site) -> None:
    """A warning beside a success: its code stands in the sums, its text nowhere."""

    def warned(reply: Json) -> Json:
        issue = {"severity": "warning", "code": "informational", "diagnostics": "CANARY 7.40"}
        outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
        reply["entry"][0]["response"]["outcome"] = outcome
        return reply

    store.faults.append(reshaped(warned))
    result = site.apply(trial(2))
    assert _outcomes(result) == {"acknowledged": 6}
    assert result.summary.remarks == {"warning informational": 1}
    assert "CANARY" not in str(result.summary.as_record())


def _rule(strategy: Strategy, **facts: Any) -> Any:
    return lambda name: replace(
        TypeRule(name, strategy, "forced", identifier_search=True, settle_s=0.01), **facts
    )


def _handled(_request: object, process: Any) -> Any:
    return process()


class _LosesReplies:
    """A client whose bundles arrive and whose replies, after the first few, do not."""

    def __init__(self, client: Writes, after: int) -> None:
        self._client = client
        self._left = after

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def post_bundle(self, bundle: bytes) -> Json:
        reply = self._client.post_bundle(bundle)
        if self._left:
            self._left -= 1
            return reply
        raise TemporaryError("no-answer", where="s", retry_after_s=1e6)


class _SeesLate:
    """A client whose searches find nothing the first few times."""

    def __init__(self, client: Writes, hidden: list[Json], misses: int) -> None:
        self._client = client
        self._hidden = hidden
        self._misses = misses

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def search_identifiers(self, *asked: Any) -> list[Json]:
        if self._misses:
            self._misses -= 1
            return []
        return self._client.search_identifiers(*asked)


@pytest.mark.parametrize("offer", [*OFFERS])
def test_no_bundle_refers_to_what_it_makes(store: FhirStore, site: Site, offer: str) -> None:
    """Servers link such references wrongly, or not at all: each refers to what is there already.

    Nor does one bundle hold two entries of one identifier, or a condition on a placeholder.
    """
    _offer(store, offer)
    site.apply(trial(6))
    for bundle in store.writes:
        entries = bundle.get("entry", [])
        text = str([entry.get("resource") for entry in entries])
        assert "urn:uuid" not in text
        names = [entry["resource"]["identifier"][0]["value"] for entry in entries]
        assert len(names) == len(set(names))
        made = {entry["request"]["url"] for entry in entries if entry["request"]["method"] == "PUT"}
        assert not [url for url in made if f"'{url}'" in text]
        conditions = [entry["request"].get("ifNoneExist", "") for entry in entries]
        assert not [one for one in conditions if "urn" in one]
