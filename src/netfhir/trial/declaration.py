"""`mappings/<trial>` as typed, checked values; every error names the file and the key."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path  # noqa: TC003 - a dataclass field
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, ValidationError, field_validator

from netfhir.errors import DeclarationError
from netfhir.terminology import documents
from netfhir.terminology.concepts import Terminology
from netfhir.trial.export import Export
from netfhir.trial.naming import Naming
from netfhir.trial.places import Declared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netfhir.fhir.identity import SiteKey

Model = TypeVar("Model", bound=BaseModel)


class Identifiers(Declared):
    """The identifier systems under which this site writes."""

    base: str
    subjects: str


class SiteStudy(Declared):
    """The study at one site, as a ResearchStudy of its own that is part of the whole one."""

    status: str = ""
    """The registry's word for where the study stands here; "": as the record says of the place."""
    place: str = ""
    """The facility's name in the record, if it is not the site's."""


class Site(Declared):
    """A site of the trial; without a zone, times of day are kept but not sent as instants."""

    name: str
    zone: str | None = None
    study: SiteStudy | None = None
    """Only where subjects belong to the site's own study, not directly to the whole one."""
    organization: str = ""
    """The name of the facility in registry.json: who provides the visits at this site."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError("no IANA time zone of that name") from error
        return zone


class Arm(Declared):
    """An arm: `name` is the arm's name in the registry record, to which subjects are joined."""

    name: str


class VisitCode(Declared):
    """A visit of the protocol; one of an arm alone names the arms that have it."""

    name: str
    arms: tuple[str, ...] = ()


class Screening(Declared):
    """How patients are prescreened at this site."""

    consent: Literal["opt-in", "opt-out"]
    """Whether a patient has to agree, or may refuse, before the record is screened."""
    entry_criterion: str
    """The criterion of criteria.toml without whose evidence nobody is ranked."""
    coverage: tuple[Literal["allergies", "conditions", "medications", "procedures"], ...] = ()
    """What the hospital's record is known to hold completely: only there absence says something."""
    small_cells: int | None = Field(default=None, ge=1)
    """The smallest count of patients that the funnel may tell; nothing is written back without."""


class TrialFile(Declared):
    """`trial.toml`."""

    study: str
    title: str
    identifiers: Identifiers
    sites: dict[str, Site]
    arms: dict[str, Arm]
    withhold_arms: bool = False
    """Whether no resource of a subject tells the arm: readers of the record may be blinded."""
    visits: dict[str, VisitCode] = Field(default_factory=dict)
    screening: Screening | None = None


class Item(Declared):
    """What one local item is: its concept, category, kind of value and units."""

    concept: str
    category: str
    value: Literal["quantity", "integer", "text", "concept", "panel"] = "quantity"
    units: tuple[str, ...] = ()
    """The UCUM codes in which it may come; a wide table's item has exactly one."""
    unit_spelling: str = ""
    """How the unit of a wide table's field is written on the form, if not as in UCUM."""
    unitless: str = ""
    """The UCUM code where the source says that there is no unit."""
    comparators: bool = False
    """Whether results such as `<0.2` are expected."""
    least: Decimal | None = None
    """The lower end of the scale, of a score: a value below it is refused."""
    most: Decimal | None = None
    """The upper end of the scale."""
    needs_version: bool = False
    """Whether a value says nothing without the version of its method."""
    answers: dict[str, str] = Field(default_factory=dict)
    """value = "integer" or "concept": the key of the concept that each answer stands for."""
    note: str = ""


class Conversion(Declared):
    """An exact factor from one unit to another that measures the same kind of quantity."""

    to: str
    """The UCUM code that is written."""
    factor: Decimal = Field(gt=0)
    reason: str

    @field_validator("factor", mode="before")
    @classmethod
    def _as_text(cls, factor: object) -> object:
        if not isinstance(factor, str):
            told = 'a factor is a text, such as "0.037": no digit of it may be lost'
            raise ValueError(told)  # noqa: TRY004 - pydantic reports a ValueError alone
        return factor


class Codes(Declared):
    """`codes.toml`: local values and items, and what they mean."""

    system: str
    """The code system of the trial's own item codes."""
    units: dict[str, str] = Field(default_factory=dict)
    """Local spelling of a unit -> UCUM code; "" says: no unit."""
    conversions: dict[str, Conversion] = Field(default_factory=dict)
    """UCUM code of the source -> what it is converted to; any other unit stays as it is."""
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    ignored: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Values that carry no fact of the entity, each with the reason."""
    items: dict[str, dict[str, Item]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as declared: its file, its codes, and the terminology they name."""

    name: str
    file: TrialFile
    codes: Codes
    terminology: Terminology
    folders: tuple[Path, ...]

    def naming(self, site_key: SiteKey) -> Naming:
        """Return how facts of this trial are named at this site."""
        systems = self.file.identifiers
        return Naming(self.file.study, systems.base, systems.subjects, site_key)

    def export(self, name: str) -> Export:
        """Return the declared export whose file is `sources/<name>.toml`."""
        where = f"{self.name}/sources/{name}.toml"
        return _model(Export, documents.read(self.folders, where), where)

    def exports(self) -> Mapping[str, Export]:
        """Return all declared exports by name."""
        return {name: self.export(name) for name in _sources(self.folders, self.name)}

    def choose(self, wanted: str) -> tuple[str, Export]:
        """Return the export of that name, or the only one of that format."""
        exports = self.exports()
        found = [name for name, export in exports.items() if wanted in (name, export.format)]
        if len(found) == 1:
            return found[0], exports[found[0]]
        raise DeclarationError(
            "unknown-source" if not found else "ambiguous-source",
            where=f"{self.name}/sources",
            found=f"`--format {wanted}` fits {', '.join(found) or 'nothing'}",
            expected="one of " + ", ".join(sorted(exports)),
            remedy="give that name as --format",
        )


def load(name: str, folders: Sequence[Path]) -> Trial:
    """Read `mappings/<name>`, overlaid by the site's folders; raises DeclarationError."""
    known = sorted({path.parent.name for folder in folders for path in folder.glob("*/trial.toml")})
    if name not in known:
        raise DeclarationError(
            "unknown-trial",
            where="mappings",
            found=f"no folder `{name}` with a trial.toml",
            expected="one of " + ", ".join(known),
            remedy="correct the name, or name the folder that holds it with --mappings",
        )
    return Trial(
        name=name,
        file=_file(TrialFile, folders, f"{name}/trial.toml"),
        codes=_file(Codes, folders, f"{name}/codes.toml"),
        terminology=Terminology.load(folders),
        folders=tuple(folders),
    )


def _file(model: type[Model], folders: Sequence[Path], name: str) -> Model:
    return _model(model, documents.read(folders, name), name)


def _model(model: type[Model], document: dict[str, Any], where: str) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise documents.invalid(error, where) from error


def _sources(folders: Sequence[Path], trial: str) -> list[str]:
    found = {path.stem for folder in folders for path in folder.glob(f"{trial}/sources/*.toml")}
    return sorted(found)
