"""Studies for tests: read, named and mapped as a run would, from records real and made."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import registry_records
from netfhir.fhir.bundle import collection
from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.extensions import CROSS_VERSION
from netfhir.fhir.identity import SiteKey
from netfhir.mappers.study import drafts
from netfhir.sources.registry import StudyRecord, read_record
from netfhir.terminology.concepts import Terminology
from netfhir.terminology.registry import RegistryTerms
from netfhir.trial.declared_study import declared
from netfhir.trial.naming import Naming

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.version import Version

MAPPINGS = Path(__file__).resolve().parent.parent / "mappings"
TRIALS = ("NCT05987176", "CDISCPILOT01")
_KEY = SiteKey(b"a key that is published")


@cache
def terms() -> RegistryTerms:
    """Return the shipped terms."""
    return RegistryTerms.load([MAPPINGS])


def naming(study: str) -> Naming:
    """Return how a test names a study."""
    base = f"https://netfhir.example/{study}"
    return Naming(study, base, f"{base}/subject", _KEY)


def read(record: bytes | dict[str, Any], study_key: str = "") -> StudyRecord:
    """Read a record."""
    text = record if isinstance(record, bytes) else json.dumps(record).encode()
    return read_record(text, terms(), where="record.json", study_key=study_key)


def bundle_of(record: StudyRecord, fhir: Version = "r4") -> dict[str, Any]:
    """Return the Bundle of a record in a version."""
    study = record.study
    made = drafts(study, naming(study.key), terms(), fhir=fhir)
    return collection([draft.in_version(fhir, CROSS_VERSION) for draft in made])


def trial(name: str) -> StudyRecord:
    """Return a shipped trial's record, with what the trial declares of it."""
    record = read((MAPPINGS / name / "registry.json").read_bytes(), name)
    study = declared(record.study, name, [MAPPINGS], Terminology.load([MAPPINGS]))
    return StudyRecord(study, record.remarks)


@cache
def bundles(shared_data: Path, fhir: Version = "r4") -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return name and Bundle: the trials, the real records, and the made ones without repeats."""
    return tuple(_bundles(shared_data, fhir))


def _bundles(shared_data: Path, fhir: Version) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in TRIALS:
        yield name, bundle_of(trial(name), fhir)
    for name, text in registry_records.real(shared_data):
        yield name, bundle_of(read(text), fhir)
    seen: set[bytes] = set()
    for name, made in registry_records.made(shared_data):
        bundle = bundle_of(read(made), fhir)
        content = to_bytes(bundle)
        if content not in seen:
            seen.add(content)
            yield name, bundle
