"""The criteria language, version 1: `mappings/<trial>/criteria.toml` as closed, typed tables.

A criterion names its needs and combines them with `all`, `any`, `not` and `agree` in three-valued
logic; where the protocol's own words can be read in two ways, an ambiguity names the readings and
which one is used. There are no expressions in strings.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from netfhir.screening.needs import AnyNeed
from netfhir.terminology import documents
from netfhir.trial.places import Declared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

UNDECIDED = "unknown"
"""The reading of an ambiguity that nobody has settled: where readings differ, unknown."""


class Rule(Declared):
    """A node of the rule: a need or an ambiguity by name, or one operator over further rules."""

    name: str = ""
    all: tuple[Node, ...] = ()
    any: tuple[Node, ...] = ()
    agree: tuple[Node, ...] = ()
    """Several sources of one fact: those that know must say the same."""
    negated: Node | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _one_operator(self) -> Rule:
        given = [self.name, self.all, self.any, self.agree, self.negated]
        if sum(map(bool, given)) != 1:
            raise ValueError("exactly one of a name, `all`, `any`, `agree` and `not`")
        return self

    def names(self) -> Iterator[str]:
        """Yield the names in the order in which they stand."""
        if self.name:
            yield self.name
        for part in (*self.all, *self.any, *self.agree):
            yield from part.names()
        if self.negated is not None:
            yield from self.negated.names()


def _from_name(given: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    return {"name": given} if isinstance(given, str) else given


Node = Annotated[Rule, BeforeValidator(_from_name)]
Rule.model_rebuild()


class Ambiguity(Declared):
    """Words of the protocol that can be read in more than one way."""

    text: str
    readings: dict[str, Node] = Field(min_length=2)
    use: str
    """The reading that decides, or `unknown`: then only agreement decides."""

    @model_validator(mode="after")
    def _known_reading(self) -> Ambiguity:
        if self.use != UNDECIDED and self.use not in self.readings:
            raise ValueError(f"`use` names a reading or `{UNDECIDED}`")
        return self


class Criterion(Declared):
    """One criterion: its words, to whom it applies, what it needs and what it concludes."""

    kind: Literal["inclusion", "exclusion"]
    text: str
    """Verbatim, as in the registry record."""
    human_only: bool = False
    not_for: tuple[Literal["male", "female"], ...] = ()
    """Administrative genders to which it does not apply."""
    needs: dict[str, AnyNeed] = Field(min_length=1)
    rule: Node
    ambiguities: dict[str, Ambiguity] = Field(default_factory=dict)
    note: str = ""

    @model_validator(mode="after")
    def _names_are_known(self) -> Criterion:
        both = set(self.needs) & set(self.ambiguities)
        used = {name for rule in self.rules() for name in rule.names()}
        missing = used - set(self.needs) - set(self.ambiguities)
        idle = (set(self.needs) | set(self.ambiguities)) - used
        for wrong, what in ((both, "named twice"), (missing, "not declared"), (idle, "never used")):
            if wrong:
                raise ValueError(f"{what}: {', '.join(sorted(wrong))}")
        for ambiguity in self.ambiguities.values():
            for rule in ambiguity.readings.values():
                if set(rule.names()) & set(self.ambiguities):
                    raise ValueError("a reading names needs only")
        return self

    @model_validator(mode="after")
    def _person_decides(self) -> Criterion:
        if self.human_only != all(need.kind == "person" for need in self.needs.values()):
            raise ValueError("`human_only` says that every need is of the kind `person`")
        return self

    def rules(self) -> Iterator[Rule]:
        """Yield the rule and every reading's rule."""
        yield self.rule
        for ambiguity in self.ambiguities.values():
            yield from ambiguity.readings.values()


class DoseWindow(Declared):
    """When treatment has to begin after the anchor: the reason to hurry, no criterion."""

    anchor: str
    opens_days: int
    closes_days: int


class CriteriaFile(Declared):
    """`criteria.toml`."""

    language: Literal[1]
    protocol: str
    """The version of the protocol text that is quoted."""
    treatment_window: DoseWindow | None = None
    unit_spellings: dict[str, str] = Field(default_factory=dict)
    """How laboratories write a unit -> UCUM; other spellings are not comparable."""
    criteria: dict[Annotated[str, Field(pattern=r"^[IE][1-9][0-9]?$")], Criterion]

    @model_validator(mode="after")
    def _ids_fit_kinds(self) -> CriteriaFile:
        for key, criterion in self.criteria.items():
            if key[0] != criterion.kind[0].upper():
                raise ValueError(f"{key} is declared as an {criterion.kind}")
        return self

    def digest(self) -> str:
        """Return the SHA-256 of what the file means; spacing and comments do not count."""
        meaning = self.model_dump(mode="json", by_alias=True)
        text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def load(trial: str, folders: Sequence[Path]) -> CriteriaFile:
    """Read the criteria of a trial, overlaid by the site's folders; raises DeclarationError."""
    where = f"{trial}/criteria.toml"
    try:
        return CriteriaFile.model_validate(documents.read(folders, where))
    except ValidationError as error:
        raise documents.invalid(error, where) from error
