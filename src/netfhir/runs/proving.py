"""What a run's resources are made from, and the Provenance that tells it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from netfhir import __version__, clock
from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.extensions import CROSS_VERSION
from netfhir.fhir.gate import Gate
from netfhir.mappers.provenance import provenance
from netfhir.runs.exports import DICTIONARY
from netfhir.runs.proposing import Screening
from netfhir.sync.provenance import Provenances
from netfhir.trial.batch import Origin
from netfhir.trial.export import columns_by_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from netfhir.mappers import MappingSite
    from netfhir.runs.opening import Input
    from netfhir.sync.ledger import Ledger
    from netfhir.sync.plan import Terms
    from netfhir.terminology.concepts import Coding
    from netfhir.trial.batch import Batch
    from netfhir.trial.declaration import Trial


def provenances(site: MappingSite, ledger: Ledger, terms: Terms, base_url: str) -> Provenances:
    """Return what writes the Provenance of a run; each one goes through the gate."""
    gate = Gate(site.fhir)

    def compose(batch: Batch) -> tuple[str, bytes]:
        draft = provenance(batch, site, base_url).in_version(site.fhir, CROSS_VERSION)
        gate.check(draft)
        return draft.id, to_bytes(draft.body)

    return Provenances(ledger, terms, compose, clock.now)


def origin(trial: Trial, given: Input | Screening, why: str = "") -> Origin:
    """Return what a run's resources are made from: digests of files, and code systems."""
    return Origin(
        sources=tuple(_digest([path]) for path in _export(trial, given)),
        mapping=_digest(_declared(trial, trial.name)),
        terminology=_digest(_declared(trial, "terminology")),
        vocabularies=tuple(sorted({_named(coding) for coding in _codings(trial)})),
        software=f"netfhir {__version__}",
        why=why,
    )


def _export(trial: Trial, given: Input | Screening) -> list[Path]:
    """Return the files that the run reads: the export and its dictionary, or the domains."""
    if isinstance(given, Screening):
        return given.files()
    if not given.source.is_dir():
        beside = given.dictionary or given.source.parent / DICTIONARY
        return [path for path in (given.source, beside) if path.is_file()]
    _, export = trial.choose(given.format)
    domains = {name.lower() for one in export.entities for name in columns_by_table(one)}
    found = (path for path in given.source.iterdir() if path.is_file())
    return sorted(path for path in found if path.name.partition(".")[0].lower() in domains)


def _declared(trial: Trial, name: str) -> list[Path]:
    return [path for folder in trial.folders for path in sorted((folder / name).rglob("*.toml"))]


def _digest(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of files, one after another."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _codings(trial: Trial) -> Iterator[Coding]:
    for concept in trial.terminology.concepts.values():
        yield from concept.coding


def _named(coding: Coding) -> str:
    return f"{coding.system}|{coding.version}" if coding.version else coding.system
