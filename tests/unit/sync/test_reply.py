"""Each entry of a reply is judged by its own words; what cannot be told is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Action, Planned
from netfhir.sync.reply import RECREATED, Verdict, check, check_entry


def _item(name: str = "n1", server_id: str | None = None) -> Planned:
    there = name if server_id is None else server_id
    return Planned(Action.CREATE, Strategy.PUT_ID, "Observation", name, "f:1", server_id=there)


def _entry(**response: Any) -> dict[str, Any]:
    return {"response": response}


def _reply(*entries: Any, kind: str = "transaction-response") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


STORED = _entry(status="201 Created", location="Observation/n1/_history/1", etag='W/"1"')


def test_a_stored_row_is_acknowledged() -> None:
    """With the id and version that the server names."""
    judged = check_entry(STORED, _item())
    assert (judged.verdict, judged.server_id, judged.version_id) == (Verdict.ACKED, "n1", "1")


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"resourceType": "OperationOutcome"},
        _reply(STORED, kind="batch-response"),
        _reply(),
        _reply(STORED, STORED),
        {"resourceType": "Bundle", "type": "transaction-response"},
        _reply("text"),
        _reply({"response": None}),
    ],
)
def test_a_reply_of_another_shape_tells_nothing(reply: dict[str, Any]) -> None:
    """Type, kind or number of entries: every row is unknown."""
    (judged,) = check(reply, [_item()], "transaction")
    assert judged.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("200 OK", Verdict.MET),
        ("201 Created", Verdict.ACKED),
        ("204 No Content", Verdict.UNKNOWN),
        ("301", Verdict.UNKNOWN),
        ("400 Bad Request", Verdict.DEAD),
        ("404", Verdict.DEAD),
        ("422", Verdict.DEAD),
        ("401", Verdict.DENIED),
        ("403", Verdict.DENIED),
        ("409 Conflict", Verdict.CONFLICT),
        ("412", Verdict.CONFLICT),
        ("408", Verdict.RETRY),
        ("429", Verdict.RETRY),
        ("503", Verdict.RETRY),
        ("Created", Verdict.UNKNOWN),
        ("", Verdict.UNKNOWN),
    ],
)
def test_a_status_is_a_verdict(status: str, verdict: Verdict) -> None:
    """By its number; without one it is no success."""
    entry = _entry(status=status, location="Observation/n1")
    assert check_entry(entry, _item()).verdict is verdict


@pytest.mark.parametrize("location", ["Observation/n2", "Group/n1"])
def test_a_location_must_be_ours(location: str) -> None:
    """Another id or type is not believed (HAPI took a mismatch)."""
    assert check_entry(_entry(status="200", location=location), _item()).verdict is Verdict.UNKNOWN


def test_a_returned_resource_stands_for_the_location() -> None:
    """Where only the body says which it is."""
    other = {**_entry(status="200"), "resource": {"resourceType": "Observation", "id": "n2"}}
    assert check_entry(other, _item()).verdict is Verdict.UNKNOWN


def test_a_row_without_an_id_needs_a_location() -> None:
    """The id that the server gave is to be looked at; without one nothing is known."""
    assert check_entry(_entry(status="201"), _item(server_id="")).verdict is Verdict.UNKNOWN
    judged = check_entry(_entry(status="201", location="Observation/s7"), _item(server_id=""))
    assert (judged.verdict, judged.server_id) == (Verdict.PLACED, "s7")


@pytest.mark.parametrize(("value", "verdict"), [("1", Verdict.ACKED), ("2", Verdict.PLACED)])
def test_a_returned_resource_shows_that_it_is_ours(value: str, verdict: Verdict) -> None:
    """A place is believed without a look where the reply holds the body with our identifier."""
    item = _item(server_id="")._replace(token=("urn:s", "1"))
    body: dict[str, Any] = {"resourceType": "Observation", "id": "s7"}
    body |= {"identifier": [{"system": "urn:s", "value": value}]}
    entry = {**_entry(status="201", location="Observation/s7"), "resource": body}
    assert check_entry(entry, item).verdict is verdict


def test_two_rows_are_not_one_resource() -> None:
    """A place that two entries name is believed of neither."""
    items = [_item("n1", server_id=""), _item("n2", server_id=""), _item("n3", server_id="")]
    places = ("s1", "s1", "s3")
    entries = [_entry(status="201", location=f"Observation/{place}") for place in places]
    judged = check(_reply(*entries), items, "transaction")
    assert [j.verdict for j in judged] == [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.PLACED]


def test_etag_and_location_name_one_version() -> None:
    """Where they differ, one of the two is another resource's: nothing is known."""
    entry = _entry(status="201", location="Observation/n1/_history/1", etag='W/"2"')
    judged = check_entry(entry, _item())
    assert (judged.verdict, judged.reason) == (Verdict.UNKNOWN, "reply-version")


@pytest.mark.parametrize("severity", ["error", "fatal"])
def test_an_error_within_a_success_is_a_failure(severity: str) -> None:
    """200 with an outcome that says otherwise."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": severity}]}
    assert check_entry(_entry(status="200", outcome=outcome), _item()).verdict is Verdict.DEAD
    as_resource = {**_entry(status="200"), "resource": outcome}
    assert check_entry(as_resource, _item()).verdict is Verdict.DEAD


def test_a_remark_within_a_success_is_none() -> None:
    """HAPI says "successful" in an outcome of severity information."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}
    assert check_entry(_entry(status="201", outcome=outcome), _item()).verdict is Verdict.ACKED


def test_a_first_write_that_made_nothing_stays_open() -> None:
    """An unreadable place of a first write is unknown, not dead: it is looked for."""
    judged = check_entry(_entry(status="201", location="nowhere"), _item(server_id=""))
    assert (judged.verdict, judged.reason) == (Verdict.UNKNOWN, "reply-location")


def test_nothing_made_where_something_should_be_is_compared() -> None:
    """200 for a first write: somebody's is there, and is not ours before it is read."""
    entry = _entry(status="200", location="Observation/s7/_history/3")
    judged = check_entry(entry, _item(server_id=""))
    assert (judged.verdict, judged.server_id) == (Verdict.MET, "s7")
    update = _item()._replace(action=Action.UPDATE)
    assert check_entry(_entry(status="200"), update).verdict is Verdict.ACKED


def test_something_made_where_a_row_was_is_remarked() -> None:
    """201 for a row that was known: it arrived, and somebody had removed it."""
    judged = check_entry(STORED, _item()._replace(action=Action.UPDATE))
    assert (judged.verdict, judged.reason) == (Verdict.ACKED, RECREATED)
    assert check_entry(STORED, _item()).reason == ""


def test_no_etag_is_no_version() -> None:
    """Without one the row has no optimistic lock: no version is made up for it."""
    judged = check_entry(_entry(status="201", location="Observation/n1"), _item())
    assert (judged.verdict, judged.version_id) == (Verdict.ACKED, "")


def test_a_warning_is_kept_as_codes() -> None:
    """What it warns of, without its words."""
    issue = {"severity": "warning", "code": "value", "diagnostics": "7.40"}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    judged = check_entry(_entry(status="201", outcome=outcome), _item())
    assert (judged.verdict, judged.reason) == (Verdict.ACKED, "warning value")


def test_a_changed_id_is_not_believed() -> None:
    """The id that a server gave never changes: another one is a merge, or a mistake."""
    known = _item(server_id="s7")._replace(action=Action.UPDATE)
    judged = check_entry(_entry(status="200", location="Observation/s8"), known)
    assert (judged.verdict, judged.reason) == (Verdict.UNKNOWN, "reply-location")


def test_results_keep_their_rows() -> None:
    """Each row has its own entry's verdict."""
    bad = _entry(status="422", outcome={"issue": [{"severity": "error", "code": "invalid"}]})
    judged = check(_reply(STORED, bad), [_item(), _item("n2")], "transaction")
    assert [(j.item.id, j.verdict, j.reason) for j in judged] == [
        ("n1", Verdict.ACKED, ""),
        ("n2", Verdict.DEAD, "http-422 (error invalid)"),
    ]
