"""What can be claimed of a server, each with its test and what to do where it is false.

A claim is added here, as a row of `CLAIMS`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netfhir.errors import ConflictError, RejectedError
from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.bench import PRECISE
from netfhir.hospital.profile import Strategy
from netfhir.hospital.replies import path_of, status_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from netfhir.hospital.bench import Bench
    from netfhir.hospital.capabilities import Capabilities
    from netfhir.hospital.choosing import TypeRule

_MADE = 201
_IS_THERE = 200
_POLL_S = 0.5


class Untestable(Exception):  # noqa: N818 - an answer, no failure
    """The server gives nothing to test by."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, when it is made, and a test that returns what was found instead."""

    text: str
    made: Callable[[Capabilities, TypeRule], bool]
    test: Callable[[Bench, TypeRule], str]
    remedy: str


def _put_creates(bench: Bench, _: TypeRule) -> str:
    name = bench.name()
    body = bench.body("put", name)
    response = bench.put(name, body)
    if status_of(response) != _MADE:
        return f"status {status_of(response)}"
    if (there := path_of(response.get("location"))) not in {"", f"{bench.resource_type}/{name}"}:
        return f"stored as {there}"
    return _is_stored(bench, f"{bench.resource_type}/{name}")


def _post_creates(bench: Bench, _: TypeRule) -> str:
    response = bench.post(bench.body("post"))
    path = path_of(response.get("location"))
    if status_of(response) != _MADE or not path:
        return f"status {status_of(response)}, {'a' if path else 'no'} location"
    return _is_stored(bench, path)


def _condition_holds(method: str, bench: Bench) -> str:
    first, second = bench.conditional(method, method), bench.conditional(method, method)
    paths = [path_of(first.get("location")), path_of(second.get("location"))]
    if status_of(first) != _MADE or not paths[0]:
        return f"status {status_of(first)} for the first"
    if paths[1] not in {"", paths[0]} or status_of(second) != _IS_THERE:
        return f"status {status_of(second)} for the second: there are two"
    return ""


def _updates(bench: Bench, rule: TypeRule) -> str:
    path = _made(bench, rule, "update")
    name = path.partition("/")[2]
    bench.put(name, bench.body("update", name, changed=True))
    stored = bench.read(path).body
    return "" if stored and len(stored.get("identifier", [])) > 1 else "the change is not stored"


def _stale_is_refused(bench: Bench, rule: TypeRule) -> str:
    path = _made(bench, rule, "stale")
    name = path.partition("/")[2]
    first = bench.read(path).version_id
    if not first:
        raise Untestable("no version is told: changes are compared before they are sent")
    bench.put(name, bench.body("stale", name, changed=True), f'W/"{first}"')
    try:
        bench.put(name, bench.body("stale", name), f'W/"{first}"')
    except ConflictError:
        return ""
    return "a stale version was overwritten"


def _create_only_holds(bench: Bench, rule: TypeRule) -> str:
    path = _made(bench, rule, "only")
    name = path.partition("/")[2]
    try:
        bench.put(name, bench.body("only", name, changed=True), create_only=True)
    except ConflictError:
        return ""
    return "what was there was overwritten"


def _search_sees(bench: Bench, rule: TypeRule) -> str:
    path = _made(bench, rule, "search")
    waited = 0.0
    while True:
        found = bench.found("search")
        if found == [path]:
            return ""
        if waited >= rule.settle_s:
            return f"{len(found)} found of 1, {waited:g} s after it was stored"
        time.sleep(_POLL_S)
        waited += _POLL_S


def _digits_stay(bench: Bench, rule: TypeRule) -> str:
    if str(PRECISE).encode() not in bench.body("digits"):
        raise Untestable(f"a {bench.resource_type} holds no decimal")
    stored = bench.read(_made(bench, rule, "digits")).body or {}
    return "" if str(PRECISE).encode() in to_bytes(stored) else f"{PRECISE} lost digits"


def _transaction_is_whole(bench: Bench, rule: TypeRule) -> str:
    path = _made(bench, rule, "whole")
    name = path.partition("/")[2]
    good = ({"method": "POST", "url": bench.resource_type}, bench.body("with-the-bad"))
    bad = ({"method": "PUT", "url": path, "ifMatch": 'W/"0"'}, bench.body("whole", name))
    try:
        bench.bundle("transaction", [good, bad])
    except (RejectedError, ConflictError):
        strays = bench.found("with-the-bad") if rule.identifier_search else []
        bench.made += strays
        return f"{len(strays)} of a refused transaction are stored" if strays else ""
    return "a transaction with a refused entry was taken"


def _batch_is_single(bench: Bench, rule: TypeRule) -> str:
    paths = [_made(bench, rule, what) for what in ("single", "refused")]
    first, second = (path.partition("/")[2] for path in paths)
    good = ({"method": "PUT", "url": paths[0]}, bench.body("single", first, changed=True))
    bad = ({"method": "PUT", "url": paths[1], "ifMatch": 'W/"0"'}, bench.body("refused", second))
    statuses = [status_of(response) for response in bench.bundle("batch", [good, bad])]
    if len(statuses) != len((good, bad)):
        return f"{len(statuses)} entries in the reply to 2"
    return "" if statuses[0] == _IS_THERE else f"status {statuses[0]} beside a refused entry"


def _made(bench: Bench, rule: TypeRule, what: str) -> str:
    """Return the path of a resource that was made as the type's strategy does."""
    if rule.strategy is Strategy.PUT_ID:
        name = bench.name()
        bench.put(name, bench.body(what, name))
        return f"{bench.resource_type}/{name}"
    path = path_of(bench.post(bench.body(what)).get("location"))
    if not path:
        raise Untestable("no location is told of what was made")
    return path


def _is_stored(bench: Bench, path: str) -> str:
    stored = bench.read(path).body
    return "" if stored is not None else "said to be stored, and not there"


def _is(*strategies: Strategy) -> Callable[[Capabilities, TypeRule], bool]:
    return lambda _, rule: rule.strategy in strategies


CLAIMS = (
    Claim(
        "PUT by our id creates",
        _is(Strategy.PUT_ID),
        _put_creates,
        "update_create = false in the profile",
    ),
    Claim(
        "POST creates",
        _is(Strategy.SEARCH_POST),
        _post_creates,
        'strategy = "unsupported" for the type in the profile',
    ),
    Claim(
        "a conditional POST makes one",
        _is(Strategy.CONDITIONAL_POST),
        lambda bench, _: _condition_holds("POST", bench),
        "conditional_create = false in the profile",
    ),
    Claim(
        "a conditional PUT makes one",
        _is(Strategy.CONDITIONAL_PUT),
        lambda bench, _: _condition_holds("PUT", bench),
        "conditional_update = false in the profile",
    ),
    Claim(
        "PUT changes what is there",
        lambda _, rule: rule.updates,
        _updates,
        "updates = false for the type in the profile",
    ),
    Claim(
        "a stale If-Match is refused",
        lambda _, rule: rule.updates,
        _stale_is_refused,
        "do not write where people edit what netfhir writes",
    ),
    Claim(
        "If-None-Match: * keeps what is there",
        lambda _, rule: rule.create_only and rule.strategy is Strategy.PUT_ID,
        _create_only_holds,
        "if_none_match = false in the profile",
    ),
    Claim(
        "a search by identifier sees what was just stored",
        lambda _, rule: rule.identifier_search,
        _search_sees,
        "identifier_search = false, or a longer settle_s, in the profile",
    ),
    Claim(
        "decimals keep their digits",
        lambda able, _: able.profile.keeps_precision is True,
        _digits_stay,
        "keeps_precision = false in the profile",
    ),
    Claim(
        "a transaction is taken whole or not at all",
        lambda able, rule: able.transaction and rule.updates,
        _transaction_is_whole,
        "transaction = false in the profile",
    ),
    Claim(
        "the entries of a batch stand alone",
        lambda able, rule: able.batch and rule.updates,
        _batch_is_single,
        "batch = false in the profile",
    ),
)
