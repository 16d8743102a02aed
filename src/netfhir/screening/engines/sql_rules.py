"""The rule of a criterion as SQL over the answers to its needs: combining.py, column by column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from sqlglot import exp

from netfhir.screening.criteria import UNDECIDED
from netfhir.screening.engines.combining import CLARIFY, DISAGREE
from netfhir.screening.engines.sql import Sql, cases, fragment
from netfhir.screening.engines.sql_needs import NO_EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from netfhir.screening.criteria import Ambiguity, Criterion, Rule

NULL = exp.null()


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of a rule says, column by column."""

    truth: Sql
    cause: Sql
    evidence: Sql
    resolves: Sql
    question: Sql
    cost: Sql

    @classmethod
    def of(cls, number: int) -> Part:
        """Return the columns of a need by its number."""
        return cls(*(exp.column(f"{letter}{number}") for letter in "tcerqk"))


def asked(criterion: Criterion) -> list[str]:
    """Return the needs that the readings in use ask for, each once."""
    return list(dict.fromkeys(_asked(criterion.rule, criterion)))


def _asked(rule: Rule, criterion: Criterion) -> Iterator[str]:
    for name in rule.names():
        ambiguity = criterion.ambiguities.get(name)
        if ambiguity is None:
            yield name
            continue
        for reading, part in ambiguity.readings.items():
            if ambiguity.use in (reading, UNDECIDED):
                yield from part.names()


def compiled(  # noqa: PLR0911 - one return for each operator
    rule: Rule, criterion: Criterion, needs: Mapping[str, Part]
) -> Part:
    """Return what the rule says, in terms of its needs."""

    def parts(of: Iterable[Rule]) -> list[Part]:
        return [compiled(part, criterion, needs) for part in of]

    if rule.name in criterion.ambiguities:
        ambiguity = criterion.ambiguities[rule.name]
        if ambiguity.use != UNDECIDED:
            return compiled(ambiguity.readings[ambiguity.use], criterion, needs)
        return _undecided(ambiguity, parts(ambiguity.readings.values()))
    if rule.name:
        return needs[rule.name]
    if rule.all:
        return _decided(parts(rule.all), by=False)
    if rule.any:
        return _decided(parts(rule.any), by=True)
    if rule.agree:
        return _agreed(parts(rule.agree))
    assert rule.negated is not None  # noqa: S101 - a rule has exactly one operator
    inner = compiled(rule.negated, criterion, needs)
    return replace(inner, truth=exp.not_(exp.paren(inner.truth, copy=False), copy=False))


def _decided(parts: Sequence[Part], *, by: bool) -> Part:
    decides = [fragment("(:truth) IS NOT DISTINCT FROM :by", truth=p.truth, by=by) for p in parts]
    some, open_ = exp.or_(*decides, copy=False), _open(parts)
    word, other = exp.convert(by), exp.convert(not by)
    resolved = [
        fragment("NOT (:decides) OR :day IS NOT NULL", decides=one, day=part.resolves)
        for one, part in zip(decides, parts, strict=True)
    ]
    days = [cases([(one, part.resolves)], NULL) for one, part in zip(decides, parts, strict=True)]
    latest = (
        exp.Greatest(this=days[0], expressions=days[1:], ignore_nulls=True)
        if len(days) > 1
        else days[0]
    )
    return Part(
        cases([(some, word), (open_, NULL)], other),
        _first(parts, "cause"),
        cases([(some, _those(parts, decides))], _all(parts)),
        cases([(exp.and_(some, *resolved, copy=False), latest)], NULL),
        _first(parts, "question"),
        _first(parts, "cost"),
    )


def _agreed(parts: Sequence[Part]) -> Part:
    yes, no = _some(parts, value=True), _some(parts, value=False)
    differ = exp.and_(exp.paren(yes, copy=False), exp.paren(no, copy=False))
    known = [fragment("(:truth) IS NOT NULL", truth=part.truth) for part in parts]
    one = fragment("(:yes) <> (:no)", yes=yes, no=no)
    return Part(
        cases([(differ, NULL), (yes, exp.true()), (no, exp.false())], NULL),
        cases([(differ, exp.Literal.string("conflicting"))], _first(parts, "cause")),
        cases([(one, _those(parts, known))], _all(parts)),
        NULL,
        cases([(differ, exp.Literal.string(DISAGREE))], _first(parts, "question")),
        cases([(differ, exp.convert(CLARIFY))], _first(parts, "cost")),
    )


def _undecided(ambiguity: Ambiguity, parts: Sequence[Part]) -> Part:
    differ = exp.and_(exp.paren(_some(parts, value=True)), exp.paren(_some(parts, value=False)))
    said = exp.Literal.string(ambiguity.text)
    open_ = [(fragment("(:truth) IS NULL", truth=part.truth), part.evidence) for part in parts]
    return Part(
        cases([(differ, NULL), (_open(parts), NULL)], parts[0].truth),
        cases([(differ, exp.Literal.string("ambiguous-protocol"))], _first(parts, "cause")),
        cases([(differ, _all(parts)), *open_], parts[0].evidence),
        cases([(differ, NULL), (_open(parts), NULL)], parts[0].resolves),
        cases([(differ, said)], _first(parts, "question")),
        cases([(differ, exp.convert(CLARIFY))], _first(parts, "cost")),
    )


def _open(parts: Sequence[Part]) -> Sql:
    return exp.or_(*(fragment("(:truth) IS NULL", truth=part.truth) for part in parts))


def _some(parts: Sequence[Part], *, value: bool) -> Sql:
    return exp.or_(
        *(fragment("(:truth) IS NOT DISTINCT FROM :v", truth=p.truth, v=value) for p in parts)
    )


def _first(parts: Sequence[Part], column: str) -> Sql:
    """Return a column of the first part that is unknown."""
    return cases(
        [(fragment("(:truth) IS NULL", truth=p.truth), getattr(p, column)) for p in parts], NULL
    )


def _all(parts: Sequence[Part]) -> Sql:
    return _joined([part.evidence for part in parts])


def _those(parts: Sequence[Part], chosen: Sequence[Sql]) -> Sql:
    return _joined(
        [cases([(c, p.evidence)], NO_EVIDENCE) for c, p in zip(chosen, parts, strict=True)]
    )


def _joined(lists: Sequence[Sql]) -> Sql:
    return reduce(lambda a, b: fragment("LIST_CONCAT(:a, :b)", a=a, b=b), lists)
