"""Derived facts, concluded from others by declared rules: deviations and endpoints.

A deviation may be recorded by a person too; then it has no rule of ours and no version.
"""

from __future__ import annotations

from typing import Literal

from netfhir.fhir.dates import LocalTime
from netfhir.trial.entities import Amount, Entity, MeasurementStatus

Told = LocalTime | Amount | None
"""A day of any precision, or an amount."""


class Deviation(Entity):
    """What was not done as the protocol asks: found by a rule, or recorded by a person.

    Its link `focus` leads to what deviated; where something is missing there is none.
    """

    status: MeasurementStatus
    rule: str
    """The rule's name in schedule.toml, or the source's own category."""
    title: str
    kind: str = ""
    """The rule's verdict; empty where a person recorded the deviation."""
    occurred: LocalTime | None = None
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
    """A subject's endpoint at the data's end: event or censored, and when; or why not known.

    Its links `derivedFrom` lead to what it follows from.
    """

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
    version: str
