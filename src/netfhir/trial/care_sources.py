"""Where the facts of care stand in an export: what `[[entities]]` of `sources/*.toml` may say."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from netfhir.trial.care import (
    ConsentStatus,
    SessionStatus,
    SpecimenStatus,
    TreatmentStatus,
    VisitStatus,
)
from netfhir.trial.places import Column, ConceptPlace, FactSource, Names, OneOf, Place

_CONSENT = OneOf(frozenset(get_args(ConsentStatus)))
_VISIT = OneOf(frozenset(get_args(VisitStatus)))
_SESSION = OneOf(frozenset(get_args(SessionStatus)))
_TREATMENT = OneOf(frozenset(get_args(TreatmentStatus)))
_SPECIMEN = OneOf(frozenset(get_args(SpecimenStatus)))
_Concept = Annotated[Place | None, Names("concept")]


class ConsentSource(FactSource):
    """Where consents stand: a fact is a row with the day on which it was given."""

    entity: Literal["consent"]
    status: Annotated[Place, _CONSENT]
    version: Place
    given: Column
    withdrawn: Column = ""
    policy: ConceptPlace

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.given,)


class VisitSource(FactSource):
    """Where visits stand, planned and held."""

    entity: Literal["visit"]
    code: Annotated[Place, Names("visit")]
    status: Annotated[Place, _VISIT]
    setting: _Concept = None
    planned: Column = ""
    start: Column
    end: Column = ""
    reason: Column = ""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return tuple(c for c in (self.status.column, self.planned, self.start) if c)


class DiagnosisSource(FactSource):
    """Where a disease stands; `which` tells a subject's diagnoses apart, whatever their code."""

    entity: Literal["diagnosis"]
    which: Place
    code: ConceptPlace
    verification: ConceptPlace
    clinical: _Concept = None
    body_site: _Concept = None
    onset: Column = ""
    recorded: Column = ""
    told_by: Column = ""
    """The column that is filled where the row holds this diagnosis, where `code` is a constant."""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return tuple(c for c in (self.told_by or self.code.column,) if c)


class SessionSource(FactSource):
    """Where sessions of treatment stand."""

    entity: Literal["session"]
    procedure: ConceptPlace
    status: Annotated[Place, _SESSION]
    category: _Concept = None
    planned: Column = ""
    start: Column
    end: Column = ""
    reason: Column = ""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return tuple(c for c in (self.status.column, self.start) if c)


class TreatmentSource(FactSource):
    """Where medicines beside the study stand; `which` tells apart those of one row."""

    entity: Literal["treatment"]
    which: Place | None = None
    product: ConceptPlace
    status: Annotated[Place, _TREATMENT]
    form_of_product: _Concept = None
    start: Column = ""
    end: Column = ""
    reason: Column = ""
    told_by: Column = ""
    """The column that is filled where the row holds this fact; by default the product's."""

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return tuple(c for c in (self.told_by or self.product.column,) if c)


class SpecimenSource(FactSource):
    """Where specimens stand: a fact is a row with the time at which one was taken."""

    entity: Literal["specimen"]
    kind: ConceptPlace
    status: Annotated[Place, _SPECIMEN]
    collected: Column
    until: Column = ""
    number: Column = ""
    body_site: _Concept = None

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Return the columns of which one is filled exactly where a form's row holds a fact."""
        return (self.collected,)
