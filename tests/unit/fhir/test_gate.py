"""The gate's structure rules: what may stand where, how often, and in which JSON kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from netfhir.errors import RecordError
from netfhir.fhir.draft import Draft
from netfhir.fhir.findings import Finding
from netfhir.fhir.gate import Gate
from netfhir.fhir.models import Models
from netfhir.fhir.structure import Structure
from netfhir.fhir.walk import Walk

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}


@pytest.fixture(scope="module")
def gate() -> Gate:
    """Return one gate for the module: what it keeps must not change a verdict."""
    return Gate()


def observation(**more: Any) -> dict[str, Any]:
    """Return a valid Observation, with elements replaced, or left out where None is given."""
    body: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "obs-1",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}],
        "code": {"coding": [{"system": LOINC, "code": "718-7"}]},
        "subject": {"identifier": {"system": "https://trial.example/subject", "value": "1"}},
        "effectiveDateTime": "2024-08-02",
        "valueQuantity": {"value": Decimal("7.40"), "system": UCUM, "code": "mmol/L"},
    }
    return {name: value for name, value in {**body, **more}.items() if value is not None}


def administration(**more: Any) -> dict[str, Any]:
    """Return a MedicationAdministration that lacks only its effective time."""
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": {"text": "x"},
        "subject": {"reference": "Patient/1"},
        **more,
    }


def rules(gate: Gate, body: Any) -> list[tuple[str, str]]:
    """Return rule and path of each finding."""
    return [(finding.rule, finding.path) for finding in gate.findings(body)]


def test_a_valid_observation_passes(gate: Gate) -> None:
    """Nothing is found in a valid resource."""
    assert gate.findings(observation()) == []


@pytest.mark.parametrize("body", [{}, {"resourceType": "Nope"}, {"resourceType": ["Patient"]}, []])
def test_a_type_without_a_table_is_refused(gate: Gate, body: Any) -> None:
    """What the gate cannot judge does not pass it."""
    assert rules(gate, body) == [("resource-type", "resourceType")]


@pytest.mark.parametrize(
    ("more", "rule", "path"),
    [
        ({"fooBar": "x"}, "unknown-element", "Observation.fooBar"),
        ({"code": {"textt": "x"}}, "unknown-element", "Observation.code.textt"),
        ({"valueDecimal": Decimal(1)}, "unknown-element", "Observation.valueDecimal"),
        ({"_code": ABSENT}, "unknown-element", "Observation._code"),
        ({"status": None}, "missing-element", "Observation.status"),
        ({"status": None, "_status": ABSENT}, "missing-element", "Observation.status"),
        ({"component": [{}]}, "missing-element", "Observation.component.code"),
        ({"valueString": "x"}, "choice", "Observation.value[x]"),
        ({"identifier": {"value": "x"}}, "json-kind", "Observation.identifier"),
        ({"subject": [{"display": "x"}]}, "json-kind", "Observation.subject"),
        ({"code": "x"}, "json-kind", "Observation.code"),
        ({"code": {"text": 5}}, "json-kind", "Observation.code.text"),
        ({"valueQuantity": {"value": "7"}}, "json-kind", "Observation.valueQuantity.value"),
        ({"valueQuantity": {"value": 7.4}}, "json-kind", "Observation.valueQuantity.value"),
        ({"valueQuantity": {"value": True}}, "json-kind", "Observation.valueQuantity.value"),
        ({"valueQuantity": None, "valueBoolean": "true"}, "json-kind", "Observation.valueBoolean"),
        ({"identifier": []}, "empty-array", "Observation.identifier"),
        ({"subject": {}}, "ele-1", "Observation.subject"),
        ({"subject": {"id": "x"}}, "ele-1", "Observation.subject"),
        ({"_status": {}}, "ele-1", "Observation.status"),
        ({"code": {"text": ""}}, "empty-string", "Observation.code.text"),
        ({"code": {"text": None}}, "null", "Observation.code.text"),
        ({"extension": [{"valueString": "x"}]}, "missing-element", "Observation.extension.url"),
    ],
)
def test_a_fault_of_structure_is_named(
    gate: Gate, more: dict[str, Any], rule: str, path: str
) -> None:
    """One fault gives one finding, with its rule and its element path."""
    body = observation()
    body.update(more)
    if more.get("status", "") is None:
        del body["status"]
    if more.get("valueQuantity", "") is None:
        del body["valueQuantity"]
    assert (rule, path) in rules(gate, body)


def test_every_fault_of_structure_is_reported(gate: Gate) -> None:
    """A person mends all of them at once."""
    found = rules(gate, observation(fooBar="x", identifier=[]))
    assert found == [
        ("unknown-element", "Observation.fooBar"),
        ("empty-array", "Observation.identifier"),
    ]


def test_nesting_has_a_limit(gate: Gate) -> None:
    """Extensions in extensions without end are refused, not followed."""
    body: dict[str, Any] = {"url": "https://x.example/e", "valueString": "x"}
    for _ in range(100):
        body = {"url": "https://x.example/e", "extension": [body]}
    assert "too-deep" in [rule for rule, _ in rules(gate, observation(extension=[body]))]


@pytest.mark.parametrize(
    "name",
    [
        {"given": [None, "x"], "_given": [ABSENT, None]},
        {"given": ["y", "x"], "_given": [ABSENT]},
        {"_given": [ABSENT]},
    ],
)
def test_extensions_of_primitives_pass(gate: Gate, name: dict[str, Any]) -> None:
    """`_name` carries the extensions of a primitive, also where the value is absent."""
    assert gate.findings({"resourceType": "Patient", "name": [name]}) == []


def test_a_null_without_an_extension_is_refused(gate: Gate) -> None:
    """A null in an array stands only where the other array has something."""
    found = rules(gate, {"resourceType": "Patient", "name": [{"given": [None, "x"]}]})
    assert found == [("null", "Patient.name.given")]


def test_a_required_choice_may_be_absent_with_a_reason(gate: Gate) -> None:
    """R4 allows `_effectiveDateTime` alone, which fhir.resources refuses."""
    assert gate.findings(administration(_effectiveDateTime=ABSENT)) == []


def test_a_required_choice_may_not_be_absent_without_one(gate: Gate) -> None:
    """The exception for fhir.resources does not let a missing time through."""
    found = rules(gate, administration())
    assert found == [("missing-element", "MedicationAdministration.effective[x]")]


def test_a_finding_never_shows_a_value(gate: Gate) -> None:
    """What stands in the resource stays there, in whatever place the fault is."""
    secret = "Zebra Q. Patient"  # noqa: S105 - a marked value, no password
    bodies = [
        observation(status=secret),
        observation(effectiveDateTime=secret),
        observation(subject={"reference": secret}),
        observation(code={"coding": [{"system": LOINC, "code": f" {secret}"}]}),
        observation(**{secret: "x"}),
        observation(valueQuantity={"value": secret}),
        observation(valueQuantity={"value": 1, "system": UCUM, "code": secret}),
        observation(text={"status": "generated", "div": secret}),
    ]
    for body in bodies:
        found = gate.findings(body)
        assert found
        assert "Zebra" not in repr(found)


def test_check_raises_the_first_finding(gate: Gate) -> None:
    """A draft that fails becomes a reject with the place in the source."""
    body = observation(status="done", issued="2024-05-01")
    draft = Draft("Observation", "obs-1", body, "lb.csv:7:LBORRES")
    with pytest.raises(RecordError) as caught:
        gate.check(draft)
    record = caught.value.as_record()
    assert record["where"] == "lb.csv:7:LBORRES"
    assert record["code"] == "gate:required-binding"
    assert record["found"] == "Observation.status (and 1 more)"
    assert set(record) == {"where", "code", "found", "expected", "remedy"}


def test_check_lets_a_good_draft_pass(gate: Gate) -> None:
    """Nothing is raised for a valid draft."""
    gate.check(Draft("Observation", "obs-1", observation(), "lb.csv:7:LBORRES"))


def test_the_body_is_left_as_it_is(gate: Gate) -> None:
    """Judging changes nothing: decimals keep their digits."""
    body = observation()
    gate.findings(body)
    assert body == observation()
    assert str(body["valueQuantity"]["value"]) == "7.40"


def test_the_models_are_heeded(gate: Gate) -> None:
    """What only fhir.resources refuses is refused: here an extension of the resource id."""
    found = gate.findings(observation(_id=ABSENT))
    assert [finding.rule for finding in found] == ["model"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": [{"family": "x"}, {"text": "x"}]}, {"name": [{"family": "x", "text": "x"}]}),
        ({"name": [{"given": ["x"]}]}, {"name": [{"given": ["x", "x"]}]}),
        (
            {"name": [{"given": [None, "x"], "_given": [ABSENT, None]}]},
            {"name": [{"given": ["x", "x"], "_given": [ABSENT, None]}]},
        ),
        (
            {"name": [{"_given": [None, ABSENT], "given": ["x", "x"]}]},
            {"name": [{"_given": [ABSENT, None], "given": ["x", "x"]}]},
        ),
    ],
)
def test_another_structure_is_another_shape(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Where objects begin, how many items there are and which are null makes a shape."""
    structure = Structure("r4")
    walks = [Walk(structure), Walk(structure)]
    for walk, more in zip(walks, (one, other), strict=True):
        walk.run({"resourceType": "Patient", **more})
        assert walk.findings == []
    assert walks[0].shape != walks[1].shape


class Judge:
    """A judge that counts how often it is asked, and refuses what it is told to."""

    def __init__(self, *refused: str) -> None:
        """Refuse resources of these types."""
        self.asked = 0
        self._refused = refused

    def __call__(self, body: dict[str, Any]) -> list[Finding]:
        """Return a finding for a refused type."""
        self.asked += 1
        return [Finding("model", "", "")] if body["resourceType"] in self._refused else []


def test_a_shape_that_passed_is_asked_once() -> None:
    """The second resource of a shape costs no second judgement; another shape does."""
    judge = Judge()
    models = Models(judge=judge)
    for shape in ((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 5)):
        assert models.findings(observation(), shape) == []
    assert judge.asked == 2


def test_a_shape_that_was_refused_is_asked_again() -> None:
    """Only good shapes are remembered: a refusal is always told in full."""
    judge = Judge("Observation")
    models = Models(judge=judge)
    for _ in range(2):
        assert [finding.rule for finding in models.findings(observation(), (1,))] == ["model"]
    assert judge.asked == 2


def test_the_memory_of_shapes_has_an_end() -> None:
    """Endless new shapes do not fill the memory: when it is full it starts anew."""
    judge = Judge()
    models = Models(judge=judge, capacity=2)
    for shape in ((1,), (2,), (3,), (1,)):
        models.findings(observation(), shape)
    assert judge.asked == 4


def test_findings_are_values() -> None:
    """Equal findings are one."""
    assert Finding("a", "b", "c") == Finding("a", "b", "c")
