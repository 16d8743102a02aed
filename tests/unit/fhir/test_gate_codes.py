"""The gate's codes: required bindings, HL7's code systems, UCUM, and R4's own extensions."""

from __future__ import annotations

from typing import Any

import pytest

from netfhir.fhir import codes
from netfhir.fhir.gate import Gate

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CORE = "http://hl7.org/fhir/StructureDefinition/"


@pytest.fixture(scope="module")
def gate() -> Gate:
    """Return one gate for the module."""
    return Gate()


def rules(gate: Gate, body: dict[str, Any]) -> set[tuple[str, str]]:
    """Return rule and path of each finding."""
    return {(finding.rule, finding.path) for finding in gate.findings(body)}


def observation(**more: Any) -> dict[str, Any]:
    """Return a small valid Observation with more elements."""
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **more}


def condition(status: dict[str, Any]) -> dict[str, Any]:
    """Return a Condition with a clinical status, whose binding is required."""
    return {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/1"},
        "clinicalStatus": status,
    }


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (observation(status="done"), "Observation.status"),
        ({"resourceType": "Patient", "gender": "F"}, "Patient.gender"),
        (
            observation(valueQuantity={"value": 1, "comparator": "=<"}),
            "Observation.valueQuantity.comparator",
        ),
        ({"resourceType": "ResearchStudy", "status": "terminated"}, "ResearchStudy.status"),
        (condition({"coding": [{"system": "https://x.example", "code": "active"}]}),
         "Condition.clinicalStatus"),
        (condition({"text": "active"}), "Condition.clinicalStatus"),
    ],
)  # fmt: skip
def test_a_required_binding_is_kept(gate: Gate, body: dict[str, Any], path: str) -> None:
    """A code outside the value set is refused, and so is a concept without one inside."""
    assert rules(gate, body) == {("required-binding", path)}


def test_a_required_concept_may_have_other_codings_too(gate: Gate) -> None:
    """One coding of the value set is enough."""
    other = {"system": "https://x.example", "code": "a"}
    assert not rules(gate, condition({"coding": [other, {"system": CLINICAL, "code": "active"}]}))


@pytest.mark.parametrize(
    ("coding", "is_refused"),
    [
        ({"system": CATEGORY, "code": "laboratory"}, False),
        ({"system": CATEGORY, "code": "vital_signs"}, True),
        ({"system": CATEGORY, "display": "Laboratory"}, True),
        ({"system": "http://loinc.org", "code": "nobody-knows"}, False),
        ({"system": "https://x.example/local", "code": "a"}, False),
        ({"system": "local", "code": "a"}, True),
        ({"code": "a"}, False),
    ],
)
def test_a_code_of_hl7_must_be_one(gate: Gate, coding: dict[str, Any], is_refused: bool) -> None:  # noqa: FBT001 - a column of the table
    """Codes of HL7's systems are looked up under any binding; others only need a system."""
    path = "Observation.category.coding.code"
    expected = {("code-system", path)} if is_refused else set()
    assert rules(gate, observation(category=[{"coding": [coding]}])) == expected


@pytest.mark.parametrize(
    "unit",
    [
        "K/uL",
        "10*3/uL",
        "10*-3",
        "10^9/L",
        "mm[Hg]",
        "/min",
        "{score}",
        "%",
        "GBq",
        "1",
        "ng/mL{x}",
    ],
)
def test_valid_ucum_passes(unit: str) -> None:
    """Valid UCUM is valid, whatever a clinician would prefer."""
    assert codes.is_ucum(unit)


@pytest.mark.parametrize(
    "unit", ["cells per uL", "mg/", "bogus", "", "{a b}", "2024-13", "x10*9/L"]
)
def test_what_is_no_ucum_is_refused(unit: str) -> None:
    """A unit in words, a power of a plain number, or half a unit is no UCUM."""
    assert not codes.is_ucum(unit)


def extended(name: str, **value: Any) -> dict[str, Any]:
    """Return an Observation with one of R4's own extensions."""
    return observation(extension=[{"url": f"{CORE}{name}", **value}])


LANG = {"url": "lang", "valueCode": "zh"}
CONTENT = {"url": "content", "valueString": "x"}


def translated(*parts: dict[str, Any]) -> dict[str, Any]:
    """Return an Observation whose text has R4's translation, made of these parts."""
    extension = {"url": f"{CORE}translation", "extension": list(parts)}
    return observation(code={"text": "x", "_text": {"extension": [extension]}})


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (extended("data-absent-reason", valueString="unknown"), "extension-value"),
        (extended("data-absent-reason", valueCode="nope"), "extension-binding"),
        (extended("patient-birthTime", valueDateTime="2024"), "extension-context"),
        (translated(LANG), "extension-parts"),
        (translated(LANG, CONTENT, LANG), "extension-parts"),
        (translated(LANG, CONTENT, {"url": "x", "valueCode": "zh"}), "extension-parts"),
        (translated(LANG, {"url": "content", "valueCode": "x"}), "extension-parts"),
        (observation(extension=[{"url": "local", "valueString": "x"}]), "extension-url"),
    ],
)
def test_an_extension_of_r4_is_used_as_defined(gate: Gate, body: dict[str, Any], rule: str) -> None:
    """Its value has the type and code, and it stands where R4 lets it stand."""
    assert rule in {found for found, _ in rules(gate, body)}


@pytest.mark.parametrize(
    "body",
    [
        translated(LANG, CONTENT),
        extended("observation-bodyPosition", valueCodeableConcept={"text": "x"}),
        extended("workflow-researchStudy", valueReference={"reference": "ResearchStudy/1"}),
        {
            "resourceType": "Patient",
            "birthDate": "2024-01-01",
            "_birthDate": {
                "extension": [
                    {"url": f"{CORE}patient-birthTime", "valueDateTime": "2024-01-01T10:00:00Z"}
                ]
            },
        },
        observation(
            extension=[
                {
                    "url": "https://x.example/e",
                    "extension": [{"url": "local", "valueString": "x"}],
                }
            ]
        ),
    ],
)
def test_an_extension_used_as_defined_passes(gate: Gate, body: dict[str, Any]) -> None:
    """Contexts hold for resources, primitives and nested extensions, whose URL may be local."""
    assert not rules(gate, body)
