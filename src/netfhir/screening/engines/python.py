"""The engine that defines the meaning: one patient's record, 25 verdicts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from netfhir.screening.engines.answering import Chart, answer
from netfhir.screening.engines.combining import conclude, read
from netfhir.screening.facts import order
from netfhir.screening.verdicts import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from netfhir.screening.criteria import Criterion
    from netfhir.screening.facts import Consent, Record
    from netfhir.screening.protocol import Protocol

NAME = "python"


def verdicts(protocol: Protocol, record: Record) -> list[Verdict]:
    """Return one verdict for each criterion, in the protocol's order."""
    patient = record.person.id
    if not permitted(protocol, record.consents):
        return [Verdict(patient, key, "unknown", "not-consented") for key in protocol.file.criteria]
    chart = Chart(protocol, record)
    return [_verdict(key, one, chart) for key, one in protocol.file.criteria.items()]


def permitted(protocol: Protocol, consents: Sequence[Consent]) -> bool:
    """Return whether the record may be screened on that day: the latest decision counts.

    Of two decisions of one day the refusal counts; without any, opt-out permits, opt-in does not.
    """
    as_of = protocol.as_of
    valid = [one for one in _newest(consents) if _in_force(one, as_of)]
    if not valid:
        return protocol.site.consent == "opt-out"
    latest = max(_decided(one) for one in valid)
    return all(one.permit for one in valid if _decided(one) == latest)


def _newest(consents: Sequence[Consent]) -> list[Consent]:
    """Return those of which the latest copy stands; without ids, all."""
    latest = {one.id: one for one in sorted(consents, key=order)}
    return [one for one in consents if one.stands and order(latest[one.id]) <= order(one)]


def _decided(consent: Consent) -> int:
    return consent.decided.toordinal() if consent.decided else 0


def _in_force(consent: Consent, as_of: date) -> bool:
    started = consent.start is None or consent.start <= as_of
    return started and (consent.end is None or as_of <= consent.end)


def _verdict(key: str, criterion: Criterion, chart: Chart) -> Verdict:
    patient = chart.record.person
    if patient.gender in criterion.not_for:
        return Verdict(patient.id, key, "not-applicable")
    return Verdict.of(patient.id, key, conclude(criterion, _asker(criterion, chart)))


def other_readings(
    protocol: Protocol, record: Record
) -> Iterator[tuple[str, str, str, bool, Answer]]:
    """Yield (criterion, ambiguity, reading, whether it is used, what it says) of a record."""
    chart = Chart(protocol, record)
    for key, criterion in protocol.file.criteria.items():
        ask = _asker(criterion, chart)
        for name, ambiguity in criterion.ambiguities.items():
            for reading, rule in ambiguity.readings.items():
                used = ambiguity.use == reading
                yield key, name, reading, used, read(criterion, rule, ask)


def _asker(criterion: Criterion, chart: Chart) -> Callable[[str], Answer]:
    """Return what answers a need by name, each once."""
    return cache(lambda name: answer(criterion.needs[name], chart))
