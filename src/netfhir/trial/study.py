"""A study as its registry record tells it: typed, frozen, in the record's own words.

Values of the registry's enums stay as they stand there (`TERMINATED`); what they mean in FHIR is
told by mappings/terminology/registry.toml. Dates keep their precision.
Source: ClinicalTrials.gov API v2, schema `Study`.
"""

from __future__ import annotations

import re
from decimal import Decimal  # noqa: TC003 - pydantic reads it
from typing import Literal

from pydantic import BaseModel, ConfigDict

from netfhir.fhir.identity import slug
from netfhir.terminology.concepts import Concept  # noqa: TC001 - pydantic reads it


_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!<>~|-])")


def unescaped(text: str) -> str:
    r"""Return a text of the registry without the escapes of its markdown (`\<` is `<`)."""
    return _ESCAPED.sub(r"\1", text)


class Part(BaseModel):
    """A part of a study."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Design(Part):
    """How the study is built."""

    study_type: str = ""
    phases: tuple[str, ...] = ()
    allocation: str = ""
    model: str = ""
    observational_model: str = ""
    time_perspective: str = ""
    sampling: str = ""
    purpose: str = ""
    masking: str = ""
    masked: tuple[str, ...] = ()
    enrollment: int | None = None
    enrollment_kind: str = ""


class Arm(Part):
    """A group of the study; `name` is the join to ResearchSubject.assignedArm."""

    name: str
    kind: str = ""
    description: str = ""
    intervention_names: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """Return the name as a part of a key."""
        return slug(self.name)


class Dosage(Part):
    """A dose as declared from the record's words: an amount given over a time, so many times."""

    text: str
    amount: Decimal
    unit: str
    """UCUM."""
    minutes: Decimal | None = None
    """How long one administration takes."""
    route: Concept | None = None
    count: int | None = None
    interval: Decimal | None = None
    interval_max: Decimal | None = None
    interval_unit: Literal["h", "d", "wk", "mo", "a"] = "wk"


class Intervention(Part):
    """What is given or done."""

    name: str
    kind: str = ""
    description: str = ""
    arm_names: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    concept: Concept | None = None
    """What it is, where the trial declares it."""
    dosage: Dosage | None = None

    def is_called(self, label: str) -> bool:
        """Say whether an arm means this one by `label`, as in `Drug: Lutathera`."""
        return label == self.name or label.partition(": ")[2] == self.name

    def is_part_of(self, arm: Arm) -> bool:
        """Say whether it belongs to the arm, by what either of them says."""
        return arm.name in self.arm_names or any(map(self.is_called, arm.intervention_names))


class Outcome(Part):
    """An outcome measure."""

    level: Literal["PRIMARY", "SECONDARY", "OTHER"]
    measure: str
    description: str = ""
    time_frame: str = ""


class Objective(Part):
    """An objective, declared with the sentence of the record that states it."""

    level: Literal["PRIMARY", "SECONDARY"]
    name: str
    sentence: str


class Criterion(Part):
    """One criterion in the record's words; `number` counts within its kind from 1."""

    kind: Literal["inclusion", "exclusion", "eligibility"]
    number: int
    text: str


class Age(Part):
    """A limit of age, as `18 Years`."""

    value: int
    unit: str


class Eligibility(Part):
    """Who may take part."""

    text: str = ""
    criteria: tuple[Criterion, ...] = ()
    healthy_volunteers: bool | None = None
    sex: str = ""
    minimum_age: Age | None = None
    maximum_age: Age | None = None


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
    design: Design
    arms: tuple[Arm, ...]
    interventions: tuple[Intervention, ...]
    outcomes: tuple[Outcome, ...]
    objectives: tuple[Objective, ...] = ()
    """Only what the trial declares: a record states objectives in prose."""
    eligibility: Eligibility | None
    places: tuple[Place, ...]
    citations: tuple[Citation, ...]
    notes: tuple[Note, ...]
