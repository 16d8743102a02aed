"""`--fhir r5` from the command line: what is written, and to which server it goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from trial_exports import REDCAP

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Flow


def test_map_writes_the_version_that_is_asked_for(netfhir: CommandLine, tmp_path: Path) -> None:
    """The summary names it, and a dose has R5's elements."""
    export = ("--format", "redcap", "--source", REDCAP, "--limit", "8")
    ran = netfhir("map", "NCT05987176", *export, "--fhir", "r5", "--out", tmp_path / "out")
    assert ran.status == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_bytes())["fhir"] == "5.0.0"
    lines = (tmp_path / "out" / "MedicationAdministration.ndjson").read_bytes().splitlines()
    assert lines
    assert all("occurencePeriod" in json.loads(line) for line in lines)


def test_study_writes_the_version_that_is_asked_for(netfhir: CommandLine) -> None:
    """The status of a terminated study is that of its record in R5."""
    entries = netfhir("study", "NCT05987176", "--fhir", "r5").document["entry"]
    (study, part) = [e["resource"] for e in entries if "ResearchStudy" in e["fullUrl"]]
    assert study["status"] == part["status"] == "active"
    assert study["comparisonGroup"]


def test_what_is_applied_in_r5_verifies_and_is_not_sent_twice(flow: Flow) -> None:
    """All of it, references to the hospital's patients resolved."""
    flow.store.fhir = "5.0.0"
    applied = flow("apply", "--fhir", "r5", "--json")
    assert (applied.status, applied.document["rejects"]) == (0, [])
    subject = next(body for path, body in flow.store.held.items() if "ResearchSubject/" in path)
    assert subject["subject"]["reference"].startswith("Patient/")
    verified = flow("verify", "--fhir", "r5", "--json").document
    assert not verified["missing"]
    assert not verified["different"]
    flow.store.writes.clear()
    assert flow("apply", "--fhir", "r5").status == 0
    assert flow.store.writes == []


@pytest.mark.parametrize("command", ["plan", "apply", "verify"])
@pytest.mark.parametrize(("stated", "fhir"), [("4.0.1", "r5"), ("5.0.0", "r4")])
def test_a_server_of_another_version_is_refused(
    flow: Flow, command: str, stated: str, fhir: str
) -> None:
    """Exit status 78, and nothing is sent."""
    flow.store.fhir = stated
    ran = flow(command, "--fhir", fhir)
    assert ran.status == 78
    assert "other-fhir-version" in ran.err
    assert flow.store.writes == []
