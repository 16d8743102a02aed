"""Outcomes, ranks and the funnel: negation happens here and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from hospital_records import AS_OF, asked
from netfhir.screening.engines.python import permitted
from netfhir.screening.facts import Consent
from netfhir.screening.rollup import Funnel, ranked, rolled_up
from netfhir.screening.verdicts import Line

HUMAN = {"I1", "E4", "E6", "E15"}


def lines(**changed: dict[str, Any]) -> list[Line]:
    """Return the verdicts of an eligible patient, some of them changed."""
    found = []
    for key in asked().file.criteria:
        status = "unknown" if key in HUMAN else "met" if key[0] == "I" else "not-met"
        cause = "not-machine-decidable" if key in HUMAN else None
        asks = f"{key}?" if key in HUMAN else None
        one = Line("p", key, status, cause, None, asks, 2 if asks else 0, key not in HUMAN)  # type: ignore[arg-type]
        found.append(replace(one, **changed.get(key, {})))
    return found


def test_a_patient_with_only_human_questions_left_is_a_candidate() -> None:
    """What only a person can answer does not stand against."""
    one = rolled_up(asked(), lines())
    assert (one.outcome, one.ranked, set(one.deciding)) == ("candidate", True, HUMAN)


def test_a_met_exclusion_and_an_unmet_inclusion_exclude() -> None:
    """The deciding criteria are those that exclude."""
    one = rolled_up(asked(), lines(E8={"status": "met"}, I3={"status": "not-met"}))
    assert (one.outcome, one.deciding, one.ranked) == ("excluded", ("I3", "E8"), False)


def test_what_does_not_apply_does_not_stand_against() -> None:
    """A man is no less a candidate for the criterion of pregnancy."""
    assert rolled_up(asked(), lines(E5={"status": "not-applicable"})).outcome == "candidate"


def test_the_cheapest_question_comes_first_and_a_person_s_judgement_last() -> None:
    """Read a report before ordering a test; consent is asked for at the end."""
    unknown = {"status": "unknown", "cause": "no-data"}
    one = rolled_up(
        asked(),
        lines(
            E12=unknown | {"question": "Order an albumin", "cost": 4},
            I5=unknown | {"question": "Read the report", "cost": 1},
            E3=unknown | {"question": "Read the report", "cost": 1},
        ),
    )
    assert one.outcome == "undecided"
    assert one.deciding == ("I5", "E3", "E12")
    assert [q.question for q in one.questions[:2]] == ["Read the report", "Order an albumin"]
    assert [q.criterion for q in one.questions[2:]] == ["I1", "E4", "E6", "E15"]


@pytest.mark.parametrize(("evident", "is_ranked"), [(True, True), (False, False)])
def test_only_who_has_evidence_of_the_entry_criterion_is_ranked(
    *, evident: bool, is_ranked: bool
) -> None:
    """A hospital's other patients are counted, not listed by rank."""
    unknown = {"status": "unknown", "cause": "no-data", "question": "?", "evident": evident}
    one = rolled_up(asked(), lines(I4=unknown))
    assert (one.outcome, one.ranked) == ("undecided", is_ranked)
    assert bool(one.questions) is is_ranked


def test_the_dead_are_not_ranked() -> None:
    """Nobody is asked about a patient who has died."""
    assert not rolled_up(asked(), lines(), deceased=True).ranked


def test_candidates_come_before_the_undecided_and_few_questions_before_many() -> None:
    """Ranks count from 1 and leave out who is excluded."""
    unknown = {"status": "unknown", "question": "?", "cost": 4}
    two = [replace(line, patient="two") for line in lines(E8=unknown)]
    three = [
        replace(line, patient="three") for line in lines(E8=unknown, E9=unknown | {"question": "!"})
    ]
    out = [replace(line, patient="out") for line in lines(E8={"status": "met"})]
    found = ranked(rolled_up(asked(), one) for one in (three, out, two, lines()))
    assert [(one.rank, one.patient) for one in found] == [(1, "p"), (2, "two"), (3, "three")]


def test_the_funnel_counts_who_is_excluded_until_a_date() -> None:
    """Only if everything that excludes lifts."""
    funnel = Funnel()
    lifts = {"status": "met", "resolves_on": date(2026, 6, 1)}
    for verdicts in (lines(E1=lifts), lines(E1=lifts, E8={"status": "met"}), lines()):
        funnel.add(verdicts, rolled_up(asked(), verdicts))
    assert (funnel.patients, funnel.outcomes["excluded"], funnel.lifting) == (3, 2, 1)


def decision(*, permit: bool, day: int, end: date | None = None) -> Consent:
    """Return a decision of May."""
    return Consent(permit, date(2026, 5, day), None, end)


@pytest.mark.parametrize(
    ("mode", "consents", "screened"),
    [
        ("opt-out", [], True),
        ("opt-in", [], False),
        ("opt-in", [decision(permit=True, day=1)], True),
        ("opt-out", [decision(permit=False, day=1)], False),
        ("opt-out", [decision(permit=False, day=1), decision(permit=True, day=2)], True),
        ("opt-out", [decision(permit=True, day=1), decision(permit=False, day=1)], False),
        ("opt-out", [decision(permit=False, day=1, end=date(2026, 5, 3))], True),
        ("opt-in", [decision(permit=True, day=1, end=date(2026, 5, 3))], False),
    ],
)
def test_the_latest_decision_counts(mode: str, consents: list[Consent], *, screened: bool) -> None:
    """Of one day the refusal; without any, the rule of the site."""
    site = asked().site.model_copy(update={"consent": mode})
    assert asked().as_of == AS_OF
    assert permitted(replace(asked(), site=site), consents) is screened
