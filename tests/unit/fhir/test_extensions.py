"""The extensions that netfhir writes."""

from __future__ import annotations

from netfhir.fhir import extensions

_CORE = "http://hl7.org/fhir/StructureDefinition"


def test_an_event_is_linked_to_its_study() -> None:
    """The link is R4 core's workflow-researchStudy, with a Reference."""
    assert extensions.research_study({"reference": "ResearchStudy/s"}) == {
        "url": f"{_CORE}/workflow-researchStudy",
        "valueReference": {"reference": "ResearchStudy/s"},
    }


def test_an_absent_element_says_why() -> None:
    """A primitive without a value carries data-absent-reason with a code."""
    assert extensions.absent("unknown") == {
        "extension": [{"url": f"{_CORE}/data-absent-reason", "valueCode": "unknown"}]
    }


def test_a_position_is_a_concept() -> None:
    """The position is R4 core's observation-bodyPosition."""
    assert extensions.body_position({"text": "Standing"}) == {
        "url": f"{_CORE}/observation-bodyPosition",
        "valueCodeableConcept": {"text": "Standing"},
    }


def test_a_local_time_is_a_fhir_time() -> None:
    """FHIR's time has seconds: a time to the minute gets :00, one to the second keeps its own."""
    assert extensions.local_time("08:05")["valueTime"] == "08:05:00"
    assert extensions.local_time("08:05:09")["valueTime"] == "08:05:09"
