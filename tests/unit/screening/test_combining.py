"""Three-valued logic, and what becomes of evidence, cause and question."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from netfhir.screening.criteria import Ambiguity
from netfhir.screening.engines.combining import agreed, every, opposite, some, undecided
from netfhir.screening.verdicts import Answer, Evidence

T, F, U = True, False, None


def part(truth: bool | None, name: str = "a", resolves: date | None = None) -> Answer:  # noqa: FBT001 - a truth value
    """Return an answer with one piece of evidence."""
    fact = Evidence("Observation", name, "", "1", "", "", None, None)
    question = f"What about {name}?" if truth is None else ""
    return Answer(truth, "no-data" if truth is None else None, (fact,), resolves, question, 1)


@pytest.mark.parametrize(("a", "b"), list(product((T, F, U), repeat=2)))
def test_conjunction_and_disjunction_are_kleene_s(a: bool | None, b: bool | None) -> None:  # noqa: FBT001 - truth values
    """False decides `all`, true decides `any`; unknown stays where nothing decides."""
    conjunction = F if F in (a, b) else U if U in (a, b) else T
    disjunction = T if T in (a, b) else U if U in (a, b) else F
    assert every([part(a), part(b)]).truth is conjunction
    assert some([part(a), part(b)]).truth is disjunction
    assert opposite(part(a)).truth is (None if a is None else not a)


def test_only_what_decides_is_evidence() -> None:
    """A low albumin is no evidence where a normal prothrombin time decides."""
    decided = every([part(T, "albumin"), part(F, "time")])
    assert [one.id for one in decided.evidence] == ["time"]


def test_what_is_open_asks_the_first_question() -> None:
    """Evidence at hand is kept, and the question is of the part that is unknown."""
    open_ = every([part(T, "site"), part(U, "grade"), part(U, "index")])
    assert open_.question == "What about grade?"
    assert [one.id for one in open_.evidence] == ["site", "grade", "index"]


def test_sources_that_differ_conflict() -> None:
    """`agree` takes what those say that know; a contradiction is unknown and says so."""
    assert agreed([part(T), part(U)]).truth is True
    assert agreed([part(U), part(F)]).truth is False
    assert (agreed([part(T), part(F)]).truth, agreed([part(T), part(F)]).cause) == (
        None,
        "conflicting",
    )
    assert agreed([part(U), part(U)]).cause == "no-data"


def test_readings_that_differ_are_ambiguous() -> None:
    """Exactly 20 %: both readings are evidence, and the question quotes the ambiguity."""
    words = Ambiguity(text="Ask.", readings={"a": "x", "b": "y"}, use="unknown")
    differ = undecided(words, [part(F, "printed"), part(T, "who")])
    assert (differ.truth, differ.cause, differ.question) == (None, "ambiguous-protocol", "Ask.")
    assert undecided(words, [part(T, "printed"), part(T, "who")]).truth is True
    assert [e.id for e in undecided(words, [part(T, "printed"), part(T, "who")]).evidence] == [
        "printed"
    ]


def test_it_lifts_when_all_that_excludes_lifts() -> None:
    """Surgery and chemotherapy: the later date; with one that never lifts, none."""
    early, late = date(2026, 5, 20), date(2026, 6, 1)
    assert some([part(T, "a", early), part(T, "b", late)]).resolves_on == late
    assert some([part(T, "a", early), part(T, "b")]).resolves_on is None
    assert some([part(T, "a", early), part(F, "b")]).resolves_on == early
