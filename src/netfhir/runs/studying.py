"""`netfhir study`: a registry record as FHIR, of a declared trial or of a file."""

from __future__ import annotations

import gzip
import textwrap
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netfhir.errors import DeclarationError, FormatError
from netfhir.fhir.bundle import collection
from netfhir.fhir.gate import Gate
from netfhir.fhir.identity import SiteKey, slug
from netfhir.mappers import site_studies
from netfhir.mappers import study as mapper
from netfhir.sources.registry import StudyRecord, read_record
from netfhir.terminology.registry import RegistryTerms
from netfhir.trial.declared_study import declared
from netfhir.trial.naming import Naming
from netfhir.trial.schedule import declared as schedule
from netfhir.trial.schedule.planned import published

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.fhir.version import Version
    from netfhir.mappers import MappingSite
    from netfhir.sources.registry import Remark
    from netfhir.trial.declaration import Trial

_RECORD = "registry.json"
_BASE = "https://netfhir.example/"
"""Where the identifiers of a record stand that belongs to no declared trial."""


@dataclass(frozen=True, slots=True)
class Told:
    """A study as FHIR, and what of its record is not carried as it stood."""

    bundle: Json
    remarks: tuple[Remark, ...]


def of_trial(trial: Trial) -> StudyRecord:
    """Return a trial's record, read, with what the trial declares of it."""
    text = _record(trial)
    terms = RegistryTerms.load(trial.folders)
    where = f"{trial.name}/{_RECORD}"
    record = read_record(text, terms, where=where, study_key=trial.file.study)
    study = declared(record.study, trial.name, trial.folders, trial.terminology)
    if (planned := schedule.load(trial)) is not None:
        study = study.model_copy(update={"schedule": published(trial, planned)})
    return StudyRecord(study, record.remarks)


def study_drafts(site: MappingSite) -> list[Draft]:
    """Return the study's own resources, parents first."""
    trial = site.trial
    terms = RegistryTerms.load(trial.folders)
    study = of_trial(trial).study
    sites = trial.file.sites
    return list(mapper.drafts(study, site.naming, terms, fhir=site.fhir, sites=sites))


def arm_names(trial: Trial) -> list[str]:
    """Return the names of the arms in a trial's record."""
    return [arm.name for arm in of_trial(trial).study.arms]


def prose(trial: Trial) -> str:
    """Return the record's text from which a trial's declarations quote."""
    study = of_trial(trial).study
    told = [arm.description for arm in study.arms]
    told += [one.description for one in study.interventions]
    return "\n".join([study.brief_summary, study.detailed_description, *told])


def site_problems(trial: Trial) -> Iterator[DeclarationError]:
    """Yield what is wrong with the sites' own studies that trial.toml declares."""
    study, terms = of_trial(trial).study, RegistryTerms.load(trial.folders)
    facilities = [place.facility for place in study.places]
    for key, site in trial.file.sites.items():
        where = f"{trial.name}/trial.toml:sites.{key}.study"
        if site.study is None:
            continue
        if not terms.element("Status", site_studies.status_of(study, site), "status"):
            yield DeclarationError(
                "unknown-status",
                where=f"{where}.status",
                found="no word of the registry's for where the study stands at this site",
                expected="one of " + ", ".join(sorted(terms.tables["Status"])),
                remedy="declare it: neither the site's nor the whole study's status is assumed",
            )
        if (name := site.study.place or site.name) not in facilities:
            yield DeclarationError(
                "unknown-place",
                where=f"{where}.place",
                found=f"`{name}`",
                expected="a facility of registry.json: " + ", ".join(sorted(facilities)),
            )


def outline(trial: Trial) -> Iterator[str]:
    """Yield a study in a few lines for a person."""
    study = of_trial(trial).study
    arms = ", ".join(arm.name for arm in study.arms)
    criteria = study.eligibility.criteria if study.eligibility else ()
    kinds = [criterion.kind for criterion in criteria]
    terms = RegistryTerms.load(trial.folders)
    status = terms.element("Status", study.progress.status, "status")
    yield textwrap.shorten(f"{trial.file.study}: {study.titles.brief}", 96, placeholder=" …")
    yield f"status {study.progress.status} = {status} · arms: {arms}"
    yield (
        f"{kinds.count('inclusion')} inclusion and {kinds.count('exclusion')} exclusion criteria "
        "in the record's words"
    )


def tell_trial(site: MappingSite) -> Told:
    """Return a declared trial's study as a Bundle that passes the gate."""
    base = RegistryTerms.load(site.trial.folders).extension_base
    return Told(_checked(study_drafts(site), site.fhir, base), of_trial(site.trial).remarks)


def tell_file(path: Path, folders: Sequence[Path], site_key: bytes, fhir: Version = "r4") -> Told:
    """Return the study of a record in a file as a Bundle that passes the gate."""
    if not path.is_file():
        raise FormatError(
            "missing-file",
            where=path.name,
            found="neither a file nor a declared trial",
            expected="a ClinicalTrials.gov v2 record, or the name of a folder in mappings/",
        )
    terms = RegistryTerms.load(folders)
    record = read_record(_content(path), terms, where=path.name)
    base = f"{_BASE}{slug(record.study.key)}"
    naming = Naming(record.study.key, base, f"{base}/subject", SiteKey(site_key))
    drafts = list(mapper.drafts(record.study, naming, terms, fhir=fhir))
    return Told(_checked(drafts, fhir, terms.extension_base), record.remarks)


def _checked(drafts: Sequence[Draft], fhir: Version, extension_base: str) -> Json:
    gate = Gate(fhir)
    written = [draft.in_version(fhir, extension_base) for draft in drafts]
    for draft in written:
        gate.check(draft)
    return collection(written)


def _content(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(
            "bad-gzip",
            where=path.name,
            found="no whole gzip file",
            remedy="fetch the file again in full",
        ) from error


def _record(trial: Trial) -> bytes:
    for folder in reversed(trial.folders):
        path = folder / trial.name / _RECORD
        if path.is_file():
            return path.read_bytes()
    raise DeclarationError(
        "missing-declaration",
        where=f"{trial.name}/{_RECORD}",
        found="no such file",
        expected="the trial's record in the shape of the ClinicalTrials.gov API v2",
        remedy="save the record there; mappings/NCT05987176 has an example",
    )
