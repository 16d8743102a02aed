"""HTTP statuses become errors by what the caller does next; outcomes keep codes only."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from netfhir.errors import (
    AccessError,
    ConflictError,
    RejectedError,
    ServerError,
    TemporaryError,
)
from netfhir.hospital.outcomes import error_of, retry_after, scrubbed, skew_s, warnings

NOW = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((s, TemporaryError) for s in (408, 429, 500, 502, 503, 504)),
        *((s, AccessError) for s in (401, 403)),
        *((s, RejectedError) for s in (400, 404, 405, 410, 413, 415, 422)),
        *((s, ConflictError) for s in (409, 412)),
    ],
)
def test_a_status_is_an_error_of_the_tree(status: int, kind: type[ServerError]) -> None:
    """By status alone, never by the text."""
    error = error_of(status, b"", {}, where="s: POST /", now=NOW)
    assert type(error) is kind
    assert error.code == f"http-{status}"


def _text(status: int, content: bytes = b"") -> str:
    return str(error_of(status, content, {}, where="s: POST /", now=NOW))


def test_an_error_says_where_and_what() -> None:
    """The place, the status, and the codes of the outcome if there is one."""
    content = b'{"issue": [{"severity": "error", "code": "invalid"}]}'
    told = "(error invalid)"
    remedy = "check the server's auth, and our rights there"
    assert _text(422) == "s: POST /: http-422: HTTP 422"
    assert _text(422, content) == f"s: POST /: http-422: HTTP 422 {told}"
    assert _text(409, content) == f"s: POST /: http-409: HTTP 409 {told}"
    assert _text(503, content) == f"s: POST /: http-503: HTTP 503 {told}"
    assert _text(403, content) == f"s: POST /: http-403: HTTP 403 {told}; {remedy}"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Fri, 01 Mar 2024 12:00:30 GMT"}, 30.0),
        ({}, None),
    ],
)
def test_a_temporary_error_says_when(headers: dict[str, str], seconds: float | None) -> None:
    """As the reply's header has it."""
    error = error_of(429, b"", headers, where="w", now=NOW)
    assert isinstance(error, TemporaryError)
    assert error.retry_after_s == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("Fri, 01 Mar 2024 12:01:00 -0000", 60.0),
        ("Fri, 01 Mar 2024 13:01:00 +0100", 60.0),
        ("Fri, 01 Mar 2024 12:01:00 GMT", 60.0),
        ("Fri, 01 Mar 2024 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """Both forms of the header; garbage is no figure."""
    assert retry_after(text, NOW) == seconds


def test_an_outcome_keeps_codes_only() -> None:
    """Servers echo values: severity, code, expression and the server's number stay."""
    issue = {
        "severity": "error",
        "code": "invalid",
        "expression": ["Observation.value"],
        "diagnostics": "HAPI-1094: CANARY Jane Doe 1970",
        "details": {"text": "CANARY"},
    }
    assert scrubbed({"issue": [issue]}) == "error invalid Observation.value HAPI-1094"


def test_values_do_not_hide_in_codes() -> None:
    """A code or expression that is none is left out."""
    issue = {"severity": "error", "code": "Jane Doe", "expression": ["born 1970-01-01"]}
    assert scrubbed({"issue": [issue]}) == "error"


def test_failures_come_before_remarks() -> None:
    """Where an error stands among information, the error is told."""
    issues = [{"severity": "information"}, {"severity": "fatal", "code": "processing"}]
    assert scrubbed({"issue": issues}) == "fatal processing"


def test_the_error_carries_the_scrubbed_outcome() -> None:
    """The reply's outcome is told in the error, without its text."""
    content = json.dumps({"issue": [{"severity": "error", "diagnostics": "CANARY"}]}).encode()
    text = str(error_of(422, content, {}, where="w", now=NOW))
    assert "HTTP 422 (error)" in text
    assert "CANARY" not in text


def test_warnings_are_told_as_codes() -> None:
    """Warnings alone, each once; "" where there is none."""
    issues = [
        {"severity": "information", "code": "informational"},
        {"severity": "warning", "code": "value", "diagnostics": "CANARY"},
        {"severity": "warning", "code": "value"},
    ]
    assert warnings({"issue": issues}) == "warning value"
    assert warnings({"issue": issues[:1]}) == warnings(None) == ""


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Sat, 03 Feb 2024 10:00:05 GMT", 5.0),
        ("Sat, 03 Feb 2024 09:59:00 GMT", -60.0),
        ("Sat, 03 Feb 2024 10:00:05 -0000", 5.0),
        ("Sat, 03 Feb 2024 11:00:05 +0100", 5.0),
        ("", None),
        ("soon", None),
    ],
)
def test_the_servers_clock_is_compared(date: str, ahead: float | None) -> None:
    """By its Date header; without one nothing is said."""
    assert skew_s(date, datetime(2024, 2, 3, 10, tzinfo=UTC)) == ahead


def test_the_servers_clock_is_told_in_tenths() -> None:
    """Ours has microseconds, which say nothing of a header in whole seconds."""
    now = datetime(2024, 2, 3, 10, 0, 0, 740_000, tzinfo=UTC)
    assert skew_s("Sat, 03 Feb 2024 10:00:05 GMT", now) == 4.3


def test_the_first_three_issues_are_told() -> None:
    """Each once, in a row; of each the first expression, and each number of the server once."""
    issues = [
        {"severity": "error", "code": code, "expression": ["Ab.c", "Cd.e"], "diagnostics": text}
        for code, text in (("one", "HAPI-1094 HAPI-1094 HAPI-0389"), ("two", ""), ("six", ""))
    ]
    told = ("error one Ab.c HAPI-1094 HAPI-0389", "error two Ab.c", "error six Ab.c")
    assert scrubbed({"issue": [*issues, {"severity": "error"}]}) == "; ".join(told)
    warned = [{"severity": "warning", "code": code} for code in ("one", "two", "six", "ten")]
    assert warnings({"issue": warned}) == "warning one; warning two; warning six"


def test_an_outcome_without_a_failure_is_told_too() -> None:
    """What there is of it: a reply that refuses may call its reason information."""
    assert scrubbed({"issue": [{"severity": "information", "code": "not-found"}]}) == (
        "information not-found"
    )


def test_an_issue_without_codes_says_nothing() -> None:
    """What is left out is not made up for."""
    assert scrubbed({"issue": [{"details": {"text": "CANARY"}}]}) == ""
    assert scrubbed({"issue": [{"severity": "error", "expression": "A.b"}]}) == "error"


def test_a_cause_is_told_by_words_that_quote_nothing() -> None:
    """Blaze tells of a missing target in prose only."""
    text = "Referential integrity violated. Resource `Patient/CANARY` doesn't exist."
    issue = {"severity": "error", "code": "conflict", "diagnostics": text}
    assert scrubbed({"issue": [issue]}) == "error conflict referential-integrity"
