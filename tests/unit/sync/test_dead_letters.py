"""What a dead letter says to do, by the server's reason."""

from __future__ import annotations

import pytest

from netfhir.errors import StateError
from netfhir.sync.dead import Letter, chosen


def _letter(reason: str, state: str = "dead", *, requeued: bool = False) -> Letter:
    return Letter(
        *("Observation", "n1", state, reason, 2, "2024", "2025", "f:1"),
        on_server=False,
        requeued=requeued,
    )


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("HTTP 422 (error invalid Observation.value)", "correct the record"),
        ("http-400 (error processing HAPI-1094)", "correct the record"),
        ("error-in-success (error value)", "correct the record"),
        ("", "correct the record"),
        ("http-404", "is the type, or what it refers to"),
        ("HTTP 405", "the server takes no such write"),
        ("HTTP 413 (error too-long)", "the server takes no resource of this size"),
        ("transient-exhausted (HTTP 500)", "the server fails at this very resource"),
        ("transient-exhausted (HTTP 504)", "the server fails at this very resource"),
    ],
)
def test_the_remedy_comes_from_the_reason(reason: str, remedy: str) -> None:
    """Who acts: the data manager, or who keeps the server."""
    assert _letter(reason).remedy.startswith(remedy)


def test_what_is_decided_needs_nothing() -> None:
    """Dropped by a person, or requeued."""
    assert _letter("entered twice", "dropped").remedy.startswith("nothing: it was decided")
    assert _letter("HTTP 422", requeued=True).remedy == "nothing: the next apply sends it"


def test_letters_are_named_with_or_without_their_type() -> None:
    """Each once, and a name of none is an error."""
    letter = _letter("HTTP 422")
    assert chosen([letter], ["n1", "Observation/n1"]) == [letter]
    with pytest.raises(StateError, match="no-letter"):
        chosen([letter], ["n2"])
