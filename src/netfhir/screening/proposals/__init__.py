"""What a screening proposes to the hospital, as resources: read by people, decided by people.

A List of ResearchSubjects that are candidates and nothing more, a Task for each open question, a
MeasureReport for each patient and for the funnel, and a Group for the next export. Only who is
ranked is written; who was written before and no longer matches is flagged, never dropped.
Source: prescreening notes, write-back; recruIT's screening list (miracum/recruit).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.screening.proposals import listing, reports, tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.draft import Draft
    from netfhir.screening.proposals.proposal import Proposals

EMITS = ("Group", "List", "MeasureReport", "ResearchSubject", "Task")


def drafts(proposals: Proposals) -> Iterator[Draft]:
    """Yield every resource of a screening: the subjects first, then what refers to them."""
    for person in proposals.people:
        written = proposals.was_written("ResearchSubject", proposals.subject_id(person.patient))
        if written or not person.enrolled:
            yield listing.subject(person, proposals)
        yield reports.individual(person, proposals)
        yield from tasks.of(person, proposals)
    yield listing.screening_list(proposals)
    yield listing.cohort(proposals)
    yield reports.funnel(proposals)
