"""What a verdict carries beside itself: its row, its place, its reason, word for word."""

from __future__ import annotations

from typing import Any

import pytest

from netfhir.hospital.profile import Strategy
from netfhir.sync.records import Action, Planned
from netfhir.sync.reply import RECREATED, Judged, Verdict, check, check_entry

ITEM = Planned(Action.UPDATE, Strategy.PUT_ID, "Observation", "n1", "f:1", server_id="s1")
UNPLACED = ITEM._replace(action=Action.CREATE, server_id="", token=("urn:s", "1"))
ISSUE = {"severity": "error", "code": "invalid"}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [ISSUE]}


def _reply(*entries: Any, kind: str = "batch-response") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def _entry(status: str, resource: Any = None, **response: Any) -> dict[str, Any]:
    return {"response": {"status": status, **response}, "resource": resource}


def _unknown(reason: str, item: Planned = ITEM) -> Judged:
    return Judged(item, Verdict.UNKNOWN, "", "", reason)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({**_reply(_entry("200")), "resourceType": "Parameters"}, "reply-type"),
        (_reply(_entry("200"), kind="transaction-response"), "reply-type"),
        (_reply(), "reply-entries"),
        (_reply(_entry("200"), _entry("200")), "reply-entries"),
        ({"resourceType": "Bundle", "type": "batch-response", "entry": "1"}, "reply-entries"),
        (_reply(1), "reply-response"),
        (_reply({"response": "200"}), "reply-response"),
        (_reply(_entry("")), "reply-status"),
        (_reply(_entry("", outcome=OUTCOME)), "reply-status (error invalid)"),
        (_reply(_entry("204")), "http-204"),
        (_reply(_entry("200", location="Observation/s2")), "reply-location"),
        (
            _reply(_entry("200", location="Observation/s1/_history/1", etag='"2"')),
            "reply-version",
        ),
    ],
)
def test_what_cannot_be_told_says_why(reply: dict[str, Any], reason: str) -> None:
    """The row, unknown, without a place or a version; and the part of the reply at fault."""
    assert check(reply, [ITEM], "batch") == [_unknown(reason)]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_two_rows_at_one_place_are_both_unknown(kind: str) -> None:
    """Each with its own row; a third row keeps its place."""
    items = [UNPLACED._replace(id=name) for name in ("n1", "n2", "n3")]
    places = ("s1", "s1", "s3")
    entries = [_entry("201", location=f"Observation/{place}") for place in places]
    assert check(_reply(*entries, kind=f"{kind}-response"), items, kind) == [
        _unknown("reply-location", items[0]),
        _unknown("reply-location", items[1]),
        Judged(items[2], Verdict.PLACED, "s3"),
    ]


@pytest.mark.parametrize("kept", ["outcome", "resource"])
def test_an_error_in_a_success_is_told(kept: str) -> None:
    """As codes, wherever the server put the outcome."""
    entry = _entry("200", **{kept: OUTCOME})
    reason = "error-in-success (error invalid)"
    assert check_entry(entry, ITEM) == Judged(ITEM, Verdict.DEAD, "", "", reason)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("399", Verdict.UNKNOWN),
        ("400", Verdict.DEAD),
        ("407", Verdict.DEAD),
        ("425", Verdict.RETRY),
        ("499", Verdict.DEAD),
        ("500", Verdict.RETRY),
    ],
)
def test_a_refusal_is_told_by_its_status(status: str, verdict: Verdict) -> None:
    """At the edges of each class, with the codes of the outcome where there is one."""
    assert check_entry(_entry(status), ITEM) == Judged(ITEM, verdict, "", "", f"http-{status}")
    told = f"http-{status} (error invalid)"
    assert check_entry(_entry(status, outcome=OUTCOME), ITEM).reason == told


def test_remarks_stand_in_a_row() -> None:
    """What was made anew, and what the server warns of."""
    warned = {"issue": [{"severity": "warning", "code": "value"}]}
    judged = check_entry(_entry("201", outcome=warned), ITEM)
    assert judged == Judged(ITEM, Verdict.ACKED, "s1", "", f"{RECREATED}; warning value")


def test_a_returned_body_tells_place_and_version() -> None:
    """Where the response says neither; without an id, or of an outcome, it tells no place."""
    body = {"resourceType": "Observation", "id": "s7", "meta": {"versionId": "4"}}
    assert check_entry(_entry("201", body), UNPLACED) == Judged(
        UNPLACED, Verdict.PLACED, "s7", "4", ""
    )
    assert check_entry(_entry("201", {"resourceType": "Observation"}), UNPLACED) == _unknown(
        "reply-location", UNPLACED
    )
    remark = {"resourceType": "OperationOutcome", "id": "o1", "issue": [{"severity": "warning"}]}
    assert check_entry(_entry("200", remark), ITEM) == Judged(
        ITEM, Verdict.ACKED, "s1", "", "warning"
    )


def test_a_place_of_another_type_is_not_ours() -> None:
    """Though nothing was known of the row's place."""
    entry = _entry("201", location="Patient/s7")
    assert check_entry(entry, UNPLACED) == _unknown("reply-location", UNPLACED)


def test_a_body_that_warns_is_no_outcome() -> None:
    """A resource with issues of its own is no OperationOutcome."""
    body = {"resourceType": "Observation", "id": "s1", "issue": [ISSUE]}
    assert check_entry(_entry("200", body), ITEM).verdict is Verdict.ACKED
