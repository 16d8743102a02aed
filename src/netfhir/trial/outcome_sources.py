"""Where outcomes stand in an export: imaging, disease status, adverse events, death, answers."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from netfhir.trial.outcomes import EventStatus, ReportStatus, ResponseStatus, Seriousness, YesNo
from netfhir.trial.places import Column, ConceptPlace, Declared, FactSource, Names, OneOf, Place

_REPORT = OneOf(frozenset(get_args(ReportStatus)))
_EVENT = OneOf(frozenset(get_args(EventStatus)))
_RESPONSE = OneOf(frozenset(get_args(ResponseStatus)))
_SERIOUSNESS = OneOf(frozenset(get_args(Seriousness)))
_YES_NO = OneOf(frozenset(get_args(YesNo)))
_CONCEPT = Names("concept")


class LesionPlace(Declared):
    """One lesion of a report: its fields."""

    number: Column
    site: Annotated[Place | None, _CONCEPT] = None
    diameter: Column = ""
    is_new: Annotated[Place | None, _YES_NO] = None


class ImagingReportSource(FactSource):
    """Where imaging reports stand."""

    entity: Literal["imaging_report"]
    examination: ConceptPlace
    traced: tuple[str, ...] = ()
    """The examinations that mean nothing without their tracer."""
    tracer: Annotated[Place | None, _CONCEPT] = None
    """The examination by its tracer, in place of one of `traced`."""
    category: ConceptPlace
    status: Annotated[Place, _REPORT]
    performed: Column
    accession: Column = ""
    accession_system: str = ""
    conclusion: Column = ""
    item_table: str
    item: str
    """What is measured of a lesion."""
    lesions: tuple[LesionPlace, ...] = ()

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return tuple(name for name in (self.examination.column, self.performed) if name)


class DiseaseStatusSource(FactSource):
    """Where assessments of the disease stand."""

    entity: Literal["disease_status"]
    item: ConceptPlace
    category: ConceptPlace
    finding: ConceptPlace
    status: Annotated[Place, _REPORT]
    assessed: Column
    site: Annotated[Place | None, _CONCEPT] = None
    method: Annotated[Place | None, _CONCEPT] = None
    imaging: Column = ""
    accession_system: str = ""
    condition: Annotated[Place | None, _CONCEPT] = None
    note: Column = ""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return tuple(name for name in (self.finding.column, self.assessed) if name)


class SourceCodePlace(Declared):
    """A column of codes that the source brings, and their system."""

    column: Column
    system: str
    display: Column = ""
    version: str = ""


class CriterionPlace(Declared):
    """A column that says whether the event meets one criterion of seriousness."""

    met: Annotated[Place, _YES_NO]
    criterion: ConceptPlace


class AdverseEventSource(FactSource):
    """Where adverse events stand."""

    entity: Literal["adverse_event"]
    status: Annotated[Place, _EVENT]
    verbatim: Column
    term: Annotated[Place | None, _CONCEPT] = None
    codes: tuple[SourceCodePlace, ...] = ()
    number: Column = ""
    """The sponsor's number of the event, a part of its key."""
    start: Column
    end: Column = ""
    recorded: Column = ""
    grade: Annotated[Place | None, _CONCEPT] = None
    severity: Annotated[Place | None, _CONCEPT] = None
    seriousness: Annotated[Place, _SERIOUSNESS]
    criteria: tuple[CriterionPlace, ...] = ()
    criteria_agree: bool = True
    """Whether exactly a serious event has to have a criterion; else both are read as they stand."""
    outcome: ConceptPlace
    causality: Annotated[Place | None, _CONCEPT] = None
    suspect: Annotated[Place | None, _CONCEPT] = None
    action: Annotated[Place | None, _CONCEPT] = None
    expected: Annotated[Place | None, _YES_NO] = None
    discontinued: Annotated[Place | None, _YES_NO] = None
    note: Column = ""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.verbatim,)


class DeathSource(FactSource):
    """Where the death of a subject stands."""

    entity: Literal["death"]
    died: Column
    recorded: Column = ""
    cause: Annotated[Place | None, _CONCEPT] = None
    words: Column = ""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return tuple(c for c in (self.died, self.cause.column if self.cause else "") if c)


class AnswerPlace(Declared):
    """One item of a questionnaire: its linkId, its field, and the ends of its scale."""

    link: str
    column: Column
    least: int
    most: int
    coded: bool = True
    """`false`: the answer is a number, as on a visual analogue scale."""

    @model_validator(mode="after")
    def _is_scale(self) -> AnswerPlace:
        if self.least >= self.most:
            raise ValueError("`least` is below `most`")
        return self


class QuestionnaireResponseSource(FactSource):
    """Where the answers to a questionnaire stand."""

    entity: Literal["questionnaire_response"]
    questionnaire: str = Field(pattern=r"\S+\|\S+")
    """The canonical URL and the version, joined by `|`."""
    instrument: str
    status: Annotated[Place, _RESPONSE]
    authored: Column
    items: tuple[AnswerPlace, ...] = Field(min_length=1)

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.authored, *(item.column for item in self.items))


OutcomeSource = (
    ImagingReportSource
    | DiseaseStatusSource
    | AdverseEventSource
    | DeathSource
    | QuestionnaireResponseSource
)
