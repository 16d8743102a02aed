"""What becomes of a staged row, given what the ledger knows of it and of its parents."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.identity import SiteKey
from netfhir.hospital.capabilities import TypeRule
from netfhir.hospital.patients import Answer, Unresolved
from netfhir.hospital.profile import Strategy
from netfhir.sync.plan import Planner, Resend, Terms
from netfhir.sync.records import (
    Action,
    Known,
    Outcome,
    Planned,
    State,
    digest_of,
    settled,
)
from netfhir.sync.staging import Staged
from planned_from import KnownRows, StagedRows

KEY = SiteKey(b"key")
STUDY = Staged(
    "ResearchStudy",
    "ns",
    "",
    "f:1",
    to_bytes({"id": "ns", "identifier": [{"system": "urn:b", "value": "s"}], "status": "active"}),
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
ROWS = StagedRows(("ResearchStudy", "ResearchSubject"), STUDY, SUBJECT)
SENT = SUBJECT.body.replace(
    b'{"identifier":{"system":"urn:j","value":"01"},"type":"Patient"}',
    b'{"reference":"Patient/p1"}',
)


def _known(row: Staged, state: State, acked: bytes | None, sent: bytes | None = None) -> Known:
    digest = digest_of(KEY, acked) if acked is not None else None
    sent_digest = digest_of(KEY, sent) if sent is not None else digest or b""
    return Known(
        row.resource_type, row.id, row.id, state, digest, sent_digest, "4", 1, "why", row.where
    )


ACKED_STUDY = _known(STUDY, State.ACKED, STUDY.body)


def _terms(strategy: Strategy = Strategy.PUT_ID, answer: Answer | None = None) -> Terms:
    patients = {"01": answer or Answer("p1")}
    return Terms(KEY, "urn:b", "urn:j", patients, lambda name: TypeRule(name, strategy, "said so"))


def _plan(*known: Known, terms: Terms | None = None) -> list[Planned]:
    planner = Planner(
        ROWS,
        KnownRows(*known),
        terms or _terms(),
    )
    return [item for wave in planner.waves() for item in wave]


def test_what_the_ledger_does_not_know_is_created() -> None:
    """By its own id, over no version."""
    study, subject = _plan()
    assert (study.action, subject.action) == (Action.CREATE, Action.CREATE)
    assert (study.server_id, study.version_id) == ("ns", "")


def test_the_patient_is_filled_in() -> None:
    """And the digest is of what is sent."""
    _, subject = _plan()
    assert subject.body == SENT
    assert subject.digest == digest_of(KEY, SENT)


@pytest.mark.parametrize(
    ("known", "action"),
    [
        (_known(SUBJECT, State.ACKED, SENT), Action.UNCHANGED),
        (_known(SUBJECT, State.ACKED, b"older"), Action.UPDATE),
        (_known(SUBJECT, State.DEAD, None, SENT), Action.DEAD),
        (_known(SUBJECT, State.DEAD, None, b"older"), Action.CREATE),
        (_known(SUBJECT, State.DEAD, b"oldest", b"older"), Action.UPDATE),
        (_known(SUBJECT, State.CONFLICT, b"older", SENT), Action.CONFLICT),
        (_known(SUBJECT, State.CONFLICT, b"older", b"older"), Action.CONFLICT),
        (_known(SUBJECT, State.IN_FLIGHT, None, SENT), Action.UNKNOWN),
        (_known(SUBJECT, State.UNKNOWN, SENT, SENT), Action.UNKNOWN),
    ],
)
def test_a_known_row_is_compared_by_its_digest(known: Known, action: Action) -> None:
    """By state and digest; what is open stays open until it was read back."""
    _, subject = _plan(ACKED_STUDY, known)
    assert subject.action is action
    assert subject.version_id == "4"


def test_rows_that_are_not_staged_are_passed_over() -> None:
    """A run over some subjects meets the ledger's rows of all: none shifts onto another."""
    others = [ACKED_STUDY._replace(id=name) for name in ("na", "nb", "nt")]
    rows = sorted([*others, ACKED_STUDY], key=lambda known: known.id)
    study, _ = _plan(*rows)
    assert study.action is Action.UNCHANGED


def test_another_patient_is_a_change() -> None:
    """The crosswalk is part of what is sent."""
    known = _known(SUBJECT, State.ACKED, SENT)
    _, subject = _plan(ACKED_STUDY, known, terms=_terms(answer=Answer("p2")))
    assert subject.action is Action.UPDATE


@pytest.mark.parametrize("reason", list(Unresolved))
def test_an_unresolved_subject_is_parked(reason: Unresolved) -> None:
    """With the reason; the study is no subject's."""
    study, subject = _plan(terms=_terms(answer=Answer(reason=reason)))
    assert (study.action, subject.action, subject.reason) == (Action.CREATE, Action.PARKED, reason)


def test_a_subject_without_an_answer_is_parked() -> None:
    """Nobody asked for it: not in the crosswalk."""
    _, subject = _plan(terms=replace(_terms(), patients={}))
    assert (subject.action, subject.reason) == (Action.PARKED, "not-in-crosswalk")


def test_an_unsupported_type_says_why() -> None:
    """The reason is the capability's."""
    study, _ = _plan(terms=_terms(Strategy.UNSUPPORTED))
    assert (study.action, study.reason) == (Action.UNSUPPORTED, "said so")


def _after(outcome: Outcome, known: Known | None = None) -> Planned:
    """Return the plan of the subject when its study became `outcome`."""
    planner = Planner(
        ROWS,
        KnownRows(*([known] if known else [])),
        _terms(),
    )
    waves = planner.waves()
    (study,) = next(waves)
    planner.note(settled(study, outcome))
    (subject,) = next(waves)
    return subject


@pytest.mark.parametrize("outcome", [Outcome.DEAD, Outcome.UNKNOWN])
def test_children_of_an_absent_parent_are_blocked(outcome: Outcome) -> None:
    """Dead or unknown in this run."""
    subject = _after(outcome)
    assert (subject.action, subject.reason) == (Action.BLOCKED, f"ResearchStudy is {outcome}")


def test_children_of_an_older_parent_go_on() -> None:
    """A refused change leaves the server's older version to refer to."""
    older = _known(STUDY, State.ACKED, b"older")
    assert _after(Outcome.DEAD, older).action is Action.CREATE


def test_children_of_somebodys_parent_go_on() -> None:
    """In conflict means that the server holds one."""
    assert _after(Outcome.CONFLICT).action is Action.CREATE


def test_children_of_a_parent_dead_before_are_blocked() -> None:
    """Dead in an earlier run, and never on the server."""
    _, subject = _plan(_known(STUDY, State.DEAD, None, STUDY.body))
    assert subject.action is Action.BLOCKED


def test_references_follow_the_id_that_the_server_gave() -> None:
    """In the same run, and from the ledger in the next."""
    terms = _terms(Strategy.CONDITIONAL_PUT)
    planner = Planner(ROWS, KnownRows(), terms)
    waves = planner.waves()
    (study,) = next(waves)
    planner.note(settled(study, Outcome.ACKNOWLEDGED, server_id="77"))
    (subject,) = next(waves)
    assert b'"reference":"ResearchStudy/77"' in subject.body
    known = ACKED_STUDY._replace(server_id="77")
    _, again = _plan(known, terms=terms)
    assert again.body == subject.body


def test_a_conditional_body_has_no_id_and_a_token() -> None:
    """It is found by its business identifier."""
    study, _ = _plan(terms=_terms(Strategy.CONDITIONAL_PUT))
    assert b'"id"' not in study.body
    assert (study.token, study.server_id) == (("urn:b", "s"), "")


@pytest.mark.parametrize(("acked", "action"), [(None, Action.CREATE), (b"older", Action.UPDATE)])
def test_a_row_to_be_sent_again_is_a_write(acked: bytes | None, action: Action) -> None:
    """Over the version that was read, whatever the ledger last knew."""
    known = _known(SUBJECT, State.UNKNOWN, acked, SENT)
    planner = Planner(
        ROWS,
        KnownRows(ACKED_STUDY, known),
        _terms(),
    )
    planner.resend[known.key] = Resend("9")
    _, subject = [item for wave in planner.waves() for item in wave]
    assert (subject.action, subject.version_id) == (action, "9")
