"""HL7's cross-version extensions that netfhir writes, as definitions for a validating server.

Written from R5's own elements, for the package hl7.fhir.uv.xver-r5.r4 cannot be had here: a name or
a type that R5 does not have in a part of an extension is then an error, as with the package.
Source: FHIR R5, ResearchStudy and ResearchSubject.
"""

from __future__ import annotations

from typing import Any, Final

BASE: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-"

#: Path of the R5 element -> the type of its value, or the parts: name -> type and cardinality.
ELEMENTS: Final[dict[str, str | dict[str, tuple[str, int, str]]]] = {
    "ResearchStudy.associatedParty": {
        "name": ("string", 0, "1"),
        "role": ("CodeableConcept", 1, "1"),
        "period": ("Period", 0, "*"),
        "classifier": ("CodeableConcept", 0, "*"),
        "party": ("Reference", 0, "1"),
    },
    "ResearchStudy.label": {
        "type": ("CodeableConcept", 0, "1"),
        "value": ("string", 0, "1"),
    },
    "ResearchStudy.objective.description": "markdown",
    "ResearchStudy.outcomeMeasure": {
        "name": ("string", 0, "1"),
        "type": ("CodeableConcept", 0, "*"),
        "description": ("markdown", 0, "1"),
        "reference": ("Reference", 0, "1"),
    },
    "ResearchStudy.progressStatus": {
        "state": ("CodeableConcept", 1, "1"),
        "actual": ("boolean", 0, "1"),
        "period": ("Period", 0, "1"),
    },
    "ResearchStudy.recruitment": {
        "targetNumber": ("unsignedInt", 0, "1"),
        "actualNumber": ("unsignedInt", 0, "1"),
        "eligibility": ("Reference", 0, "1"),
        "actualGroup": ("Reference", 0, "1"),
    },
    "ResearchSubject.progress": {
        "type": ("CodeableConcept", 0, "1"),
        "subjectState": ("CodeableConcept", 0, "1"),
        "milestone": ("CodeableConcept", 0, "1"),
        "reason": ("CodeableConcept", 0, "1"),
        "startDate": ("dateTime", 0, "1"),
        "endDate": ("dateTime", 0, "1"),
    },
}


def definitions() -> list[dict[str, Any]]:
    """Return a StructureDefinition for each extension."""
    return [_definition(path, content) for path, content in ELEMENTS.items()]


def _definition(path: str, content: str | dict[str, tuple[str, int, str]]) -> dict[str, Any]:
    name = path.replace(".", "")
    return {
        "resourceType": "StructureDefinition",
        "id": f"extension-{name}",
        "url": BASE + path,
        "version": "0.1.0",
        "name": f"Extension{name}",
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": "Element"}],
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        "differential": {"element": [_element("Extension"), *_content(path, content)]},
    }


def _content(path: str, content: str | dict[str, tuple[str, int, str]]) -> list[dict[str, Any]]:
    url = _element("Extension.url", fixedUri=BASE + path)
    if isinstance(content, str):
        none = _element("Extension.extension", max="0")
        return [none, url, _element("Extension.value[x]", min=1, type=[{"code": content}])]
    parts = [element for name, part in content.items() for element in _part(name, *part)]
    return [*parts, url, _element("Extension.value[x]", max="0")]


def _part(name: str, kind: str, least: int, most: str) -> list[dict[str, Any]]:
    slice_id = f"Extension.extension:{name}"
    return [
        {
            "id": slice_id,
            "path": "Extension.extension",
            "sliceName": name,
            "min": least,
            "max": most,
        },
        {"id": f"{slice_id}.url", "path": "Extension.extension.url", "fixedUri": name},
        {
            "id": f"{slice_id}.value[x]",
            "path": "Extension.extension.value[x]",
            "min": 1,
            "type": [{"code": kind}],
        },
    ]


def _element(path: str, **constraints: object) -> dict[str, Any]:
    return {"id": path, "path": path, **constraints}
