"""The extensions by which an AdverseEvent of R4 says what R5 has elements for.

Source: HL7 Vulcan, Adverse Event Clinical Research R4 Backport 1.0.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json

BASE: Final = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/"


def extension(name: str, **value: Any) -> Json:  # noqa: ANN401 - one value[x] of FHIR
    """Return an extension of the backport with its value."""
    return {"url": BASE + name, **value}


def criterion(concept: Json) -> Json:
    """Return a criterion of seriousness that the event meets."""
    parts = [
        {"url": "criterionCode", "valueCodeableConcept": concept},
        {"url": "criterionPresent", "valueBoolean": True},
    ]
    return {"url": f"{BASE}seriousness-criteria", "extension": parts}


def suspect(instance: Json, relatedness: Json) -> Json:
    """Return what is suspected (`valueReference` or `valueCodeableConcept`), and how strongly."""
    related = {"url": "entityRelatedness", "valueCodeableConcept": relatedness}
    parts = [{"url": "instance", **instance}, {"url": "causality", "extension": [related]}]
    return {"url": f"{BASE}suspect-entity", "extension": parts}


def mitigating(concept: Json) -> Json:
    """Return an action that was taken."""
    parts = [{"url": "item", "valueCodeableConcept": concept}]
    return {"url": f"{BASE}mitigating-action", "extension": parts}
