"""From 25 verdicts to one outcome for each patient, who is asked about first, and the funnel.

Negation happens here and nowhere else: an exclusion that is met excludes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netfhir.screening.protocol import Protocol
    from netfhir.screening.verdicts import Line

Outcome = Literal["candidate", "undecided", "excluded"]
VERSION = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask next about a criterion, and how dear the answer is."""

    criterion: str
    question: str
    cost: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of candidates.ndjson, before and after it has its rank."""

    patient: str
    outcome: Outcome
    deciding: tuple[str, ...]
    questions: tuple[Question, ...] = ()
    ranked: bool = False
    """Whether it takes part in the ranking."""
    rank: int | None = None

    @property
    def worth(self) -> tuple[int, int, int, str]:
        """Return what orders candidates: nothing open first, then few and cheap questions."""
        cost = sum(one.cost for one in self.questions)
        return self.outcome != "candidate", len(self.questions), cost, self.patient

    def as_row(self) -> dict[str, Any]:
        """Return the row; its keys and their order are fixed."""
        return {
            "patient": self.patient,
            "outcome": self.outcome,
            "rank": self.rank,
            "deciding": list(self.deciding),
            "questions": [
                {"criterion": one.criterion, "question": one.question} for one in self.questions
            ],
        }


def rolled_up(protocol: Protocol, verdicts: Sequence[Line], *, deceased: bool = False) -> Candidate:
    """Return the outcome of one patient's verdicts; deciding are the criteria that made it.

    Who has died is never ranked.

    Of an excluded patient these are the criteria that exclude, of an undecided one those that are
    open, of a candidate those that only a person can answer.
    """
    patient = verdicts[0].patient
    criteria = protocol.file.criteria
    against = [v for v in verdicts if v.status == _failing(v.criterion)]
    if against:
        return Candidate(patient, "excluded", tuple(v.criterion for v in against))
    entry = next(v for v in verdicts if v.criterion == protocol.entry())
    unknown = [v for v in verdicts if v.status == "unknown"]
    ranked = not deceased and (entry.status != "unknown" or entry.evident)
    later = [v for v in unknown if criteria[v.criterion].human_only]
    sooner = [v for v in unknown if not criteria[v.criterion].human_only]
    questions = (*_questions(sooner), *_questions(later)) if ranked else ()
    open_ = [v.criterion for v in sooner]
    if entry.status != "unknown" and not open_:
        deciding = tuple(v.criterion for v in unknown)
        return Candidate(patient, "candidate", deciding, questions, ranked=ranked)
    deciding = tuple(open_) or tuple(v.criterion for v in unknown)
    return Candidate(patient, "undecided", deciding, questions, ranked=ranked)


def _failing(criterion: str) -> str:
    return "not-met" if criterion.startswith("I") else "met"


def _questions(unknown: Iterable[Line]) -> tuple[Question, ...]:
    """Return the questions, the cheapest first; one question of two criteria is asked once.

    What only a person decides is asked when the record has nothing left to say.
    """
    asked: dict[str, Question] = {}
    for verdict in sorted(unknown, key=lambda v: v.cost):
        if verdict.question:
            question = Question(verdict.criterion, verdict.question, verdict.cost)
            asked.setdefault(verdict.question, question)
    return tuple(asked.values())


@dataclass(slots=True)
class Funnel:
    """The sums of a run: verdicts by criterion, causes, and outcomes."""

    patients: int = 0
    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    causes: dict[str, Counter[str]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    ranked: int = 0
    lifting: int = 0
    """Excluded only by criteria that lift on a date."""
    not_consented: int = 0

    def add(self, verdicts: Sequence[Line], candidate: Candidate) -> None:
        """Count one patient."""
        self.patients += 1
        self.outcomes[candidate.outcome] += 1
        self.ranked += candidate.ranked
        self.not_consented += verdicts[0].cause == "not-consented"
        for verdict in verdicts:
            self.count(verdict.criterion, verdict.status, verdict.cause)
        excluding = [v for v in verdicts if v.criterion in candidate.deciding]
        if candidate.outcome == "excluded" and all(v.resolves_on for v in excluding):
            self.lifting += 1

    @classmethod
    def of(cls, body: dict[str, Any]) -> Funnel:
        """Return the sums that a funnel.json tells."""
        made = cls(
            body["patients"],
            outcomes=Counter(body["outcomes"]),
            ranked=body["ranked"],
            lifting=body["excluded_until_a_date"],
            not_consented=body["not_consented"],
        )
        for key, row in body["criteria"].items():
            made.causes[key] = Counter(row["causes"])
            made.statuses[key] = Counter({k: n for k, n in row.items() if k != "causes"})
        return made

    def replaced(self, before: Funnel, after: Funnel) -> Funnel:
        """Return the sums with those of some patients, as they were, put for what they are."""
        made = Funnel(
            self.patients - before.patients + after.patients,
            ranked=self.ranked - before.ranked + after.ranked,
            lifting=self.lifting - before.lifting + after.lifting,
            not_consented=self.not_consented - before.not_consented + after.not_consented,
        )
        for one, sign in ((self, 1), (before, -1), (after, 1)):
            _add(made.outcomes, one.outcomes, sign)
            for mine, theirs in ((made.statuses, one.statuses), (made.causes, one.causes)):
                for key, counts in theirs.items():
                    _add(mine.setdefault(key, Counter()), counts, sign)
        for causes in made.causes.values():
            for name in [name for name, number in causes.items() if not number]:
                del causes[name]
        return made

    def count(self, criterion: str, status: str, cause: str | None, number: int = 1) -> None:
        """Count so many verdicts of one kind."""
        self.statuses.setdefault(criterion, Counter())[status] += number
        if cause:
            self.causes.setdefault(criterion, Counter())[cause] += number


def _add(sums: Counter[str], more: Counter[str], sign: int) -> None:
    for name, number in more.items():
        sums[name] += sign * number


def document(
    protocol: Protocol, engine: str, funnel: Funnel, problems: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return funnel.json: engine, criteria digest and the day stand here, and only here."""
    statuses = ("met", "not-met", "unknown", "not-applicable")
    return {
        "version": VERSION,
        "trial": protocol.trial,
        "protocol": protocol.file.protocol,
        "criteria_digest": protocol.file.digest(),
        "as_of": protocol.as_of.isoformat(),
        "engine": engine,
        "consent": protocol.site.consent,
        "coverage": sorted(protocol.site.coverage),
        "patients": funnel.patients,
        "not_consented": funnel.not_consented,
        "outcomes": {name: funnel.outcomes[name] for name in _OUTCOMES},
        "ranked": funnel.ranked,
        "excluded_until_a_date": funnel.lifting,
        "criteria": {
            key: {
                **{status: funnel.statuses.get(key, Counter())[status] for status in statuses},
                "causes": dict(sorted(funnel.causes.get(key, Counter()).items())),
            }
            for key in protocol.file.criteria
        },
        "problems": problems,
    }


_OUTCOMES: tuple[Outcome, ...] = ("candidate", "undecided", "excluded")


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return those who take part in the ranking, with their ranks from 1."""
    first = sorted((one for one in candidates if one.ranked), key=lambda one: one.worth)
    return [replace(one, rank=rank) for rank, one in enumerate(first, 1)]
