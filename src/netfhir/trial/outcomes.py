"""What became of a subject, typed: imaging, disease status, adverse events, death, answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from netfhir.fhir.dates import LocalTime
from netfhir.trial.entities import Amount, Entity

ReportStatus = Literal[
    "registered", "preliminary", "final", "amended", "corrected", "cancelled", "unknown"
]
ResponseStatus = Literal["in-progress", "completed", "amended", "stopped"]
EventStatus = Literal["in-progress", "completed", "unknown"]
Seriousness = Literal["serious", "non-serious"]
YesNo = Literal["yes", "no"]


class Part(BaseModel):
    """A part of an entity that has no key of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Lesion(Part):
    """A lesion that a report measures or names."""

    number: str
    """The trial's name of the lesion, the same in all reports of the subject."""
    origin: str
    """`file:row:column` of the source."""
    site: str | None = None
    """Key of the concept."""
    diameter: Amount | None = None
    """The longest diameter."""
    absent: str | None = None
    """Key of the data-absent reason, exactly where there is no diameter."""
    is_new: bool | None = None


class ImagingReport(Entity):
    """A report of one examination, and the lesions that it names."""

    examination: str
    """Key of the concept: what was done, a PET by its tracer."""
    category: str
    status: ReportStatus
    performed: LocalTime
    accession: tuple[str, str] | None = None
    """System and value of the hospital's accession number."""
    conclusion: str = ""
    """In the reporter's words."""
    item_table: str
    item: str
    """What is measured of a lesion, a key of `items.<item_table>` in codes.toml."""
    lesions: tuple[Lesion, ...] = ()


class DiseaseStatus(Entity):
    """What an assessment found of the disease, and by what."""

    status: ReportStatus
    assessed: LocalTime
    item: str
    """Key of the concept: the question."""
    category: str
    finding: str
    """Key of the concept: the answer."""
    site: str | None = None
    method: str | None = None
    imaging: tuple[str, str] | None = None
    """System and value of the accession number of the imaging that shows it."""
    condition: str | None = None
    """Key of the concept of a new tumour that was found."""
    note: str = ""


class SourceCode(Part):
    """A code that the source itself brings, with its system."""

    system: str
    code: str
    display: str = ""
    version: str = ""


class AdverseEvent(Entity):
    """An adverse event as the investigator judged it."""

    status: EventStatus
    verbatim: str
    """The event in the reporter's words."""
    term: str | None = None
    """Key of the concept: the term of the grading scale."""
    codes: tuple[SourceCode, ...] = ()
    start: LocalTime | None
    end: LocalTime | None = None
    recorded: LocalTime | None = None
    grade: str | None = None
    severity: str | None = None
    seriousness: Seriousness
    criteria: tuple[str, ...] = ()
    """Keys of the concepts: why it is serious; at least one exactly where it is."""
    outcome: str
    causality: str | None = None
    """Key of the concept: how the investigator relates it to what is suspected."""
    suspect: str | None = None
    """Key of the concept of what is suspected, where no administration is named."""
    action: str | None = None
    expected: YesNo | None = None
    discontinued: YesNo | None = None
    """Whether the subject left the study for it."""
    note: str = ""


class Death(Entity):
    """The death of a subject: the day, and what caused it."""

    died: LocalTime
    recorded: LocalTime | None = None
    cause: str | None = None
    """Key of the concept."""
    words: str = ""
    """The cause in the source's words."""


class Answer(Part):
    """The answer to one item of a questionnaire, or why there is none."""

    link: str
    """The item's linkId."""
    value: int | None
    coded: bool
    """Whether the number is a code of the item's scale, not a count."""
    absent: str | None = None


class QuestionnaireResponse(Entity):
    """A questionnaire as a subject filled it in: numbers of items and of answers, no words."""

    questionnaire: str
    """The canonical URL, with its version."""
    instrument: str
    status: ResponseStatus
    authored: LocalTime
    answers: tuple[Answer, ...]
