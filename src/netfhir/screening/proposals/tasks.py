"""What is to be asked about a patient: one Task a question, and one where a candidate was lost.

A question that an earlier run asked and the record has answered since is completed, not removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.screening.proposals.proposal import Person, Proposals

_REVIEW = "review"


def of(person: Person, proposals: Proposals) -> Iterator[Draft]:
    """Yield the patient's Tasks: open ones, and those asked before that need no answer now."""
    asked = dict(person.questions)
    for verdict in person.verdicts:
        criterion = verdict["criterion"]
        if criterion in asked:
            yield _asked(person, criterion, asked[criterion], verdict["resolves_on"], proposals)
        elif _was_asked(person, criterion, proposals):
            yield _answered(person, criterion, proposals)
    if not person.matches:
        yield _lost(person, proposals)
    elif _was_asked(person, _REVIEW, proposals):
        yield _answered(person, _REVIEW, proposals)


def _asked(
    person: Person, criterion: str, question: str, due: str | None, proposals: Proposals
) -> Draft:
    body = _task(person, criterion, proposals) | {
        "status": "requested",
        "description": f"{criterion}: {question}",
    }
    if due:
        body["restriction"] = {"period": {"end": due}}
    return proposals.draft("Task", proposals.key(person.patient, criterion), body)


def _answered(person: Person, criterion: str, proposals: Proposals) -> Draft:
    body = _task(person, criterion, proposals) | {
        "status": "completed",
        "description": f"{criterion}: nothing is left to ask",
    }
    return proposals.draft("Task", proposals.key(person.patient, criterion), body)


def _lost(person: Person, proposals: Proposals) -> Draft:
    body = _task(person, _REVIEW, proposals) | {
        "status": "requested",
        "description": "The candidate no longer matches: " + ", ".join(person.deciding),
    }
    return proposals.draft("Task", proposals.key(person.patient, _REVIEW), body)


def _task(person: Person, criterion: str, proposals: Proposals) -> Json:
    kind = "review-candidate" if criterion == _REVIEW else "answer-question"
    return {
        "intent": "proposal",
        "code": proposals.concept(kind),
        "focus": proposals.subject(person),
        "for": {"reference": f"Patient/{person.patient}"},
        "input": [{"type": proposals.concept("criterion"), "valueString": criterion}],
    }


def _was_asked(person: Person, criterion: str, proposals: Proposals) -> bool:
    task = proposals.naming.id(proposals.key(person.patient, criterion))
    return proposals.was_written("Task", task)
