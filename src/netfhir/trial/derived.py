"""Derived facts, concluded from others by declared rules: deviations and endpoints.

A deviation may be recorded by a person too; then it has no rule of ours and no version.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.trial.entities import Amount, Entity, MeasurementStatus

Told = LocalTime | Amount | None
"""A day of any precision, or an amount."""


class Link(BaseModel):
    """The resource that another fact gave, by its type and the fact's key."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    resource: str
    key: SourceKey


class Deviation(Entity):
    """What was not done as the protocol asks: found by a rule, or recorded by a person."""

    status: MeasurementStatus
    rule: str
    """The rule's name in schedule.toml, or the source's own category."""
    title: str
    kind: str = ""
    """The rule's verdict; empty where a person recorded the deviation."""
    occurred: LocalTime | None = None
    focus: Link | None = None
    """What deviated; nothing where something is missing."""
    low: Told = None
    high: Told = None
    actual: Told = None
    severity: str | None = None
    """Key of the concept."""
    reason: str = ""
    version: str = ""
    """The version of the rules."""


EndpointOutcome = Literal["event", "censored"]


class Endpoint(Entity):
    """A subject's endpoint at the data's end: event or censored, and when; or why not known."""

    status: MeasurementStatus
    endpoint: str
    """Its name in endpoints.toml."""
    title: str
    outcome: EndpointOutcome | None
    event: str = ""
    """Which of the endpoint's events it was, in the declaration's words."""
    competing: str = ""
    """What else came first and may have hindered the event, in the declaration's words."""
    reason: str = ""
    """Why there is no outcome, or no time."""
    when: LocalTime | None = None
    days: int | None = None
    """From randomisation to `when`."""
    derived_from: tuple[Link, ...] = ()
    version: str
