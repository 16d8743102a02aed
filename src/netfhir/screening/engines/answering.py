"""What each kind of need says of one patient; this defines the meaning for every engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, assert_never

from netfhir.screening.days import Days, birthday, completed_years
from netfhir.screening.engines.comparing import compare
from netfhir.screening.engines.placing import Placed, clipped, placed, rank
from netfhir.screening.facts import Fact, Record, newest
from netfhir.screening.needs import Age, AnyNeed, Facts, Need, Person, Presence, Recent, Value
from netfhir.screening.shapes import COVERAGE
from netfhir.screening.verdicts import Answer, Evidence, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netfhir.screening.facts import Cause, Gap
    from netfhir.screening.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Chart:
    """One patient's record, ready to be asked."""

    protocol: Protocol
    record: Record
    facts: dict[str, list[Fact]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort the facts by concept set; of copies of one resource, the latest stays."""
        found: dict[str, list[Fact]] = {}
        for fact in newest(self.record.facts):
            found.setdefault(fact.concept, []).append(fact)
        object.__setattr__(self, "facts", found)

    def of(self, concepts: Iterable[str]) -> list[Fact]:
        """Return the facts of these sets, a resource once, in order of type and id."""
        found = {(f.type, f.id): f for name in concepts for f in self.facts.get(name, [])}
        return [found[key] for key in sorted(found)]

    def latest(self, concept: str) -> Fact | None:
        """Return the latest certain event of a set up to the day of the screening."""
        as_of = self.protocol.as_of
        known = [clipped(fact, as_of) for fact in self.of([concept]) if not fact.weak]
        dated = [fact for fact in known if fact.lo is not None and fact.lo <= as_of]
        return max(dated, key=rank, default=None)

    def anchor(self, concept: str) -> Days | None:
        """Return the days of the latest event of a set."""
        fact = self.latest(concept)
        return Days(fact.lo, fact.hi) if fact and fact.lo and fact.hi else None


def answer(need: AnyNeed, chart: Chart) -> Answer:
    """Return what the record says to a need."""
    match need:
        case Person():
            return _unknown(need, chart, "not-machine-decidable")
        case Age():
            return _age(need, chart)
        case Value():
            return _value(need, chart)
        case Presence():
            return _presence(need, chart)
        case Recent():
            return _recent(need, chart)
        case _:
            assert_never(need)


def _unknown(need: Need, chart: Chart, cause: Cause, evidence: tuple[Evidence, ...] = ()) -> Answer:
    """Return unknown with its question: of a document in the record, if there is one."""
    document = need.document
    if document is not None:
        held = chart.latest(document.concept)
        if held is not None and held.lo == held.hi and held.hi is not None:
            question = document.ask.replace("{date}", spoken(held.hi))
            return Answer(None, cause, evidence, question=question, cost=document.cost)
    return Answer(None, cause, evidence, question=need.ask, cost=need.cost)


def _age(need: Age, chart: Chart) -> Answer:
    person, as_of = chart.record.person, chart.protocol.as_of
    lo, hi = person.born_lo, person.born_hi
    if lo is None or hi is None:
        broken = any(gap.type == "Patient" for gap in chart.record.gaps)
        return _unknown(need, chart, "data-error" if broken else "no-data")
    most, least = completed_years(lo, as_of), completed_years(hi, as_of)
    value = str(most) if most == least else ""
    threshold = f">= {need.at_least_years} a"
    evidence = (
        Evidence(
            "Patient", person.id, person.version, value, "a" if value else "", threshold, lo, hi
        ),
    )
    if least >= need.at_least_years:
        return Answer(truth=True, evidence=evidence)
    if most >= need.at_least_years:
        return _unknown(need, chart, "no-data", evidence)
    resolves = birthday(hi, need.at_least_years) if lo == hi else None
    return Answer(truth=False, evidence=evidence, resolves_on=resolves)


def _value(need: Value, chart: Chart) -> Answer:
    found = _placed(need, need.concepts, chart)
    if found is None:
        return _unknown(need, chart, "no-data")
    kept = [one for one in found if one.place != "out"]
    if not kept:
        return _outside(need, found, chart)
    outcomes = [(_outcome(need, one), one.fact) for one in _latest(kept)]
    evidence = tuple(Evidence.of(fact, words) for (_, _, words), fact in outcomes)
    truths = {truth for (truth, _, _), _ in outcomes}
    if {True, False} <= truths:
        return _unknown(need, chart, "conflicting", evidence)
    if None in truths:
        cause = next(cause for (truth, cause, _), _ in outcomes if truth is None)
        return _unknown(need, chart, cause or "no-data", evidence)
    return Answer(truths == {True}, evidence=evidence)


def _outcome(need: Value, one: Placed) -> tuple[bool | None, Cause | None, str]:
    truth, cause, words = compare(need, one.fact)
    if one.fact.defect:
        return None, one.fact.defect, words
    if one.place == "maybe":
        return None, one.cause, words
    if one.fact.weak:
        return None, "no-data", words
    return truth, cause, words


def _latest(kept: Sequence[Placed]) -> list[Placed]:
    """Return the facts of which each may be the latest; one with a broken date may be it too."""
    last = max((one.fact.lo for one in kept if one.fact.lo is not None), default=None)
    return [one for one in kept if _may_be_latest(one.fact, last)]


def _may_be_latest(fact: Fact, last: date | None) -> bool:
    if fact.hi is None:
        return last is None or fact.defect == "data-error"
    return last is None or fact.hi >= last


def _presence(need: Presence, chart: Chart) -> Answer:
    found = _placed(need, need.concepts, chart)
    if found is None:
        return _unknown(need, chart, "no-data")
    against = [one for one in _placed(need, need.against, chart) or [] if _sure(one)]
    sure = [one for one in found if _sure(one)]
    if sure and against:
        evidence = (_last(sure), _last(against))
        return _unknown(need, chart, "conflicting", evidence)
    if sure:
        return Answer(truth=True, evidence=(_last(sure),))
    unsure = [one for one in found if one.place != "out"]
    if unsure:
        last = max(unsure, key=lambda one: one.rank)
        cause = last.cause if last.place == "maybe" else "no-data"
        return _unknown(need, chart, cause or "no-data", (Evidence.of(last.fact),))
    if against:
        return Answer(truth=False, evidence=(_last(against),))
    return _outside(need, found, chart)


def _sure(one: Placed) -> bool:
    return one.place == "in" and not one.fact.weak


def _last(facts: Iterable[Placed]) -> Evidence:
    return Evidence.of(max(facts, key=lambda one: one.rank).fact)


def _recent(need: Recent, chart: Chart) -> Answer:
    found = _placed(need, need.concepts, chart) or []
    limit = chart.protocol.as_of - timedelta(days=need.less_than_days)
    known = [one for one in found if one.place == "in" and one.fact.lo and one.fact.hi]
    within = [one for one in known if not one.fact.weak and one.fact.lo and one.fact.lo > limit]
    older = [one for one in known if one.fact.hi and one.fact.hi <= limit and not one.fact.weak]
    rest = [one for one in found if one.place == "in" and (not one.fact.hi or one.fact.hi > limit)]
    words = f"< {need.less_than_days} d"
    if within:
        last = max(within, key=lambda one: one.rank).fact
        lifts = last.hi + timedelta(days=need.less_than_days) if last.hi else None
        return Answer(truth=True, evidence=(Evidence.of(last, words),), resolves_on=lifts)
    if rest:
        fact = max(rest, key=lambda one: one.rank).fact
        return _unknown(need, chart, "no-data", (Evidence.of(fact, words),))
    if not older:
        return _absent(need, chart)
    evidence = (Evidence.of(max(older, key=lambda one: one.rank).fact, words),)
    if need.older_decides:
        return Answer(truth=False, evidence=evidence)
    return replace(_absent(need, chart), evidence=evidence)


def _placed(need: Facts, concepts: Iterable[str], chart: Chart) -> list[Placed] | None:
    """Return the facts with their places; None where the window has no anchor."""
    anchor = chart.anchor(need.window.anchor) if need.window else None
    if need.window is not None and anchor is None:
        return None
    return placed(need, chart.of(concepts), chart.protocol.as_of, anchor)


def _outside(need: Facts, found: Sequence[Placed], chart: Chart) -> Answer:
    """Return unknown where all facts lie elsewhere in time, or what absence says."""
    if not found:
        return _absent(need, chart)
    last = max(found, key=lambda one: one.rank)
    return _unknown(need, chart, last.cause or "no-data", (Evidence.of(last.fact),))


def _bears(gap: Gap, concepts: Iterable[str]) -> bool:
    """Say whether a gap explains why the patient's record is silent about these sets."""
    if gap.cause == "local-code-unmapped":
        return gap.concept in concepts
    return bool(gap.patient)


def _absent(need: Facts, chart: Chart) -> Answer:
    """Return what the absence of facts says: nothing, unless all sources are declared complete."""
    covered = bool(need.covered_by) and set(need.covered_by) <= set(chart.protocol.site.coverage)
    relied = {kind for name in need.covered_by for kind in COVERAGE[name]} if covered else set()
    types = {kind for name in need.concepts for kind in chart.protocol.sets.sets[name].types}
    gaps = [
        gap
        for gap in chart.record.gaps
        if gap.type in relied or (gap.type in types and _bears(gap, need.concepts))
    ]
    causes = {gap.cause for gap in gaps}
    if covered and not causes:
        return Answer(truth=False)
    return _unknown(need, chart, min(causes, default="no-data"))
