"""What a study prescribes, and to whom, in the words of its registry record: typed and frozen.

Values of the registry's enums stay as they stand there; what they mean in FHIR is told by
mappings/terminology/registry.toml. A dose is declared, never read out of prose.
Source: ClinicalTrials.gov API v2, schema `Study`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from netfhir.fhir.identity import slug
from netfhir.terminology.concepts import Concept

_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!<>~|-])")


def unescaped(text: str) -> str:
    r"""Return a text of the registry without the escapes of its markdown (`\<` is `<`)."""
    return _ESCAPED.sub(r"\1", text)


class Part(BaseModel):
    """A part of a study."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Limit(Part):
    """What of a criterion is computable, as declared: an amount, a code, or a truth."""

    concept: Concept | None = None
    """What is measured or classified; None where no code was found."""
    low: Decimal | None = None
    high: Decimal | None = None
    below: Decimal | None = None
    above: Decimal | None = None
    unit: str = ""
    """UCUM."""
    value: Concept | None = None
    truth: bool | None = None


class Criterion(Part):
    """One criterion in the record's words; `number` counts within its kind from 1."""

    kind: Literal["inclusion", "exclusion", "eligibility"]
    number: int
    text: str
    limits: tuple[Limit, ...] = ()

    @property
    def name(self) -> str:
        """Return how screening calls it: I1 the first inclusion, E1 the first exclusion."""
        return f"{self.kind[0].upper()}{self.number}"


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
