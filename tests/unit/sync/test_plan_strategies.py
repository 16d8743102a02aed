"""What a strategy changes in a plan: ids that the server gave, and what it cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netfhir.fhir.canonical import resource, to_bytes
from netfhir.fhir.identity import SiteKey
from netfhir.hospital.choosing import TypeRule
from netfhir.hospital.patients import Answer
from netfhir.hospital.profile import Strategy
from netfhir.sync.plan import Planner, Resend, Terms
from netfhir.sync.records import Action, Known, Planned, State, digest_of
from netfhir.sync.staging import Staged, Wave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = SiteKey(b"key")
STUDY = Staged(
    "ResearchStudy",
    "ns",
    "",
    "f:1",
    to_bytes({"id": "ns", "identifier": [{"system": "urn:b", "value": "s"}]}),
)
SUBJECT = Staged(
    "ResearchSubject",
    "nj",
    "01",
    "f:2",
    to_bytes(
        {
            "id": "nj",
            "identifier": [{"system": "urn:b", "value": "s|01"}],
            "individual": {"identifier": {"system": "urn:j", "value": "01"}, "type": "Patient"},
            "study": {"reference": "ResearchStudy/ns"},
        }
    ),
)
ASSIGNED = [Strategy.CONDITIONAL_POST, Strategy.CONDITIONAL_PUT, Strategy.SEARCH_POST]


class _Staging:
    def waves(self) -> list[Wave]:
        return [Wave(("ResearchStudy",), 0), Wave(("ResearchSubject",), 0)]

    def rows(self, wave: Wave | None = None) -> Iterator[Staged]:
        assert wave
        return (row for row in (STUDY, SUBJECT) if row.resource_type in wave.resource_types)

    def parent_types(self) -> set[str]:
        return {"ResearchStudy"}

    def find(self, resource_type: str, resource_id: str) -> Staged | None:
        rows = (STUDY, SUBJECT)
        return next(
            (r for r in rows if (r.resource_type, r.id) == (resource_type, resource_id)), None
        )


class _Ledger:
    def __init__(self, *rows: Known) -> None:
        self._rows = rows

    def rows(self, resource_type: str) -> Iterator[Known]:
        return (row for row in self._rows if row.resource_type == resource_type)


def _known(row: Staged, state: State, server_id: str, *, acked: bool) -> Known:
    digest = digest_of(KEY, b"older")
    return Known(
        row.resource_type,
        row.id,
        server_id,
        state,
        digest if acked else None,
        digest,
        "4",
        1,
        "why",
        row.where,
    )


def _planner(rule: Callable[[str], TypeRule], *known: Known) -> Planner:
    terms = Terms(KEY, "urn:b", "urn:j", {"01": Answer("p1")}, rule)
    return Planner(_Staging(), _Ledger(*known), terms)


def _plan(rule: Callable[[str], TypeRule], *known: Known) -> list[Planned]:
    return [item for wave in _planner(rule, *known).waves() for item in wave]


def _rule(strategy: Strategy, **facts: bool) -> Callable[[str], TypeRule]:
    return lambda name: TypeRule(name, strategy, "forced", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", ASSIGNED)
def test_a_row_without_an_id_is_found_by_its_identifier(strategy: Strategy) -> None:
    """It has a token, no path and no id in its body."""
    study, _ = _plan(_rule(strategy))
    assert (study.action, study.token, study.path) == (Action.CREATE, ("urn:b", "s"), "")
    assert "id" not in resource(study.body)


@pytest.mark.parametrize("strategy", ASSIGNED)
def test_a_row_that_is_gone_is_made_anew(strategy: Strategy) -> None:
    """An id that the server gave is not ours to give again: no PUT to it, no version."""
    known = _known(STUDY, State.UNKNOWN, "s7", acked=True)
    planner = _planner(_rule(strategy), known)
    planner.resend[known.key] = Resend()
    (study,) = next(planner.waves())
    assert (study.action, study.path, study.version_id) == (Action.CREATE, "", "")


@pytest.mark.parametrize("strategy", ASSIGNED)
def test_a_row_that_is_there_is_put_over_its_version(strategy: Strategy) -> None:
    """By the id that the server gave."""
    known = _known(STUDY, State.UNKNOWN, "s7", acked=True)
    planner = _planner(_rule(strategy), known)
    planner.resend[known.key] = Resend("4")
    (study,) = next(planner.waves())
    assert (study.action, study.path, study.version_id) == (Action.UPDATE, "ResearchStudy/s7", "4")


@pytest.mark.parametrize("strategy", ASSIGNED)
def test_an_id_that_was_never_acknowledged_is_none(strategy: Strategy) -> None:
    """A row that was put by our id, and refused, has no place under a strategy without our ids."""
    known = _known(STUDY, State.DEAD, "ns", acked=False)
    study, _ = _plan(_rule(strategy), known)
    assert (study.action, study.path) == (Action.CREATE, "")


def test_what_cannot_be_changed_is_unsupported() -> None:
    """There already, and no update of the type: with the reason, and nothing is blocked by it."""
    known = _known(STUDY, State.ACKED, "s7", acked=True)
    study, subject = _plan(_rule(Strategy.SEARCH_POST, updates=False), known)
    assert (study.action, "no update" in study.reason) == (Action.UNSUPPORTED, True)
    assert subject.action is Action.CREATE


def test_a_row_is_looked_for_among_its_patients() -> None:
    """Where there is no better search; a row without a patient is not sent."""
    study, _ = _plan(
        lambda name: TypeRule(name, Strategy.SEARCH_POST, "forced", by_patient="patient")
    )
    assert (study.action, "no patient" in study.reason) == (Action.UNSUPPORTED, True)

    def rule(name: str) -> TypeRule:
        by_patient = "subject" if name == "ResearchSubject" else ""
        return TypeRule(name, Strategy.SEARCH_POST, "forced", by_patient=by_patient)

    _, subject = _plan(rule)
    assert (subject.action, subject.among) == (Action.CREATE, "subject=Patient/p1")


def test_a_parent_that_cannot_be_held_is_named_by_its_identifier() -> None:
    """The child is sent, with a reference that leads somewhere."""

    def rule(name: str) -> TypeRule:
        kind = Strategy.UNSUPPORTED if name == "ResearchStudy" else Strategy.PUT_ID
        return TypeRule(name, kind, "forced")

    _, subject = _plan(rule)
    assert subject.action is Action.CREATE
    identifier = {"system": "urn:b", "value": "s"}
    assert resource(subject.body)["study"] == {"identifier": identifier, "type": "ResearchStudy"}
