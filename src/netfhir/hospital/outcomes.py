"""What a reply of the server means; what it says is kept only as codes, for servers echo values."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import orjson

from netfhir.errors import (
    AccessError,
    ConflictError,
    RejectedError,
    ServerError,
    TemporaryError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netfhir.fhir.canonical import Json

#: A server's own message number, such as HAPI-1094, names the cause without a value.
_MESSAGE_CODE = re.compile(r"\bHAPI-\d{3,5}\b")
#: Causes that a server tells in prose only, by words that quote no value. Source: Blaze.
_CAUSES = {"referential-integrity": "Referential integrity violated"}
_EXPRESSION = re.compile(r"[A-Z][A-Za-z]+(?:\.[A-Za-z]+(?:\[\d+\])?)*")
_CODE = re.compile(r"[a-z][a-z-]{1,40}")
_KEPT_ISSUES = 3

_TEMPORARY = frozenset({408, 425, 429})
_ACCESS = frozenset({401, 403})
_CONFLICT = frozenset({409, 412})
_SERVER_SIDE = 500


def is_temporary(status: int) -> bool:
    """Return whether a request with this HTTP status may be sent again."""
    return status in _TEMPORARY or status >= _SERVER_SIDE


def is_refused(status: int) -> bool:
    """Return whether this HTTP status says that we may not."""
    return status in _ACCESS


def is_conflict(status: int) -> bool:
    """Return whether this HTTP status says: changed by others, or ambiguous."""
    return status in _CONFLICT


def failures(outcome: object) -> list[Json]:
    """Return the issues of severity error or fatal."""
    return [issue for issue in _issues(outcome) if issue.get("severity") in {"error", "fatal"}]


def warnings(outcome: object) -> str:
    """Return what a success warns of, scrubbed as `scrubbed` does; "" without a warning."""
    found = [issue for issue in _issues(outcome) if issue.get("severity") == "warning"]
    return "; ".join(dict.fromkeys(_brief(issue) for issue in found[:_KEPT_ISSUES]))


def scrubbed(outcome: object) -> str:
    """Return `severity code expression number` of the worst issues: no text that quotes a value."""
    chosen = failures(outcome) or _issues(outcome)
    return "; ".join(dict.fromkeys(_brief(issue) for issue in chosen[:_KEPT_ISSUES]))


def _issues(outcome: object) -> list[Json]:
    found = outcome.get("issue") if isinstance(outcome, dict) else None
    return [issue for issue in found if isinstance(issue, dict)] if isinstance(found, list) else []


def _brief(issue: Json) -> str:
    diagnostics = str(issue.get("diagnostics"))
    parts = [str(issue.get(name)) for name in ("severity", "code")]
    parts = [part for part in parts if _CODE.fullmatch(part)]
    expressions = issue.get("expression")
    if isinstance(expressions, list):
        parts += [str(text) for text in expressions[:1] if _EXPRESSION.fullmatch(str(text))]
    parts += dict.fromkeys(_MESSAGE_CODE.findall(diagnostics))
    parts += [name for name, words in _CAUSES.items() if words in diagnostics]
    return " ".join(parts)


def error_of(
    status: int, content: bytes, headers: Mapping[str, str], *, where: str, now: datetime
) -> ServerError:
    """Return the error of our tree that this HTTP reply is."""
    said = scrubbed(_parsed(content))
    found = f"HTTP {status}" + (f" ({said})" if said else "")
    code = f"http-{status}"
    if is_temporary(status):
        wait_s = retry_after(headers.get("Retry-After", ""), now)
        return TemporaryError(code, where=where, found=found, retry_after_s=wait_s)
    if is_refused(status):
        return AccessError(
            code, where=where, found=found, remedy="check the server's auth, and our rights there"
        )
    kind: Callable[..., ServerError] = ConflictError if is_conflict(status) else RejectedError
    return kind(code, where=where, found=found)


def skew_s(date: str, now: datetime) -> float | None:
    """Return by how many seconds a Date header is ahead of `now`, None of anything that is none."""
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    return round((told - now).total_seconds(), 1)


def retry_after(text: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, given in seconds or as a date."""
    if text.strip().isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _parsed(content: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
