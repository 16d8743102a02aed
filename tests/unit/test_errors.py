"""The tree of errors, by what the caller does next."""

from __future__ import annotations

import pytest

from netfhir import errors
from netfhir.errors import EXIT_PRECEDENCE, NetfhirError, RecordError, TemporaryError, worst


def test_a_message_has_place_code_finding_expectation_and_remedy() -> None:
    """In this order, on one line."""
    error = RecordError("bad", where="a.csv:2:x", found="text", expected="digits", remedy="mend it")
    assert str(error) == "a.csv:2:x: bad: text; expected digits; mend it"


def test_a_message_leaves_out_what_is_not_said() -> None:
    """The code stands for a finding that is not described."""
    assert str(RecordError("bad", where="a.csv:2")) == "a.csv:2: bad: bad"


def test_a_record_has_only_what_is_said() -> None:
    """A line of rejects.ndjson holds no empty field."""
    assert RecordError("bad", where="a.csv:2", found="text").as_record() == {
        "where": "a.csv:2",
        "code": "bad",
        "found": "text",
    }


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("NetfhirError", 70),
        ("DeclarationError", 78),
        ("SourceError", 65),
        ("FormatError", 65),
        ("RecordError", 65),
        ("ServerError", 69),
        ("TemporaryError", 75),
        ("UnreachableError", 69),
        ("AccessError", 77),
        ("RejectedError", 65),
        ("ConflictError", 65),
        ("CapabilityError", 78),
        ("StateError", 74),
    ],
)
def test_each_error_has_the_designed_exit_status(name: str, status: int) -> None:
    """What the caller does next decides the status."""
    error: type[NetfhirError] = getattr(errors, name)
    assert error.exit_status == status


def test_every_status_has_its_rank() -> None:
    """No error's status is forgotten in the order of precedence."""
    kinds = [NetfhirError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert {kind.exit_status for kind in kinds} == set(EXIT_PRECEDENCE)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [(set(), 0), ({65}, 65), ({65, 75}, 75), ({65, 69, 70}, 70), ({69, 78}, 78), ({74, 77}, 74)],
)
def test_the_worst_of_several_is_the_runs(statuses: set[int], expected: int) -> None:
    """The order is that of the design; none is 0."""
    assert worst(statuses) == expected


def test_no_answer_may_have_been_sent_unless_told_otherwise() -> None:
    """An outcome is unknown until it is known."""
    assert TemporaryError("no-answer", where="srv").sent is True
