"""A planned row, whole: what is sent, where to, over what, and why not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import StateError
from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.identity import SiteKey
from netfhir.hospital.choosing import TypeRule
from netfhir.hospital.patients import Answer
from netfhir.hospital.profile import Strategy
from netfhir.sync.elements import elements_of
from netfhir.sync.plan import Planner, Resend, Terms
from netfhir.sync.records import Action, Known, Outcome, Planned, State, digest_of, settled
from netfhir.sync.staging import Staged
from netfhir.sync.threeway import Take
from planned_from import KnownRows, StagedRows

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = SiteKey(b"key")
PUT = TypeRule("", Strategy.PUT_ID, "said so")
CONDITIONAL = TypeRule("", Strategy.CONDITIONAL_PUT, "said so")


def _staged(kind: str, name: str, refers_to: str = "", subject: str = "") -> Staged:
    body: dict[str, Any] = {
        "resourceType": kind,
        "id": name,
        "identifier": [{"system": "urn:b", "value": name}],
    }
    if refers_to:
        body["part"] = {"reference": refers_to}
    if subject:
        body["subject"] = {"identifier": {"system": "urn:j", "value": subject}, "type": "Patient"}
    return Staged(kind, name, subject, f"f:{name}", to_bytes(body))


PARENT = _staged("Encounter", "n2", subject="01")
CHILD = _staged("Observation", "n5", "Encounter/n2", "01")


def _sent(row: Staged) -> bytes:
    placeholder = b'{"identifier":{"system":"urn:j","value":"01"},"type":"Patient"}'
    return row.body.replace(placeholder, b'{"reference":"Patient/p1"}')


def _known(
    row: Staged, state: State = State.ACKED, acked: bytes | None = b"older", sent: bytes = b"older"
) -> Known:
    return Known(
        row.resource_type,
        row.id,
        row.id,
        state,
        None if acked is None else digest_of(KEY, acked),
        digest_of(KEY, sent),
        "4",
        3,
        "why",
        row.where,
        b"\x00kept",
    )


def _planner(
    rule: TypeRule | Callable[[str], TypeRule] = PUT,
    rows: tuple[Staged, ...] = (PARENT, CHILD),
    known: tuple[Known, ...] = (),
    **terms: object,
) -> Planner:
    by_name = rule if callable(rule) else lambda _: rule
    made = Terms(KEY, "urn:b", "urn:j", {"01": Answer("p1")}, by_name)
    staged = StagedRows(("Device", "Encounter", "Observation"), *rows)
    return Planner(staged, KnownRows(*known), replace(made, **terms))  # type: ignore[arg-type]


def _plan(planner: Planner) -> list[Planned]:
    return [item for wave in planner.waves() for item in wave]


def _child(known: Known | None = None, rule: TypeRule = PUT) -> Planned:
    """Return the plan of the child, whose parent is as the server has it."""
    there = _known(PARENT, acked=_sent(PARENT))
    _, child = _plan(_planner(rule, known=(there, *([known] if known else []))))
    return child


CREATED = Planned(
    Action.CREATE,
    Strategy.PUT_ID,
    "Observation",
    "n5",
    "f:n5",
    _sent(CHILD),
    digest_of(KEY, _sent(CHILD)),
    "n5",
    elements=elements_of(KEY, _sent(CHILD)),
)


def test_a_first_write_is_planned_whole() -> None:
    """By our id, over no version, among nobody's; it may say so if the server heeds it."""
    assert _child() == CREATED
    assert _child(rule=replace(PUT, create_only=True)) == CREATED._replace(create_only=True)


def test_a_change_is_planned_whole() -> None:
    """Over the version and the elements that were acknowledged."""
    changed = CREATED._replace(action=Action.UPDATE, version_id="4", base=b"\x00kept")
    assert _child(_known(CHILD)) == changed
    careful = changed._replace(base=b"", careful=True)
    assert _child(_known(CHILD)._replace(elements=None)) == careful


def test_what_is_not_sent_has_no_elements() -> None:
    """It stays in the ledger as it is."""
    unchanged = _child(_known(CHILD, acked=_sent(CHILD), sent=_sent(CHILD)))
    assert unchanged == CREATED._replace(
        action=Action.UNCHANGED, version_id="4", base=b"\x00kept", elements=b"", attempts=3
    )


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (State.DEAD, Action.DEAD),
        (State.DROPPED, Action.DROPPED),
        (State.CONFLICT, Action.CONFLICT),
        (State.UNKNOWN, Action.UNKNOWN),
        (State.IN_FLIGHT, Action.UNKNOWN),
    ],
)
def test_what_is_left_alone_says_why(state: State, action: Action) -> None:
    """As the ledger has it: the reason, else the state."""
    known = _known(CHILD, state, acked=None, sent=_sent(CHILD))
    left = CREATED._replace(action=action, version_id="4", elements=b"", attempts=3)
    assert _child(known) == left._replace(reason="why")
    assert _child(known._replace(reason="")) == left._replace(reason=state.value)


@pytest.mark.parametrize(
    ("state", "acked", "action"),
    [
        (State.RETRACTED, b"older", Action.UPDATE),
        (State.DELETED, None, Action.CREATE),
        (State.DROPPED, b"older", Action.UPDATE),
        (State.DROPPED, None, Action.CREATE),
    ],
)
def test_what_was_taken_back_is_written_again(
    state: State, acked: bytes | None, action: Action
) -> None:
    """Over what is there, or anew; so is another content of a dropped row."""
    item = _child(_known(CHILD, state, acked))
    assert (item.action, item.reason, item.attempts) == (action, "", 0)


def test_what_is_held_back_is_planned_whole() -> None:
    """Its place, its strategy and why; no body, and no digest."""
    unsupported = TypeRule("", Strategy.UNSUPPORTED, "said so")
    parent, _ = _plan(_planner(unsupported))
    assert parent == Planned(
        *(Action.UNSUPPORTED, Strategy.UNSUPPORTED, "Encounter", "n2", "f:n2"), reason="said so"
    )
    _, child = _plan(_planner(patients={}))
    assert child == Planned(
        *(Action.PARKED, Strategy.PUT_ID, "Observation", "n5", "f:n5"), reason="not-in-crosswalk"
    )


def test_what_a_server_cannot_take_says_why() -> None:
    """Of this row, though it takes others of the type."""
    item = _child(_known(CHILD), replace(CONDITIONAL, updates=False))
    assert (item.action, item.reason, item.elements) == (
        Action.UNSUPPORTED,
        "there already, and the statement lists no update of the type",
        b"",
    )
    rule = replace(CONDITIONAL, by_patient="patient")
    (item,) = _plan(_planner(rule, (_staged("Observation", "n5"),)))
    assert (item.action, item.reason, item.among) == (
        Action.UNSUPPORTED,
        "no search by identifier, and no patient among whose resources to look",
        "",
    )


def test_a_row_of_the_servers_id_is_planned_whole() -> None:
    """With a token, and no place before it is known."""
    body = _sent(CHILD).replace(b'"id":"n5",', b"")
    item = _child(rule=CONDITIONAL)
    assert item == CREATED._replace(
        strategy=Strategy.CONDITIONAL_PUT,
        body=body,
        digest=digest_of(KEY, body),
        elements=elements_of(KEY, body),
        server_id="",
        token=("urn:b", "n5"),
    )


def test_a_row_without_our_identifier_is_named() -> None:
    """By its place in the source."""
    bare = CHILD._replace(body=to_bytes({"resourceType": "Observation", "id": "n5"}))
    with pytest.raises(StateError) as caught:
        _plan(_planner(CONDITIONAL, (bare,)))
    assert caught.value.where == "f:n5"


@pytest.mark.parametrize("rule", [PUT, CONDITIONAL])
@pytest.mark.parametrize("take", list(Take))
def test_a_decided_row_is_read_and_sent(take: Take, rule: TypeRule) -> None:
    """Whatever the ledger says of it, where the server has it, with whose changes stand."""
    known = _known(CHILD, State.CONFLICT, sent=_sent(CHILD))
    planner = _planner(rule, known=(known,), takes={CHILD[:2]: take})
    _, child = _plan(planner)
    assert (child.action, child.careful, child.take) == (Action.UPDATE, True, take)
    assert (child.reason, child.path) == ("", "Observation/n5")


def test_a_row_sent_again_is_read_if_its_elements_are_not_known() -> None:
    """What the hospital has of it is kept, for what was ours is not known."""
    known = _known(CHILD, State.UNKNOWN)._replace(elements=None)
    planner = _planner(known=(known,))
    planner.resend[known.key] = Resend("9", take=Take.OURS)
    _, child = _plan(planner)
    assert (child.version_id, child.careful, child.take) == ("9", True, Take.OURS)


@pytest.mark.parametrize(
    ("outcome", "action"),
    [
        (Outcome.PARKED, Action.PARKED),
        (Outcome.CONFLICT, Action.BLOCKED),
        (Outcome.UNSUPPORTED, Action.BLOCKED),
        (Outcome.DROPPED, Action.BLOCKED),
        (Outcome.PENDING, Action.CREATE),
    ],
)
def test_a_child_follows_its_parent(outcome: Outcome, action: Action) -> None:
    """Parked with one that is parked; blocked by one that has no place on the server."""
    planner = _planner(CONDITIONAL)
    waves = planner.waves()
    assert not list(next(waves))
    (parent,) = next(waves)
    planner.note(settled(parent, outcome))
    (child,) = next(waves)
    assert child.action is action
    assert child.reason == ("" if action is Action.CREATE else f"Encounter is {outcome}")


def test_a_parked_parent_parks_its_children() -> None:
    """Within the plan itself, unless the server holds an older version of the parent."""
    other = CHILD._replace(subject="", body=_staged("Observation", "n5", "Encounter/n2").body)
    parent, child = _plan(_planner(rows=(PARENT, other), patients={}))
    assert (parent.action, child.action) == (Action.PARKED, Action.PARKED)
    assert child.reason == "Encounter is parked"
    known = (_known(PARENT),)
    _, child = _plan(_planner(rows=(PARENT, other), known=known, patients={}))
    assert child.action is Action.CREATE


def test_places_are_remembered_of_each_type() -> None:
    """A type that keeps our ids says nothing of the next one."""
    known = _known(PARENT, acked=_sent(PARENT))._replace(server_id="s2")
    rule = {"Device": PUT, "Encounter": CONDITIONAL, "Observation": PUT}
    _, child = _plan(_planner(rule.__getitem__, known=(known,)))
    assert b'"reference":"Encounter/s2"' in child.body


@pytest.mark.parametrize("name", ["n1", "n9"])
def test_a_row_meets_no_other_rows_ledger(name: str) -> None:
    """Neither the last one before it, nor the first one after it."""
    known = _known(CHILD, acked=_sent(CHILD), sent=_sent(CHILD))._replace(id=name)
    assert _child(known) == CREATED
