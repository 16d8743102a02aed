"""R4 into R5: each declared step, and that nothing is dropped where there is none.

`r5_steps.ndjson` has a resource a line, in R4 and in R5, both valid and read by a person; together
they use every step of `elements.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import CarryError
from netfhir.fhir import canonical
from netfhir.fhir.gate import Gate
from netfhir.fhir.r5 import turned
from netfhir.fhir.r5.elements import ELEMENTS
from netfhir.fhir.r5.ways import Place, children, ways

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = Path(__file__).with_name("r5_steps.ndjson").read_text("utf-8").splitlines()
CASES = [canonical.resource(line) for line in LINES]
CROSS = "http://hl7.org/fhir/5.0/StructureDefinition/extension-"
BACKPORT = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/"

every_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{n}-{case['r4']['resourceType']}" for n, case in enumerate(CASES)]
)


@pytest.fixture(scope="module")
def gates() -> tuple[Gate, Gate]:
    """Return the gates of R4 and of R5."""
    return Gate("r4"), Gate("r5")


@every_case
def test_a_resource_is_carried_as_was_read(case: dict[str, Any]) -> None:
    """What R5 calls or builds otherwise, it has in its own way."""
    assert turned(case["r4"]) == case["r5"]


@every_case
def test_a_case_is_valid_in_both_versions(case: dict[str, Any], gates: tuple[Gate, Gate]) -> None:
    """A case that no server took would show nothing."""
    assert gates[0].findings(case["r4"]) == []
    assert gates[1].findings(case["r5"]) == []


def used(body: Any, place: Place) -> Iterator[tuple[str, str]]:
    """Yield place and JSON name of every element of an R4 object, all the way down."""
    known = children("r4", place)
    for name, item in body.items():
        yield str(place), name.removeprefix("_")
        child = known.get(name)
        for one in item if isinstance(item, list) else [item]:
            if child is not None and child.place is not None and isinstance(one, dict):
                yield from used(one, child.place)


def test_every_step_has_a_case() -> None:
    """A step that no case uses would be one that nobody has seen."""
    found = {row for case in CASES for row in used(case["r4"], Place(case["r4"]["resourceType"]))}
    stems = {(place, name.partition("[")[0]) for place in ELEMENTS for name in ELEMENTS[place]}
    missed = {
        (place, stem)
        for place, stem in stems
        if not any(there == place and name.startswith(stem) for there, name in found)
    }
    assert missed == {("ResearchSubject", "consent"), ("ResearchSubject", "individual")}


def test_a_subject_is_carried_with_the_status_that_its_mapper_chose() -> None:
    """No body of a ResearchSubject is valid in both versions: their statuses share no code."""
    r4 = {"resourceType": "ResearchSubject", "status": "active", "individual": {"display": "x"}}
    assert turned(r4 | {"consent": {"display": "y"}}) == {
        "resourceType": "ResearchSubject",
        "status": "active",
        "subject": {"display": "x"},
        "consent": [{"display": "y"}],
    }


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"resourceType": "Encounter", "classHistory": []}, "Encounter.classHistory"),
        ({"resourceType": "Encounter", "status": "arrived"}, "Encounter.status"),
        ({"resourceType": "Location", "hoursOfOperation": [{"allDay": True}]}, "Location.hours"),
        ({"resourceType": "Medication", "amount": {}}, "Medication.amount"),
        ({"resourceType": "PlanDefinition", "action": [{"code": [{}, {}]}]}, "PlanDefinition.act"),
        ({"resourceType": "Consent", "policy": [{"authority": "x:y"}]}, "Consent.policy"),
        ({"resourceType": "Condition", "evidence": [{"id": "1"}]}, "Condition.evidence"),
        ({"resourceType": "Procedure", "followUp2": []}, "Procedure.followUp2"),
        ({"resourceType": "Consent", "_scope": {"id": "1"}}, "Consent._scope"),
        ({"resourceType": "ResearchSubject", "assignedArm": "A"}, "ResearchSubject.assignedArm"),
    ],
)
def test_what_has_no_way_is_a_fault_of_the_program(body: dict[str, Any], where: str) -> None:
    """It is named by its path, and the run ends with 70; it is never dropped."""
    with pytest.raises(CarryError) as caught:
        turned(body)
    assert (caught.value.code, caught.value.exit_status) == ("no-way-to-r5", 70)
    assert caught.value.where.startswith(where)


@pytest.mark.parametrize(
    ("kind", "url", "value"),
    [
        ("ResearchStudy", f"{CROSS}ResearchSubject.progress", {"valueString": "x"}),
        ("ResearchStudy", f"{CROSS}ResearchSubject.period", {"valuePeriod": {"start": "2024"}}),
        ("ResearchStudy", f"{CROSS}ResearchStudy.nothing", {"valueString": "x"}),
        ("ResearchStudy", f"{CROSS}ResearchStudy.date", {"extension": [{"url": "a"}]}),
        ("AdverseEvent", f"{BACKPORT}nothing", {"valueString": "x"}),
        ("ResearchStudy", f"{BACKPORT}status", {"valueCode": "completed"}),
    ],
)
def test_an_extension_for_an_element_that_r5_lacks_is_a_fault(
    kind: str, url: str, value: dict[str, Any]
) -> None:
    """A misspelt path, or one of another type, does not pass as an extension of anybody."""
    with pytest.raises(CarryError):
        turned({"resourceType": kind, "extension": [{"url": url, **value}]})


def test_a_list_that_r5_makes_of_one_needs_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """An element that is called the same but repeats in R5 does not pass as it stands."""
    ways.cache_clear()
    monkeypatch.delitem(ELEMENTS["ResearchSubject"], "consent")
    with pytest.raises(CarryError):
        turned({"resourceType": "ResearchSubject", "consent": {"display": "x"}})
    ways.cache_clear()


def test_a_date_of_consent_is_a_day_in_r5() -> None:
    """R5's element is a date; the instant stands in the period of the provision too."""
    body = {"resourceType": "Consent", "dateTime": "2024-08-02T09:30:00+01:00"}
    assert turned(body)["date"] == "2024-08-02"


def test_two_values_for_one_element_are_a_fault() -> None:
    """A mapper that writes R5's element and R4's would lose one of them."""
    body = {"resourceType": "Encounter", "period": {"start": "2024"}}
    with pytest.raises(CarryError):
        turned(body | {"actualPeriod": {"start": "2025"}})


def test_what_only_r5_has_passes_as_the_mapper_wrote_it() -> None:
    """Where the versions mean different things, a mapper writes R5's own elements."""
    body = {"resourceType": "ResearchStudy", "descriptionSummary": "Short", "_label": [None]}
    assert turned(body) == body


def test_contained_resources_are_carried_too() -> None:
    """A Medication with its lot stands inside where a server takes no Medication."""
    inner = {"resourceType": "Medication", "id": "m", "form": {"text": "solution"}}
    found = turned({"resourceType": "MedicationAdministration", "contained": [inner]})
    assert found["contained"][0]["doseForm"] == {"text": "solution"}
