"""The facts of care in the trial: consent, visits, diagnoses, sessions, specimens, other medicines.

As in `entities`: values are the source's own, and what the source does not tell is not there.
"""

from __future__ import annotations

from typing import Literal

from netfhir.fhir.dates import LocalTime
from netfhir.trial.entities import Entity

ConsentStatus = Literal["active", "inactive", "rejected"]
VisitStatus = Literal["planned", "arrived", "in-progress", "finished", "cancelled", "unknown"]
#: A visit of these took place, at least in part; the others are plans.
HELD = frozenset({"arrived", "in-progress", "finished", "unknown"})
SessionStatus = Literal[
    "preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "unknown"
]
TreatmentStatus = Literal[
    "active", "completed", "intended", "stopped", "on-hold", "unknown", "not-taken"
]
SpecimenStatus = Literal["available", "unavailable", "unsatisfactory"]


class Consent(Entity):
    """A consent under one version of the document; another version is another consent."""

    status: ConsentStatus
    version: str
    """The version of the document, in the source's words."""
    given: LocalTime
    withdrawn: LocalTime | None = None
    policy: str
    """Key of the concept."""


class Visit(Entity):
    """A visit of the protocol, planned or held, in the setting that the source tells."""

    code: str
    """Key of `visits` in trial.toml."""
    status: VisitStatus
    setting: str | None = None
    """Key of the concept; a visit that was held needs one."""
    planned: LocalTime | None = None
    start: LocalTime | None = None
    end: LocalTime | None = None
    site: str
    """Key of `sites` in trial.toml."""
    arm: str | None = None
    """The arm drawn, whose schedule the visit is of; None before randomisation."""
    reason: str = ""
    """Why it was not held, in the source's words."""


class Diagnosis(Entity):
    """A disease: what it is, where, and how sure."""

    code: str
    """Key of the concept."""
    verification: str
    """Key of the concept."""
    clinical: str | None = None
    """Key of the concept: active, recurrence, remission and so on."""
    body_site: str | None = None
    onset: LocalTime | None = None
    recorded: LocalTime | None = None


class Session(Entity):
    """A session of treatment, in which several products may be given."""

    procedure: str
    """Key of the concept."""
    status: SessionStatus
    category: str | None = None
    start: LocalTime | None = None
    end: LocalTime | None = None
    reason: str = ""
    """Why it was stopped or not done, in the source's words."""


class Treatment(Entity):
    """A medicine that the subject takes beside the study, over a period."""

    product: str
    """Key of the concept."""
    status: TreatmentStatus
    form: str | None = None
    """Key of the concept: how it is made, such as long-acting."""
    start: LocalTime | None = None
    end: LocalTime | None = None
    reason: str = ""
    """Why it was stopped, in the source's words."""


class Specimen(Entity):
    """A sample of the subject, by the number on its tube where the source has it."""

    kind: str
    """Key of the concept."""
    status: SpecimenStatus
    collected: LocalTime
    until: LocalTime | None = None
    """The end of a collection over a time, such as urine of 24 hours."""
    number: str = ""
    body_site: str | None = None
