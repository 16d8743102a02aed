"""Three-valued logic over answers: what decides keeps its evidence, what is open its question."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfhir.screening.criteria import UNDECIDED
from netfhir.screening.verdicts import Answer, Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from netfhir.screening.criteria import Ambiguity, Criterion, Rule

DISAGREE = "The sources disagree: which one is right?"
CLARIFY = 2
"""The cost of asking a person who can settle it."""


def conclude(criterion: Criterion, ask: Callable[[str], Answer]) -> Answer:
    """Return what the rule of a criterion says; `ask` answers a need by name."""
    return _rule(criterion.rule, criterion, ask)


def read(criterion: Criterion, reading: Rule, ask: Callable[[str], Answer]) -> Answer:
    """Return what one reading of an ambiguity says by itself."""
    return _rule(reading, criterion, ask)


def _rule(  # noqa: PLR0911 - one return for each operator
    rule: Rule, criterion: Criterion, ask: Callable[[str], Answer]
) -> Answer:
    def parts(of: Iterable[Rule]) -> list[Answer]:
        return [_rule(part, criterion, ask) for part in of]

    if rule.name in criterion.ambiguities:
        ambiguity = criterion.ambiguities[rule.name]
        if ambiguity.use != UNDECIDED:
            return _rule(ambiguity.readings[ambiguity.use], criterion, ask)
        return undecided(ambiguity, parts(ambiguity.readings.values()))
    if rule.name:
        return ask(rule.name)
    if rule.all:
        return every(parts(rule.all))
    if rule.any:
        return some(parts(rule.any))
    if rule.agree:
        return agreed(parts(rule.agree))
    assert rule.negated is not None  # noqa: S101 - a rule has exactly one operator
    return opposite(_rule(rule.negated, criterion, ask))


def every(parts: Sequence[Answer]) -> Answer:
    """Return false if one is false, else unknown if one is unknown, else true."""
    return _decided(parts, by=False)


def some(parts: Sequence[Answer]) -> Answer:
    """Return true if one is true, else unknown if one is unknown, else false."""
    return _decided(parts, by=True)


def _decided(parts: Sequence[Answer], *, by: bool) -> Answer:
    deciding = [part for part in parts if part.truth is by]
    if deciding:
        return Answer(by, evidence=_evidence(deciding), resolves_on=_all_resolve(deciding))
    if any(part.truth is None for part in parts):
        return _open(parts)
    return Answer(not by, evidence=_evidence(parts))


def opposite(part: Answer) -> Answer:
    """Return the contrary; unknown stays unknown."""
    return part if part.truth is None else replace(part, truth=not part.truth)


def agreed(parts: Sequence[Answer]) -> Answer:
    """Return what those say that know; conflicting if they differ."""
    known = {part.truth for part in parts} - {None}
    if len(known) == 1:
        (truth,) = known
        return Answer(truth, evidence=_evidence([part for part in parts if part.truth is truth]))
    if known:
        return Answer(None, "conflicting", _evidence(parts), question=DISAGREE, cost=CLARIFY)
    return _open(parts)


def undecided(ambiguity: Ambiguity, parts: Sequence[Answer]) -> Answer:
    """Return what all readings say; ambiguous if two of them differ."""
    known = {part.truth for part in parts} - {None}
    if len(known) > 1:
        asked = ambiguity.text
        return Answer(None, "ambiguous-protocol", _evidence(parts), question=asked, cost=CLARIFY)
    if any(part.truth is None for part in parts):
        return next(part for part in parts if part.truth is None)
    return parts[0]


def _open(parts: Sequence[Answer]) -> Answer:
    first = next(part for part in parts if part.truth is None)
    return replace(first, evidence=_evidence(parts), resolves_on=None)


def _evidence(parts: Iterable[Answer]) -> tuple[Evidence, ...]:
    return tuple(one for part in parts for one in part.evidence)


def _all_resolve(parts: Sequence[Answer]) -> date | None:
    dates = [part.resolves_on for part in parts]
    known = [day for day in dates if day is not None]
    return max(known) if len(known) == len(dates) else None
