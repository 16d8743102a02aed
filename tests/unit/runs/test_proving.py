"""What a Provenance tells, in both versions, and what it is made from."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir.extensions import CROSS_VERSION
from netfhir.fhir.gate import Gate
from netfhir.mappers.provenance import provenance
from netfhir.runs import opening
from netfhir.runs.opening import Input
from netfhir.runs.proving import origin
from netfhir.trial.batch import Batch, Origin, Target

if TYPE_CHECKING:
    from pathlib import Path

SITE = opening.mapping_site(opening.trial("NCT05987176"), b"key")
ORIGIN = Origin(("0" * 64,), "1" * 64, "2" * 64, ("http://loinc.org",), "netfhir 0", "twice")
BATCH = Batch(
    "NULLIFY",
    (Target("Observation", "a", "3"), Target("Observation", "b", "", deleted=True)),
    datetime(2024, 2, 3, tzinfo=UTC),
    ORIGIN,
)
BASE = "https://hospital.example/fhir"


@pytest.mark.parametrize("fhir", ["r4", "r5"])
def test_it_passes_the_gate(fhir: Any) -> None:
    """R4, and R5, where the reason is an authorization."""
    draft = provenance(BATCH, SITE, BASE).in_version(fhir, CROSS_VERSION)
    Gate(fhir).check(draft)
    told = draft.body["reason"][0] if fhir == "r4" else draft.body["authorization"][0]["concept"]
    assert told == {"text": "twice"}


def test_targets_are_versions_or_addresses() -> None:
    """A version that is there is referred to; what was deleted is named by where it was."""
    there, gone = provenance(BATCH, SITE, BASE).body["target"]
    assert there == {"reference": "Observation/a/_history/3", "display": "version 3"}
    assert gone["identifier"]["value"] == f"{BASE}/Observation/b"
    assert "reference" not in gone


def test_the_id_follows_from_what_it_says() -> None:
    """Activity, versions and sources make another; the clock and the reason do not."""
    first = provenance(BATCH, SITE, BASE).id
    later = replace(BATCH, recorded=datetime(2025, 1, 1, tzinfo=UTC))
    assert provenance(later, SITE, BASE).id == first
    others = (
        replace(BATCH, activity="UPDATE"),
        replace(BATCH, targets=BATCH.targets[:1]),
        replace(BATCH, origin=replace(ORIGIN, sources=("3" * 64,))),
    )
    assert len({first, *(provenance(batch, SITE, BASE).id for batch in others)}) == 4


def test_the_origin_is_of_the_files(tmp_path: Path) -> None:
    """The export and its dictionary by digest; the declarations; the code systems; as one line."""
    (tmp_path / "data.csv").write_bytes(b"a")
    (tmp_path / "dictionary.csv").write_bytes(b"b")
    found = origin(SITE.trial, Input("redcap", tmp_path / "data.csv"), "why")
    assert found.sources == tuple(hashlib.sha256(text).hexdigest() for text in (b"a", b"b"))
    assert len(found.mapping) == len(found.terminology) == 64
    assert "http://loinc.org" in {name.partition("|")[0] for name in found.vocabularies}
    assert Origin.of_text(found.as_text()) == found


def test_a_folder_of_domains_is_read_by_what_is_declared(tmp_path: Path) -> None:
    """Only the domains that the declaration names count."""
    for name in ("dm.xpt", "ex.xpt", "unread.xpt"):
        (tmp_path / name).write_bytes(name.encode())
    trial = opening.trial("CDISCPILOT01")
    found = origin(trial, Input("pharmaverse", tmp_path))
    assert found.sources == tuple(hashlib.sha256(n).hexdigest() for n in (b"dm.xpt", b"ex.xpt"))
