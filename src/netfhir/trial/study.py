"""A study as its registry record tells it: typed, frozen, in the record's own words.

Values of the registry's enums stay as they stand there (`TERMINATED`); what they mean in FHIR is
told by mappings/terminology/registry.toml. Dates keep their precision.
Source: ClinicalTrials.gov API v2, schema `Study`.
"""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003 - pydantic reads it
from typing import Literal

from netfhir.trial.schedule.planned import Published  # noqa: TC001 - pydantic reads it
from netfhir.trial.study_design import (
    Arm,
    Design,
    Eligibility,
    Intervention,
    Objective,
    Outcome,
    Part,
)


class When(Part):
    """A date of the record: YYYY, YYYY-MM or YYYY-MM-DD, and whether it has come true."""

    date: str
    kind: str = ""
    """ACTUAL or ESTIMATED; empty where the record does not say."""


class Number(Part):
    """A number under which the study is known."""

    table: Literal["Identifier", "OrgStudyIdType", "SecondaryIdType"]
    kind: str
    """The value in that table of registry.toml; empty where the record does not say."""
    value: str
    domain: str = ""
    link: str = ""
    use: Literal["", "official", "usual", "secondary", "old"] = ""


class Titles(Part):
    """What the study is called."""

    brief: str = ""
    official: str = ""
    acronym: str = ""


class Progress(Part):
    """Where the study stands, and its dates."""

    status: str
    last_known_status: str = ""
    why_stopped: str = ""
    start: When | None = None
    primary_completion: When | None = None
    completion: When | None = None
    first_posted: When | None = None
    last_update_posted: When | None = None
    verified: str = ""


class Party(Part):
    """An organisation, with the registry's class of agency."""

    name: str
    agency_class: str = ""


class Responsible(Part):
    """Who answers for the record."""

    kind: str
    name: str = ""
    title: str = ""
    affiliation: str = ""


class PersonName(Part):
    """A name taken apart by declaration, never by rule."""

    family: str
    given: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()


class Official(Part):
    """A person responsible for the study."""

    name: str
    affiliation: str = ""
    role: str = ""
    parts: PersonName | None = None


class Contact(Part):
    """Whom to ask about the study; public in the registry."""

    name: str
    role: str = ""
    phone: str = ""
    email: str = ""


class Place(Part):
    """Where the study takes place."""

    facility: str = ""
    status: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    country: str = ""
    latitude: Decimal | None = None
    longitude: Decimal | None = None


class Citation(Part):
    """A publication, or a page to see."""

    text: str
    kind: str = ""
    pubmed: str = ""
    url: str = ""


class Heading(Part):
    """A Medical Subject Heading that the registry assigns."""

    code: str
    text: str


class Note(Part):
    """A field of the record that FHIR R4 has no element for."""

    label: str
    text: str


class Study(Part):
    """A study, whole."""

    key: str
    """What names the study in keys: its NCT number, or what the caller gave."""
    origin: str
    """The file, for messages."""
    numbers: tuple[Number, ...]
    titles: Titles
    progress: Progress
    lead_sponsor: Party | None
    collaborators: tuple[Party, ...]
    responsible: Responsible | None
    officials: tuple[Official, ...]
    contacts: tuple[Contact, ...]
    brief_summary: str
    detailed_description: str
    conditions: tuple[str, ...]
    keywords: tuple[str, ...]
    headings: tuple[Heading, ...]
    design: Design
    arms: tuple[Arm, ...]
    interventions: tuple[Intervention, ...]
    outcomes: tuple[Outcome, ...]
    objectives: tuple[Objective, ...] = ()
    """Only what the trial declares: a record states objectives in prose."""
    schedule: Published | None = None
    """Only what the trial declares: a record has the schedule in prose."""
    eligibility: Eligibility
    places: tuple[Place, ...]
    citations: tuple[Citation, ...]
    notes: tuple[Note, ...]
