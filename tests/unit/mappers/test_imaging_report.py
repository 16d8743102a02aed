"""Imaging reports with their lesions, and what an assessment found of the disease."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import disease_status, imaging_report
from netfhir.trial.entities import Amount, Link
from netfhir.trial.outcomes import DiseaseStatus, ImagingReport, Lesion
from tiny_trial import BASE, LONDON, coding, site

SITE = site()
KEY = SourceKey("TINY", "S1", "m3", "imaging_report", "present")
STATUS = SourceKey("TINY", "S1", "m3", "disease_status", "ecog")
PACS = ("https://hospital.example/accession", "RX1")
ACSN = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}
ACCESSION = {"type": {"coding": [ACSN]}, "system": PACS[0], "value": PACS[1]}
IMAGES = {"type": "ImagingStudy", "identifier": ACCESSION}
LESION = Lesion(
    number="L1",
    origin="img.csv:2:n1",
    diameter=Amount(value=Decimal(12), ucum="ug/L", unit="mcg/L"),
)


def resources(**attributes: Any) -> list[dict[str, Any]]:
    """Return lesions and report."""
    given: dict[str, Any] = {
        "examination": "present",
        "category": "laboratory",
        "status": "final",
        "performed": LocalTime("2025-01-18"),
        "item_table": "lab",
        "item": "cga",
        "zone": LONDON,
    }
    entity = ImagingReport(key=KEY, origin="img.csv:2", subject="S1", **(given | attributes))
    return [draft.body for draft in imaging_report.drafts(entity, SITE)]


def status(**attributes: Any) -> list[dict[str, Any]]:
    """Return the Observation of an assessment, and the Condition that it found, if any."""
    given: dict[str, Any] = {
        "status": "final",
        "assessed": LocalTime("2025-08-20"),
        "item": "ecog",
        "category": "laboratory",
        "finding": "high",
        "zone": LONDON,
    }
    entity = DiseaseStatus(key=STATUS, origin="s.csv:2", subject="S1", **(given | attributes))
    return [draft.body for draft in disease_status.drafts(entity, SITE)]


def test_a_report_is_whole() -> None:
    """Status, category, code and day; the images are named, and the words kept."""
    (body,) = resources(accession=PACS, conclusion="No lesion.")
    local = {"system": f"{BASE}/item/examination", "code": "present"}
    assert body["identifier"] == [SITE.naming.identifier(KEY), ACCESSION]
    assert (body["status"], body["effectiveDateTime"]) == ("final", "2025-01-18")
    assert body["code"] == {"coding": [local, coding("present")], "text": "The present"}
    assert body["category"][0]["coding"] == [coding("laboratory")]
    assert body["imagingStudy"] == [IMAGES]
    assert body["conclusion"] == "No lesion."
    assert "result" not in body


def test_the_report_refers_to_its_lesions() -> None:
    """A lesion is an Observation that the report has as its result."""
    lesion, report = resources(lesions=(LESION,))
    assert report["result"] == [{"reference": f"Observation/{lesion['id']}"}]
    assert lesion["identifier"][0]["value"] == "tiny|s1|m3|lesion|present%2Fl1|"


def test_a_lesion_is_the_same_in_all_reports() -> None:
    """A second identifier names the lesion, not the measurement."""
    (lesion, _), (again, _) = resources(lesions=(LESION,)), resources(lesions=(LESION,))
    assert lesion["identifier"][1] == {"system": f"{BASE}/lesion", "value": "S1|L1"}
    assert again["identifier"][1] == lesion["identifier"][1]


def test_a_lesion_has_its_diameter_and_its_images() -> None:
    """The longest diameter with its unit; what it was measured in is derivedFrom."""
    placed = LESION.model_copy(update={"site": "arm-site", "is_new": True})
    lesion, _ = resources(lesions=(placed,), accession=PACS)
    assert lesion["valueQuantity"]["value"] == Decimal(12)
    assert lesion["bodySite"]["coding"] == [coding("arm-site")]
    assert lesion["derivedFrom"] == [IMAGES]
    assert lesion["component"][0]["valueBoolean"] is True


def test_a_lesion_without_a_diameter_says_why() -> None:
    """obs-6: a reason, and no value."""
    gone = LESION.model_copy(update={"diameter": None, "absent": "absent-refused"})
    lesion, _ = resources(lesions=(gone,))
    assert lesion["dataAbsentReason"]["coding"] == [coding("absent-refused")]
    assert "valueQuantity" not in lesion


def test_an_assessment_is_an_observation_of_its_finding() -> None:
    """The trial's own code of the finding stands first; the images are derivedFrom."""
    (body,) = status(imaging=PACS, method="r0", site="arm-site", note="Seen twice")
    local = {"system": f"{BASE}/item/finding", "code": "high"}
    assert body["valueCodeableConcept"]["coding"] == [local, coding("high")]
    assert body["code"]["coding"] == [coding("ecog")]
    assert body["derivedFrom"] == [IMAGES]
    assert body["method"]["coding"] == [coding("r0")]
    assert body["note"] == [{"text": "Seen twice"}]


def test_a_new_tumour_is_a_condition_in_focus() -> None:
    """A recurrence, confirmed, recorded on the day of the assessment, related to the diagnosis."""
    primary = SourceKey("TINY", "S1", "s", "diagnosis", "primary")
    link = Link(element="focus", to="diagnosis", key=primary)
    condition, observation = status(condition="resection", links=(link,))
    assert condition["clinicalStatus"]["coding"] == [coding("clinical-recurrence")]
    assert condition["code"]["coding"][-1] == coding("resection")
    assert condition["recordedDate"] == "2025-08-20"
    known = SITE.naming.reference("Condition", primary)
    assert observation["focus"] == [known, {"reference": f"Condition/{condition['id']}"}]
    assert condition["extension"] == [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/condition-related",
            "valueReference": known,
        }
    ]
    assert condition["identifier"][0]["value"] == "tiny|s1|m3|new_tumour|resection|"
