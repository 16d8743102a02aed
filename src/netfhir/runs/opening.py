"""What every run starts from: the trial, its names at this site, and an opened export."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netfhir import settings
from netfhir.errors import FormatError
from netfhir.fhir.gate import Gate
from netfhir.fhir.identity import SiteKey
from netfhir.mappers import MappingSite
from netfhir.runs.exports import opened
from netfhir.runs.pipeline import Pipeline, Selection
from netfhir.runs.studying import study_drafts
from netfhir.sources.assemble import Assembly, entities
from netfhir.sources.reading import Reader
from netfhir.terminology.registry import RegistryTerms
from netfhir.trial import declaration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from netfhir.fhir.version import Version
    from netfhir.runs.pipeline import Account
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


def stage(site: MappingSite, given: Input, staging: Staging) -> Account:
    """Map the study and all facts of an export into `staging`; return the account.

    Raises FormatError where a subject asked for by name is not in the export: nothing is sent
    for those who are, since a name that was misspelt meant another.
    """
    _, export = site.trial.choose(given.format)
    tables = opened(export, given.source, given.container, given.dictionary)
    reader = Reader.of(site.trial, export, tables.check)
    pipeline = Pipeline(
        site,
        Gate(site.fhir),
        staging,
        given.selection,
        extension_base=RegistryTerms.load(site.trial.folders).extension_base,
        on_staged=given.on_staged,
    )
    pipeline.study(study_drafts(site))
    account = pipeline.facts(entities(Assembly(site.trial, tables, reader), export.entities))
    if (unmet := given.selection.unmet()) and not account.rejects and given.selection.limit is None:
        raise FormatError(
            "unknown-subject",
            where="--subject",
            found=f"{unmet} of {len(given.selection.subjects)} subjects without a fact",
            expected=f"subjects as {given.source.name} names them",
            remedy="correct the spelling, or read the export that holds them",
        )
    return account
