"""A measurement as Observation."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.extensions import LOCAL_TIME
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import measurement
from netfhir.trial.entities import Amount, Measurement, Part
from tiny_trial import BASE, LONDON, coding, site

SITE = site()
KEY = SourceKey("TINY", "S1", "v1", "lab", "hb")
HB = Amount(value=Decimal("13.70"), ucum="g/dL", unit="g/dl")


def mapped(**attributes: Any) -> dict[str, Any]:
    """Return the one resource of a measurement, haemoglobin unless said otherwise."""
    given: dict[str, Any] = {
        "item_table": "lab",
        "item": "hb",
        "status": "final",
        "value": HB,
        "measured": LocalTime("2024-08-07", "08:50"),
        "zone": LONDON,
    }
    entity = Measurement(key=KEY, origin="lb.csv:2", subject="S1", **(given | attributes))
    (draft,) = measurement.drafts(entity, SITE)
    return draft.body


def quantity(value: str, ucum: str, unit: str = "") -> dict[str, Any]:
    """Return a Quantity."""
    body = {"value": Decimal(value), "system": "http://unitsofmeasure.org", "code": ucum}
    return body | {"unit": unit or ucum}


def test_a_result_is_whole() -> None:
    """What was measured, in whom, when, and the value; and nothing else."""
    assert mapped() == {
        "resourceType": "Observation",
        "id": SITE.naming.id(KEY),
        "identifier": [{"system": BASE, "value": "tiny|s1|v1|lab|hb|"}],
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy",
                "valueReference": SITE.study(),
            }
        ],
        "subject": SITE.naming.patient("S1"),
        "status": "final",
        "category": [{"coding": [coding("laboratory")], "text": "The laboratory"}],
        "code": {
            "coding": [{"system": f"{BASE}/item/lab", "code": "hb"}, coding("hb")],
            "text": "The hb",
        },
        "effectiveDateTime": "2024-08-07T08:50:00+01:00",
        "valueQuantity": quantity("13.70", "g/dL", "g/dl"),
    }


def test_the_sources_own_code_stands_first() -> None:
    """The trial's item before the standard codes."""
    assert [row["code"] for row in mapped()["code"]["coding"]] == ["hb", "hb"]
    assert mapped()["code"]["coding"][0]["system"] == f"{BASE}/item/lab"


def test_a_comparator_is_kept() -> None:
    """Below the range of the assay stays so."""
    value = HB.model_copy(update={"comparator": "<"})
    assert mapped(value=value)["valueQuantity"]["comparator"] == "<"


def test_a_blank_spelling_is_no_unit() -> None:
    """Where the source spells no unit, the code alone stands."""
    body = mapped(value=Amount(value=Decimal("6.5"), ucum="[pH]", unit=""), item="ph")
    assert body["valueQuantity"] == {
        "value": Decimal("6.5"),
        "system": "http://unitsofmeasure.org",
        "code": "[pH]",
    }


@pytest.mark.parametrize("limit", ["low", "high"])
def test_a_reference_range_has_the_limits_that_are_told(limit: str) -> None:
    """One limit alone is a range too."""
    body = mapped(**{limit: Amount(value=Decimal(12), ucum="g/dL", unit="g/dL")})
    assert body["referenceRange"] == [{limit: quantity("12", "g/dL")}]


def test_an_interpretation_is_a_concept() -> None:
    """The source's indicator, by its code."""
    body = mapped(interpretation="high")
    assert body["interpretation"] == [{"coding": [coding("high")], "text": "The high"}]


@pytest.mark.parametrize(("absent", "key"), [("absent-refused", "refused"), (None, "unknown")])
def test_no_value_has_its_reason(absent: str | None, key: str) -> None:
    """A data-absent reason stands exactly where no value does."""
    body = mapped(value=None, absent=absent, status="cancelled")
    assert body["dataAbsentReason"]["coding"] == [coding(f"absent-{key}")]
    assert [name for name in body if name.startswith("value")] == []


@pytest.mark.parametrize(
    ("item", "value", "element", "written"),
    [
        ("colour", "YELLOW", "valueString", "YELLOW"),
        ("ecog", 0, "valueInteger", 0),
        (
            "blood",
            "present",
            "valueCodeableConcept",
            {"coding": [coding("present")], "text": "The present"},
        ),
    ],
)
def test_a_value_is_written_in_its_kind(item: str, value: Any, element: str, written: Any) -> None:
    """Text, whole number (0 is one) and concept each have their element, and no reason beside."""
    body = mapped(item=item, value=value)
    assert body[element] == written
    assert "dataAbsentReason" not in body


def test_a_score_is_interpreted_by_its_answer() -> None:
    """ECOG 1 is the number 1, and the concept of that grade; 2 has none here."""
    assert mapped(item="ecog", value=1)["interpretation"][0]["coding"] == [coding("ecog-1")]
    assert "interpretation" not in mapped(item="ecog", value=2)


def test_a_panel_has_components() -> None:
    """Systolic and diastolic stand beside each other; a missing one says why."""
    systolic = Amount(value=Decimal(120), ucum="mm[Hg]", unit="mmHg")
    parts = (
        Part(item="sys", value=systolic),
        Part(item="dia", value=None, absent="absent-refused"),
    )
    body = mapped(item="bp", value=None, parts=parts)
    one, other = body["component"]
    assert one["valueQuantity"] == quantity("120", "mm[Hg]", "mmHg")
    assert one["code"]["coding"][0] == {"system": f"{BASE}/item/lab", "code": "sys"}
    assert other["dataAbsentReason"]["coding"] == [coding("absent-refused")]
    assert {"dataAbsentReason", "valueQuantity"} & set(body) == set()


def test_a_time_without_a_zone_is_kept_beside_the_date() -> None:
    """The date is sent, the time of day stands in the extension."""
    body = mapped(zone=None)
    assert body["effectiveDateTime"] == "2024-08-07"
    assert body["_effectiveDateTime"] == {
        "extension": [{"url": LOCAL_TIME, "valueTime": "08:50:00"}]
    }


@pytest.mark.parametrize("text", ["2024", "2024-08", "2024-08-07"])
def test_a_date_without_a_time_has_no_extension(text: str) -> None:
    """There is nothing to keep."""
    body = mapped(measured=LocalTime(text))
    assert body["effectiveDateTime"] == text
    assert "_effectiveDateTime" not in body


def test_an_unknown_day_is_left_out() -> None:
    """No date is assumed."""
    assert "effectiveDateTime" not in mapped(measured=None)


def test_position_and_site_are_concepts() -> None:
    """The position beside the study's link, the site in its element."""
    body = mapped(position="standing", body_site="arm-site")
    assert [row["url"].rpartition("/")[2] for row in body["extension"]] == [
        "workflow-researchStudy",
        "observation-bodyPosition",
    ]
    assert body["bodySite"]["coding"] == [coding("arm-site")]


def test_time_point_and_note_are_notes() -> None:
    """The source's words, the time point first."""
    body = mapped(timepoint="AFTER 1 MINUTE", note="Repeated")
    assert body["note"] == [{"text": "AFTER 1 MINUTE"}, {"text": "Repeated"}]
