"""Screening against 2,000 synthetic patients whose true answers were stated by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hospital_records import asked, overlay, record
from netfhir.screening.engines.python import verdicts
from netfhir.screening.needs import Facts, Presence

PATIENTS = 2_000
CRITERIA = asked().file.criteria
COMPUTABLE = [key for key, one in CRITERIA.items() if not one.human_only and key != "I2"]


@pytest.mark.parametrize("covered", [False, True], ids=["silent", "covered"])
def test_the_confusion_matrix_is_diagonal_with_the_right_causes(*, covered: bool) -> None:
    """Status and cause of all 25 criteria are what the scenes state, complete sources or not."""
    wrong: Counter[tuple[str, object, object]] = Counter()
    seen: dict[str, set[str]] = {key: set() for key in CRITERIA}
    for made in overlay.patients(PATIENTS, covered=covered):
        for verdict in verdicts(asked(covered=covered), record(made.resources)):
            truth = made.truth[verdict.criterion]
            seen[verdict.criterion].add(truth[0])
            if (verdict.status, verdict.cause) != tuple(truth):
                wrong[verdict.criterion, truth, (verdict.status, verdict.cause)] += 1
    assert not wrong
    for key in COMPUTABLE if covered else ():
        wanted = {"met", "unknown"} if key == "I6" else {"met", "not-met", "unknown"}
        assert wanted <= seen[key], key
    assert "not-applicable" in seen["E5"]


def test_absence_never_answers_where_no_source_is_complete() -> None:
    """A verdict other than unknown has evidence, or does not apply."""
    for made in overlay.patients(300):
        for verdict in verdicts(asked(), record(made.resources)):
            decided = verdict.status in {"met", "not-met"}
            assert bool(verdict.evidence) or not decided, verdict


@pytest.mark.parametrize("key", COMPUTABLE)
@settings(max_examples=15, deadline=None)
@given(number=st.integers(1, 100_000))
def test_withholding_every_fact_makes_a_criterion_unknown(key: str, number: int) -> None:
    """Without the facts that it names it is unknown without data, unless it does not apply."""
    made = overlay.patient(number, clean=0.5, prevalence=1, covered=False)
    whole = record(made.resources)
    named = {
        n for need in CRITERIA[key].needs.values() if isinstance(need, Facts) for n in need.concepts
    }
    named |= {
        n
        for need in CRITERIA[key].needs.values()
        if isinstance(need, Presence)
        for n in need.against
    }
    bare = replace(whole, facts=[f for f in whole.facts if f.concept not in named], gaps=[])
    found = next(v for v in verdicts(asked(), bare) if v.criterion == key)
    expected = {("unknown", "no-data"), ("unknown", "not-consented"), ("not-applicable", None)}
    assert (found.status, found.cause) in expected
    assert not found.evidence


@pytest.mark.parametrize("key", COMPUTABLE)
@settings(max_examples=10, deadline=None)
@given(number=st.integers(1, 100_000), place=st.integers(0, 9))
def test_withholding_one_need_never_turns_an_answer_round(
    key: str, number: int, place: int
) -> None:
    """With one need's facts withheld the answer is the same or unknown, never the contrary.

    Only a need that may speak against another (`agree`, `against`) can decide by its silence.
    """
    criterion = CRITERIA[key]
    needs = [need for need in criterion.needs.values() if isinstance(need, Facts)]
    need = needs[place % len(needs)]
    made = overlay.patient(number, clean=0.5, prevalence=1, covered=False)
    whole = record(made.resources)
    part = replace(whole, facts=[f for f in whole.facts if f.concept not in need.concepts])
    before, after = (
        next(v for v in verdicts(asked(), one) if v.criterion == key) for one in (whole, part)
    )
    if before.cause != "conflicting" and key != "E2":
        assert after.status in {before.status, "unknown"}
