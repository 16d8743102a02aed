"""Verdicts that need a second look: a place that is only a word, a row that a server fails at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netfhir.errors import TemporaryError
from netfhir.hospital.client import Stored
from netfhir.hospital.profile import Strategy
from netfhir.sync.failing import failing, may_be_a_row
from netfhir.sync.holdings import Finding, Held
from netfhir.sync.placing import believed
from netfhir.sync.records import Action, Outcome, Planned, settled
from netfhir.sync.reply import Judged, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.fhir.canonical import Json

ITEM = Planned(
    Action.CREATE, Strategy.SEARCH_POST, "Observation", "n1", "f:1", token=("urn:b", "s")
)


def _body(value: str) -> Json:
    return {"id": "s1", "identifier": [{"system": "urn:b", "value": value}]}


def test_a_place_is_believed_when_our_identifier_is_there() -> None:
    """Read by the path that the server told; what is not ours, or not there, is unknown."""
    held = {"s1": _body("s"), "s2": _body("t"), "s3": None}
    asked: list[str] = []

    def read(items: Sequence[Planned]) -> list[Held]:
        asked.extend(item.path for item in items)
        return [Held(Finding.OTHER, x.server_id, Stored(held[x.server_id])) for x in items]

    items = [ITEM._replace(id=f"n{name}") for name in held]
    told = [
        Judged(item, Verdict.PLACED, name, "1", "warning value")
        for item, name in zip(items, held, strict=True)
    ]
    ours, others = believed(read, told)
    assert asked == ["Observation/s1", "Observation/s2", "Observation/s3"]
    assert ours == [Judged(items[0], Verdict.ACKED, "s1", "1", "warning value")]
    assert others == [Judged(item, Verdict.UNKNOWN, "", "", "reply-location") for item in items[1:]]


def test_a_place_that_cannot_be_read_is_not_believed() -> None:
    """Without an answer nothing is known of any row."""
    ours, others = believed(lambda _: [], [Judged(ITEM, Verdict.PLACED, "s1")])
    assert (ours, others) == ([], [Judged(ITEM, Verdict.UNKNOWN, reason="reply-location")])


@pytest.mark.parametrize(
    ("code", "found", "may"),
    [
        *(
            (f"http-{status}", "", status in {500, 502, 504})
            for status in (500, 502, 503, 504, 429)
        ),
        ("no-answer", "http-500", False),
        ("entries", "http-500 (error exception)", True),
        ("entries", "http-503", False),
    ],
)
def test_a_server_may_fail_at_one_row(code: str, found: str, *, may: bool) -> None:
    """500, 502 and 504, of the request or of an entry; the others tell of the server."""
    assert may_be_a_row(TemporaryError(code, where="s", found=found)) is may


@pytest.mark.parametrize("found", ["HTTP 500 (error exception)", ""])
def test_a_row_that_a_server_fails_at_is_dead_after_five_runs(found: str) -> None:
    """Unknown in the first four: with what the server said, else the code."""
    error = TemporaryError("http-500", where="s", found=found)
    reason = found or "http-500"
    for before in range(4):
        item = ITEM._replace(attempts=before)
        assert failing(item, error) == settled(item, Outcome.UNKNOWN, reason=reason)
    item = ITEM._replace(attempts=4)
    told = f"transient-exhausted ({reason})"
    assert failing(item, error) == settled(item, Outcome.DEAD, reason=told)
    assert failing(ITEM._replace(attempts=5), error).outcome is Outcome.DEAD
