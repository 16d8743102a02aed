"""The resources that a person has read, kept in fixtures/<trial>/expected (`make goldens`)."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir import canonical
from netfhir.fhir.gate import Gate
from trial_exports import ROOT

if TYPE_CHECKING:
    from netfhir.fhir.version import Version
    from trial_exports import MappedExport

TOOL: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "goldens.py"))
EXPORTS = [
    ("NCT05987176", "redcap", "mapped_redcap"),
    ("CDISCPILOT01", "msg", "mapped_json"),
    ("CDISCPILOT01", "pharmaverse", "mapped_pharmaverse"),
]
VERSIONS: tuple[Version, ...] = ("r4", "r5")


def golden_files(fhir: Version) -> list[tuple[str, str]]:
    """Return trial and name of every file in the folders of a version's goldens."""
    folders = [(trial, TOOL["folder"](trial, fhir)) for trial in TOOL["trials"]()]
    return [(trial, path.stem) for trial, folder in folders for path in folder.glob("*.json")]


@pytest.mark.parametrize("fhir", VERSIONS)
@pytest.mark.parametrize(("trial", "export", "fixture"), EXPORTS)
def test_what_is_mapped_is_what_was_read(
    trial: str, export: str, fixture: str, fhir: Version, request: pytest.FixtureRequest
) -> None:
    """Every golden is written again, byte by byte; `make goldens` changes one, nothing else."""
    name_of_fixture = fixture if fhir == "r4" else f"{fixture}_{fhir}"
    mapped: MappedExport = request.getfixturevalue(name_of_fixture)
    names = TOOL["chosen"](trial, export)
    lines = [line for name in mapped.types() for line in mapped.lines(name)]
    found = dict(TOOL["found"](lines, names))
    assert set(found) == set(names.values())
    for name, text in found.items():
        assert text == TOOL["expected"](trial, name, fhir).read_bytes(), name


@pytest.mark.parametrize("fhir", VERSIONS)
def test_the_provenance_of_a_batch_is_what_was_read(fhir: Version) -> None:
    """No export has one: it is made of a set batch, byte by byte."""
    made = [(trial, name) for trial in TOOL["trials"]() for name in _of_batches(trial)]
    assert made
    for trial, name in made:
        assert TOOL["batch"](trial, fhir) == TOOL["expected"](trial, name, fhir).read_bytes()


def _of_batches(trial: str) -> list[str]:
    return list(TOOL["chosen"](trial, TOOL["BATCH"]).values())


@pytest.mark.parametrize("fhir", VERSIONS)
def test_every_file_is_chosen_and_every_chosen_one_is_a_file(fhir: Version) -> None:
    """No golden is left over, none is missing."""
    chosen = {
        (trial, name) for trial in TOOL["trials"]() for name in TOOL["chosen"](trial).values()
    }
    assert chosen
    assert set(golden_files(fhir)) == chosen


@pytest.mark.parametrize("fhir", VERSIONS)
def test_the_goldens_pass_the_gate(fhir: Version) -> None:
    """What a person has read is valid in its version."""
    gate = Gate(fhir)
    for trial, name in golden_files(fhir):
        body = canonical.resource(TOOL["expected"](trial, name, fhir).read_bytes())
        assert gate.findings(body) == [], name


def test_pretty_keeps_decimals() -> None:
    """7.40 stays 7.40 in a golden too."""
    assert TOOL["pretty"](b'{"b":7.40,"a":1}') == b'{\n  "a": 1,\n  "b": 7.40\n}\n'
