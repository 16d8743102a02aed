"""Screening against 2,000 synthetic patients whose true answers were stated by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hospital_records import asked, overlay, record
from netfhir.screening.engines.answering import Chart, answer
from netfhir.screening.engines.combining import conclude
from netfhir.screening.engines.python import verdicts
from netfhir.screening.needs import Facts, Presence
from netfhir.screening.verdicts import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfhir.screening.criteria import Criterion, Rule

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


def kleene(  # noqa: PLR0911 - one return for each operator
    rule: Rule, criterion: Criterion, truths: Mapping[str, bool | None]
) -> bool | None:
    """Return what Kleene's tables give for a rule; told by hand, and of truths alone."""
    if rule.name in criterion.ambiguities:
        ambiguity = criterion.ambiguities[rule.name]
        if ambiguity.use in ambiguity.readings:
            return kleene(ambiguity.readings[ambiguity.use], criterion, truths)
        said = {kleene(one, criterion, truths) for one in ambiguity.readings.values()}
        return said.pop() if len(said) == 1 else None
    if rule.negated is not None:
        inner = kleene(rule.negated, criterion, truths)
        return None if inner is None else not inner
    if rule.name:
        return truths[rule.name]
    parts = [kleene(one, criterion, truths) for one in (*rule.all, *rule.any, *rule.agree)]
    if rule.all:
        return False if False in parts else None if None in parts else True
    if rule.any:
        return True if True in parts else None if None in parts else False
    known = {*parts} - {None}
    return known.pop() if len(known) == 1 else None


def chart(number: int) -> Chart:
    """Return a patient's record, ready to be asked."""
    made = overlay.patient(number, clean=0.5, prevalence=1, covered=False)
    return Chart(asked(), record(made.resources))


def truths(criterion: Criterion, of: Chart) -> dict[str, bool | None]:
    """Return what each need says."""
    return {name: answer(need, of).truth for name, need in criterion.needs.items()}


@pytest.mark.parametrize("key", CRITERIA)
@settings(max_examples=20, deadline=None)
@given(number=st.integers(1, 100_000), place=st.integers(0, 9))
def test_an_unknown_leaf_gives_what_its_kleene_table_gives(
    key: str, number: int, place: int
) -> None:
    """Whatever the other needs say: with one of them unknown, the rule says what Kleene's does."""
    criterion = CRITERIA[key]
    unknown = list(criterion.needs)[place % len(criterion.needs)]
    held = chart(number)

    def ask(name: str) -> Answer:
        if name == unknown:
            return Answer(None, "no-data", question="?", cost=1)
        return answer(criterion.needs[name], held)

    expected = kleene(criterion.rule, criterion, {**truths(criterion, held), unknown: None})
    found = conclude(criterion, ask)
    assert found.truth is expected
    assert (found.cause is None) is (found.truth is not None)


@pytest.mark.parametrize("key", COMPUTABLE)
@settings(max_examples=20, deadline=None)
@given(number=st.integers(1, 100_000), place=st.integers(0, 9))
def test_withholding_one_need_gives_what_its_kleene_table_gives(
    key: str, number: int, place: int
) -> None:
    """Without its facts a need is unknown, or false by what speaks against it; the rest follows."""
    criterion = CRITERIA[key]
    needs = {name: need for name, need in criterion.needs.items() if isinstance(need, Facts)}
    name, need = list(needs.items())[place % len(needs)]
    whole = chart(number)
    kept = [fact for fact in whole.record.facts if fact.concept not in need.concepts]
    part = Chart(asked(), replace(whole.record, facts=kept))
    after = truths(criterion, part)
    against = isinstance(need, Presence) and any(fact.concept in need.against for fact in kept)
    assert after[name] is None or (against and after[name] is False)
    found = next(v for v in verdicts(asked(), part.record) if v.criterion == key)
    if found.cause == "not-consented" or found.status == "not-applicable":
        return
    said = {True: "met", False: "not-met", None: "unknown"}
    assert found.status == said[kleene(criterion.rule, criterion, after)]
