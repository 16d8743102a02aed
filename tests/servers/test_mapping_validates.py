"""What is mapped is valid R4 for another server too: HAPI's `$validate` finds no error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import hapi_validation
import trial_exports
from netfhir.fhir import canonical
from netfhir.fhir.identity import identifiers_of
from trial_exports import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from hapi_server import HapiServer
    from netfhir.fhir.canonical import Json

#: Of each type of a large export; all of it is `make validate-all`.
SAMPLE = 300


def sampled(mapped: trial_exports.MappedExport) -> list[Json]:
    """Return up to SAMPLE resources of each type, spread evenly over the derived ids."""
    bodies: list[Json] = []
    for name in mapped.types():
        lines = mapped.lines(name)
        chosen = lines[:: max(1, len(lines) // SAMPLE)][:SAMPLE]
        bodies += [canonical.resource(line) for line in chosen]
    return bodies


def counts(bodies: list[Json]) -> dict[str, int]:
    """Return how many of each type there are."""
    names = [str(body["resourceType"]) for body in bodies]
    return {name: names.count(name) for name in sorted(set(names))}


def assert_valid(
    hapi: HapiServer, bodies: list[Json], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Print how many were asked about; each must have no error."""
    found = hapi_validation.errors(hapi.base_url, bodies)
    with capsys.disabled():
        told = json.dumps(counts(bodies))
        print(f"\n{what}: {len(found)} of {len(bodies)} with errors {told}")  # noqa: T201 - counts
    assert bodies
    places = {identifiers_of(bodies[index])[0]["value"]: errors for index, errors in found.items()}
    assert places == {}


def test_the_redcap_fixture_validates(
    hapi_r4: HapiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every resource of the trial's synthetic export."""
    bodies = trial_exports.redcap(tmp_path).everything()
    assert_valid(hapi_r4, bodies, "REDCap fixture", capsys)


def test_the_goldens_validate(hapi_r4: HapiServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Every resource that a person has read."""
    files = sorted((ROOT / "fixtures").glob("*/expected/*.json"))
    bodies = [canonical.resource(path.read_bytes()) for path in files]
    assert_valid(hapi_r4, bodies, "goldens", capsys)


def test_a_sample_of_the_pilots_18_subjects_validates(
    hapi_r4: HapiServer, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to 300 resources of each type."""
    mapped = trial_exports.pilot(shared_data, "json", tmp_path)
    assert_valid(hapi_r4, sampled(mapped), "pilot of 18", capsys)


def test_a_sample_of_the_whole_pilot_validates(
    hapi_r4: HapiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to 300 resources of each type."""
    mapped = trial_exports.pharmaverse(tmp_path)
    assert_valid(hapi_r4, sampled(mapped), "pilot of 306", capsys)
