"""The gate against HAPI's `$validate`: it is never laxer, and stricter only where we say why."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

import hapi_validation
from netfhir.fhir import canonical, tables
from netfhir.fhir.gate import Gate

if TYPE_CHECKING:
    from pathlib import Path

    from hapi_server import HapiServer

#: HAPI passes it, for it does not look at reference targets: its performer is an Encounter.
STRICTER = {"Observation/clinical-gender"}


@pytest.fixture(scope="module")
def gate() -> Gate:
    """Return one gate for all."""
    return Gate()


def known(resource: dict[str, Any]) -> bool:
    """Say whether the tables have the resource's type."""
    return resource["resourceType"] in tables.read("r4", "structure")


def verdicts(
    hapi: HapiServer, gate: Gate, rows: list[tuple[str, dict[str, Any]]]
) -> list[tuple[str, str, bool, bool]]:
    """Return fault, `Type/id`, and whether HAPI and the gate refuse; print them as a table."""
    print(f"\n{'fault':<42}{'resource':<66}{'HAPI':<9}gate")  # noqa: T201 - the table is the point
    found = []
    for fault, body in rows:
        name = f"{body['resourceType']}/{body['id']}"
        by_hapi = bool(hapi_validation.single(hapi.base_url, body))
        by_gate = bool(gate.findings(body))
        words = {True: "refuses", False: "passes"}
        print(f"{fault:<42}{name:<66}{words[by_hapi]:<9}{words[by_gate]}")  # noqa: T201 - as above
        found.append((fault, name, by_hapi, by_gate))
    return found


def test_what_hapi_refuses_of_the_mutants_the_gate_refuses(
    hapi_r4: HapiServer, gate: Gate, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No single fault that HAPI sees escapes the gate, nor the wrong targets that HAPI misses."""
    with gzip.open(shared_data / "fhir" / "single-fault-mutants-90.ndjson.gz") as lines:
        rows = [canonical.resource(line) for line in lines]
    pairs = [(row["fault"], row["resource"]) for row in rows if known(row["resource"])]
    with capsys.disabled():
        found = verdicts(hapi_r4, gate, pairs)
    assert [row for row in found if not row[3]] == []
    assert {row[0] for row in found if not row[2]} == {"ref-wrong-target-type"}


def test_what_hapi_passes_of_the_examples_the_gate_passes(
    hapi_r4: HapiServer, gate: Gate, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both agree about every official example, but for the one that HAPI does not look into."""
    files = sorted((shared_data / "fhir" / "r4-examples").glob("*.ndjson"))
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    bodies = [body for body in map(canonical.resource, lines) if known(body)]
    with capsys.disabled():
        found = verdicts(hapi_r4, gate, [("(official example)", body) for body in bodies])
    assert {name for _, name, by_hapi, by_gate in found if by_hapi != by_gate} == STRICTER
