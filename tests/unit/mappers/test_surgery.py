"""A liver resection as Procedure."""

from __future__ import annotations

from typing import Any

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import surgery
from netfhir.trial.entities import Surgery
from tiny_trial import BASE, LONDON, coding, site

SITE = site()
KEY = SourceKey("TINY", "S1", "op", "surgery", "resection")


def mapped(**attributes: Any) -> dict[str, Any]:
    """Return the one resource of a resection."""
    given: dict[str, Any] = {"status": "completed", "procedure": "resection"}
    given |= {"performed": LocalTime("2024-08-19"), "zone": LONDON}
    entity = Surgery(key=KEY, origin="op.csv:2", subject="S1", **(given | attributes))
    (draft,) = surgery.drafts(entity, SITE)
    return draft.body


def test_a_resection_is_a_procedure() -> None:
    """Status, code, day, patient, study and identifier; and nothing else."""
    body = mapped()
    assert body == {
        "resourceType": "Procedure",
        "id": SITE.naming.id(KEY),
        "identifier": [{"system": BASE, "value": "tiny|s1|op|surgery|resection|"}],
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy",
                "valueReference": SITE.study(),
            }
        ],
        "subject": SITE.naming.patient("S1"),
        "status": "completed",
        "code": {"coding": [coding("resection")], "text": "The resection"},
        "performedDateTime": "2024-08-19",
    }


def test_residual_tumour_is_the_outcome() -> None:
    """R0 is a concept of the outcome."""
    assert mapped(residual_tumour="r0")["outcome"]["text"] == "The r0"


def test_a_time_of_surgery_has_its_offset() -> None:
    """The zone of the site gives it."""
    body = mapped(performed=LocalTime("2024-08-19", "08:00"))
    assert body["performedDateTime"] == "2024-08-19T08:00:00+01:00"
