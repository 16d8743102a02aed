"""One patient's screening in words, as a coordinator reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from netfhir.screening import rollup
from netfhir.screening.engines import python
from netfhir.screening.engines.answering import Chart
from netfhir.screening.needs import Facts, Need, Presence
from netfhir.screening.verdicts import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from netfhir.screening.facts import Record
    from netfhir.screening.protocol import Protocol
    from netfhir.screening.rollup import Candidate
    from netfhir.screening.verdicts import Answer, Evidence, Verdict

WIDTH = 96
_CAUSES = {
    "ambiguous-protocol": "the protocol can be read in two ways",
    "conflicting": "the record contradicts itself",
    "data-error": "an entry cannot be read",
    "local-code-unmapped": "only a local code that is not mapped",
    "no-data": "the record does not say",
    "no-reference-range": "the result has no reference range",
    "not-consented": "the patient may not be screened",
    "not-machine-decidable": "only a person can answer",
    "outside-window": "recorded, but not in the time that counts",
    "stale": "the last result is too old",
    "unit-missing": "the result has no unit",
    "unit-not-comparable": "the result has a unit without a threshold",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """Verdicts of one patient, the outcome, other readings, and the treatment window."""

    verdicts: list[Verdict]
    candidate: Candidate
    readings: list[tuple[str, str, str]]
    """(criterion, words that are ambiguous, what another reading would say)."""
    window: tuple[date, date] | None
    words: dict[tuple[str, str, str], str]
    """(criterion, type, id) -> what a resource is to this criterion."""

    def as_document(self) -> dict[str, Any]:
        """Return the explanation for a machine."""
        return {
            "version": rollup.VERSION,
            "outcome": self.candidate.outcome,
            "deciding": list(self.candidate.deciding),
            "verdicts": [verdict.as_row() for verdict in self.verdicts],
            "other_readings": [
                {"criterion": key, "ambiguity": words, "reading": said}
                for key, words, said in self.readings
            ],
            "treatment_window": [day.isoformat() for day in self.window or ()],
        }


def explain(protocol: Protocol, record: Record) -> Explained:
    """Return what the record says to each criterion."""
    verdicts = python.verdicts(protocol, record)
    candidate = rollup.rolled_up(
        protocol, [one.line for one in verdicts], deceased=record.person.deceased
    )
    if verdicts[0].cause == "not-consented":
        return Explained(verdicts, candidate, [], None, {})
    readings = list(_differing(protocol, record, {v.criterion: v for v in verdicts}))
    words = dict(_words(protocol, record))
    return Explained(verdicts, candidate, readings, _window(protocol, record), words)


def _words(protocol: Protocol, record: Record) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Yield what each resource is to each criterion: the text of the set that asks for it."""
    for key, criterion in protocol.file.criteria.items():
        needs = [need for need in criterion.needs.values() if isinstance(need, Facts)]
        wanted = {name for need in needs for name in need.concepts}
        wanted |= {name for need in needs if isinstance(need, Presence) for name in need.against}
        for fact in record.facts:
            if fact.concept in wanted:
                yield (key, fact.type, fact.id), protocol.sets.sets[fact.concept].text


def _differing(
    protocol: Protocol, record: Record, verdicts: dict[str, Verdict]
) -> Iterator[tuple[str, str, str]]:
    """Yield the readings that are not used and would decide otherwise by themselves."""
    said: dict[tuple[str, str], Answer] = {}
    readings = list(python.other_readings(protocol, record))
    for key, name, _, used, answer in readings:
        if used:
            said[key, name] = answer
    for key, name, reading, used, answer in readings:
        chosen = said.get((key, name))
        undecided = chosen is None and verdicts[key].cause == "ambiguous-protocol"
        differs = chosen is not None and chosen.truth is not answer.truth
        if not used and (undecided or differs) and verdicts[key].status != "not-applicable":
            words = protocol.file.criteria[key].ambiguities[name].text
            yield key, words, f"Read as `{reading}` it is {_truth(answer)}."


def _truth(answer: Answer) -> str:
    return {True: "true", False: "false", None: "unknown"}[answer.truth]


def _window(protocol: Protocol, record: Record) -> tuple[date, date] | None:
    window = protocol.file.treatment_window
    anchor = Chart(protocol, record).anchor(window.anchor) if window else None
    if window is None or anchor is None or anchor.lo != anchor.hi:
        return None
    opens, closes = timedelta(days=window.opens_days), timedelta(days=window.closes_days)
    return anchor.lo + opens, anchor.lo + closes


def lines(protocol: Protocol, explained: Explained, *, brief: bool = False) -> Iterator[str]:
    """Yield the explanation line by line; a brief one has the deciding criteria alone."""
    candidate = explained.candidate
    yield f"Patient {candidate.patient}, {protocol.trial}, {spoken(protocol.as_of)}"
    deciding = ", ".join(candidate.deciding) or "nothing"
    what = {"candidate": "left to a person", "undecided": "open", "excluded": "because of"}
    yield f"{candidate.outcome.capitalize()}; {what[candidate.outcome]}: {deciding}"
    if explained.window:
        opens, closes = map(spoken, explained.window)
        yield f"The first dose would be due from {opens} to {closes}."
    for verdict in explained.verdicts:
        if not brief or verdict.criterion in candidate.deciding:
            yield ""
            yield from _criterion(verdict, protocol, explained)
    if candidate.questions:
        yield ""
        yield "To ask, the cheapest first:"
        for number, one in enumerate(candidate.questions, 1):
            yield f"  {number}. {one.question} ({one.criterion})"


def _criterion(verdict: Verdict, protocol: Protocol, explained: Explained) -> Iterator[str]:
    criterion = protocol.file.criteria[verdict.criterion]
    yield from wrap(f"{verdict.criterion} {criterion.text}", WIDTH, subsequent_indent=" " * 4)
    words = verdict.status.replace("-", " ").upper()
    cause = f": {_CAUSES[verdict.cause]}" if verdict.cause else ""
    lifts = f", until {spoken(verdict.resolves_on)}" if verdict.resolves_on else ""
    yield f"    {words}{cause}{lifts}"
    for one in verdict.evidence:
        name = explained.words.get((verdict.criterion, one.type, one.id), "")
        yield from _indented(_said(one, name or ("Age" if one.type == "Patient" else one.type)))
    if verdict.status == "not-met" and not verdict.evidence:
        sources = sorted({name for need in criterion.needs.values() for name in _covered(need)})
        yield f"    Nothing recorded, and the site knows to be complete: {', '.join(sources)}"
    if verdict.question:
        yield from _indented(f"Next: {verdict.question}")
    for key, ambiguous, said in explained.readings:
        if key == verdict.criterion:
            told = verdict.cause == "ambiguous-protocol"
            yield from _indented(said if told else f"{said} {ambiguous}")


def _covered(need: Need) -> tuple[str, ...]:
    return need.covered_by if isinstance(need, Facts) else ()


def _said(one: Evidence, name: str) -> str:
    value = one.value if one.unit in ("", "1") else f"{one.value} {one.unit}"
    held = f" ({one.threshold})" if one.threshold else ""
    version = f", version {one.version}" if one.version else ""
    return f"{name}: {value}{held}{_when(one.start, one.end)} [{one.type}/{one.id}{version}]"


def _when(start: date | None, end: date | None) -> str:
    if start is None or end is None:
        known = start or end
        return f", since {spoken(known)}" if known else ", undated"
    return f", {spoken(start)}" if start == end else f", {spoken(start)} to {spoken(end)}"


def _indented(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 6)
