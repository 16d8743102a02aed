"""The gate over the official examples and their single-fault mutants; prints the table."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir import canonical, tables
from netfhir.fhir.gate import Gate

if TYPE_CHECKING:
    from pathlib import Path

#: Official examples with an error of their own, and the rule that it breaks. HAPI refuses each
#: but the Observation, whose performer is an Encounter: it does not look at reference targets.
FAULTY = {
    "attachment-hash": "DiagnosticReport/example-pgx",
    "canonical": """
        ActivityDefinition/administer-zika-virus-exposure-assessment
        ActivityDefinition/blood-tubes-supply
        ActivityDefinition/provide-mosquito-prevention-advice
        ActivityDefinition/referralPrimaryCareMentalHealth
        ActivityDefinition/referralPrimaryCareMentalHealth-initial
        ActivityDefinition/serum-zika-dengue-virus-igm
        PlanDefinition/chlamydia-screening-intervention
        PlanDefinition/example-cardiology-os
        PlanDefinition/exclusive-breastfeeding-intervention-01
        PlanDefinition/exclusive-breastfeeding-intervention-02
        PlanDefinition/exclusive-breastfeeding-intervention-03
        PlanDefinition/exclusive-breastfeeding-intervention-04
        PlanDefinition/low-suicide-risk-order-set
        PlanDefinition/opioidcds-04
        PlanDefinition/opioidcds-05
        PlanDefinition/opioidcds-07
        PlanDefinition/opioidcds-08
        PlanDefinition/opioidcds-10
        PlanDefinition/opioidcds-11
        PlanDefinition/zika-virus-intervention
        PlanDefinition/zika-virus-intervention-initial
        Procedure/f201
        QuestionnaireResponse/gcs
    """,
    "reference-target": "Observation/clinical-gender",
    "txt-2": "ActivityDefinition/heart-valve-replacement",
    "unit-system": "Medication/med0304 Medication/med0309 MedicationAdministration/medadmin0312",
}


@pytest.fixture(scope="module")
def gate() -> Gate:
    """Return one gate for all."""
    return Gate()


def known(resource: dict[str, Any]) -> bool:
    """Say whether the tables have the resource's type."""
    return resource["resourceType"] in tables.read("r4", "structure")


def mutants(shared_data: Path) -> list[dict[str, Any]]:
    """Return the mutants of the types in the tables: fault, base, resource."""
    with gzip.open(shared_data / "fhir" / "single-fault-mutants-90.ndjson.gz") as lines:
        rows = [canonical.resource(line) for line in lines]
    return [row for row in rows if known(row["resource"])]


def examples(shared_data: Path) -> list[dict[str, Any]]:
    """Return the official examples of the types in the tables."""
    files = sorted((shared_data / "fhir" / "r4-examples").glob("*.ndjson"))
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    return [body for body in map(canonical.resource, lines) if known(body)]


def test_every_mutant_is_refused(
    gate: Gate, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One fault in a resource of our types never passes; the table shows which rule saw it."""
    rows = mutants(shared_data)
    verdicts = [(row, gate.findings(row["resource"])) for row in rows]
    with capsys.disabled():
        print(f"\n{'fault':<42}{'type':<26}the gate")  # noqa: T201 - the table is the point
        for row, found in verdicts:
            seen = ", ".join(f"{finding.rule} at {finding.path}" for finding in found) or "PASSED"
            print(f"{row['fault']:<42}{row['resource']['resourceType']:<26}{seen}")  # noqa: T201 - as above
    assert len(rows) == 90
    assert [row["fault"] for row, found in verdicts if not found] == []


def test_every_mutant_has_a_fault_that_its_original_has_not(gate: Gate, shared_data: Path) -> None:
    """The gate refuses the mutant for its mutation, wherever the original is at hand."""
    originals = {(body["resourceType"], body["id"]): body for body in examples(shared_data)}
    for row in mutants(shared_data):
        name = row["base"].removesuffix(".json").partition("-")
        original = originals.get((name[0], name[2]))
        if original is not None:
            own = set(gate.findings(original))
            assert set(gate.findings(row["resource"])) - own, row["fault"]


def test_every_example_passes_but_for_the_faulty(gate: Gate, shared_data: Path) -> None:
    """What the specification shows as an example is valid; where it is not, we know why."""
    refused = {
        (found[0].rule, f"{body['resourceType']}/{body['id']}")
        for body in examples(shared_data)
        if (found := gate.findings(body))
    }
    assert refused == {(rule, name) for rule, names in FAULTY.items() for name in names.split()}
