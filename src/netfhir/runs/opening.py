"""What every run starts from: the trial, its names at this site, and an opened export."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from netfhir import settings
from netfhir.errors import FormatError
from netfhir.fhir.gate import Gate
from netfhir.fhir.identity import SiteKey
from netfhir.mappers import MappingSite
from netfhir.runs.deriving import Deriving
from netfhir.runs.exports import opened
from netfhir.runs.pipeline import Pipeline, Selection
from netfhir.runs.studying import study_drafts
from netfhir.sources.assemble import Assembly, entities
from netfhir.sources.reading import Reader
from netfhir.terminology.registry import RegistryTerms
from netfhir.trial import declaration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from netfhir.fhir.version import Version
    from netfhir.runs.pipeline import Account
    from netfhir.sources.assemble import Fact
    from netfhir.sync.staging import Staging
    from netfhir.trial.declaration import Trial


@dataclass(frozen=True, slots=True)
class Input:
    """Which export of a trial a run reads, and how much of it."""

    format: str
    source: Path
    container: str | None = None
    dictionary: Path | None = None
    selection: Selection = field(default_factory=Selection)
    on_staged: Callable[[int], None] = lambda _: None
    """Told how many more resources are mapped."""
    as_of: date | None = None
    """The day up to whose end the export is complete; without one nothing is missing yet."""


def trial(name: str, overlays: Sequence[Path] = ()) -> Trial:
    """Load a trial from the shipped mappings, overlaid by the site's folders in order."""
    return declaration.load(name, [settings.shipped_mappings(), *overlays])


def trial_names(folders: Sequence[Path]) -> list[str]:
    """Return the names of all declared trials."""
    return sorted({path.parent.name for folder in folders for path in folder.glob("*/trial.toml")})


def mapping_site(
    opened_trial: Trial, site_key: bytes | None = None, fhir: Version = "r4"
) -> MappingSite:
    """Return the trial as it is named at this site; the key comes from the environment."""
    key = SiteKey(site_key if site_key is not None else settings.site_key())
    return MappingSite(opened_trial, opened_trial.naming(key), fhir)


def facts(opened_trial: Trial, given: Input) -> Iterator[tuple[str, Fact]]:
    """Yield entity name and fact, or rejection, of all that an export holds."""
    _, export = opened_trial.choose(given.format)
    tables = opened(export, given.source, given.container, given.dictionary)
    reader = Reader.of(opened_trial, export, tables.check)
    yield from entities(Assembly(opened_trial, tables, reader), export.entities)


def stage(site: MappingSite, given: Input, staging: Staging) -> Account:
    """Map the study and all facts of an export into `staging`; return the account.

    Raises FormatError where a subject asked for by name is not in the export: nothing is sent
    for those who are, since a name that was misspelt meant another.
    """
    found = facts(site.trial, given)
    pipeline = _pipeline(site, given, staging)
    pipeline.study(study_drafts(site))
    deriving = Deriving.of(site.trial, given.as_of)
    account = pipeline.facts(found, deriving.take)
    all_of_them = replace(given, selection=Selection())
    account.derived = _pipeline(site, all_of_them, staging).facts(deriving.facts())
    if not account.rejects:
        all_met(given)
    return account


def _pipeline(site: MappingSite, given: Input, staging: Staging) -> Pipeline:
    return Pipeline(
        site,
        Gate(site.fhir),
        staging,
        given.selection,
        extension_base=RegistryTerms.load(site.trial.folders).extension_base,
        on_staged=given.on_staged,
    )


def all_met(given: Input) -> None:
    """Raise FormatError where a subject asked for by name had no fact."""
    if (unmet := given.selection.unmet()) and given.selection.limit is None:
        raise FormatError(
            "unknown-subject",
            where="--subject",
            found=f"{unmet} of {len(given.selection.subjects)} subjects without a fact",
            expected=f"subjects as {given.source.name} names them",
            remedy="correct the spelling, or read the export that holds them",
        )
