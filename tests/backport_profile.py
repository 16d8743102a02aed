"""HL7's research profile of AdverseEvent, backported to R4, as definitions for a validating server.

Written from the guide's source, for its package cannot be had here: an extension of another name,
type or cardinality is then an error, and with the profile named what the profile asks is asked. Not
asked is the binding of seriousness: HAPI has R4's own code system built in, with capitals.
Source: HL7/fhir-ae-research-backport-ig 1.0.1, adverseEventResearchProfile.fsh; HL7/UTG value sets.
"""

from __future__ import annotations

from typing import Any, Final

GUIDE: Final = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/"
PROFILE: Final = f"{GUIDE}AdverseEvent-clinical-research"
NCIT: Final = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
THO: Final = "http://terminology.hl7.org/"
SERIOUSNESS: Final = f"{THO}CodeSystem/adverse-event-seriousness"

Content = str | dict[str, tuple[str | tuple[str, ...] | dict[str, tuple[str, int, str]], int, str]]

#: Extension -> the type of its value, or its parts: name -> type (or parts again) and cardinality.
EXTENSIONS: Final[dict[str, Content]] = {
    "ae-grade": "CodeableConcept",
    "caused-subject-to-discontinue-study": "boolean",
    "expected-in-research-study": "boolean",
    "mitigating-action": {"item": (("CodeableConcept", "Reference"), 1, "1")},
    "note": "Annotation",
    "research-subject-ref": "Reference",
    "resolve-date": "dateTime",
    "seriousness-criteria": {
        "criterionCode": ("CodeableConcept", 1, "1"),
        "criterionPresent": ("boolean", 1, "1"),
    },
    "suspect-entity": {
        "instance": (("CodeableConcept", "Reference"), 1, "1"),
        "causality": (
            {
                "assessmentMethod": ("CodeableConcept", 0, "1"),
                "entityRelatedness": ("CodeableConcept", 0, "1"),
                "author": ("Reference", 0, "1"),
            },
            1,
            "1",
        ),
    },
}
#: Value set -> its codes of NCI Thesaurus.
VALUE_SETS: Final = {
    "adverse-event-clinical-research-outcomes": "C48275 C49494 C49495 C49498 C49496",
    "adverse-event-clinical-research-grades": "C41338 C41339 C41340 C41337 C48275",
}
_SERIOUS: Final = f"seriousness.coding.exists(system='{SERIOUSNESS}' and code='serious')"
_NOT_SERIOUS: Final = f"seriousness.coding.exists(system='{SERIOUSNESS}' and code='non-serious')"
_CRITERIA: Final = f"extension('{GUIDE}seriousness-criteria').exists()"


def definitions() -> list[dict[str, Any]]:
    """Return the extensions, the terminology, and the profile, in the order of their needs."""
    extensions = [_extension(name, content) for name, content in EXTENSIONS.items()]
    sets = [_value_set(name, codes.split()) for name, codes in VALUE_SETS.items()]
    return [*extensions, _status(), _thesaurus(), *sets, _profile()]


def _definition(name: str, base: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "url": GUIDE + name,
        "version": "1.0.1",
        "name": name.title().replace("-", ""),
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "resource" if base == "AdverseEvent" else "complex-type",
        "abstract": False,
        "type": base,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{base}",
        "derivation": "constraint",
        **more,
    }


def _extension(name: str, content: Content) -> dict[str, Any]:
    elements = [{"id": "Extension", "path": "Extension"}]
    if isinstance(content, str):
        elements += [_url("Extension", GUIDE + name), *_value("Extension", (content,))]
    else:
        elements += [*_parts("Extension", content), _url("Extension", GUIDE + name)]
        elements += [_none("Extension.value[x]")]
    context = [{"type": "element", "expression": "AdverseEvent"}]
    return _definition(name, "Extension", context=context, differential={"element": elements})


def _url(base: str, url: str) -> dict[str, Any]:
    path = base.replace(":", "")
    return {"id": f"{base}.url", "path": _path(path) + ".url", "fixedUri": url}


def _path(name: str) -> str:
    return ".".join(part.partition(":")[0] for part in name.split("."))


def _none(name: str) -> dict[str, Any]:
    return {"id": name, "path": _path(name), "max": "0"}


def _value(base: str, types: tuple[str, ...]) -> list[dict[str, Any]]:
    name = f"{base}.value[x]"
    return [{"id": name, "path": _path(name), "min": 1, "type": [{"code": t} for t in types]}]


def _parts(base: str, content: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, (kind, least, most) in content.items():
        own = f"{base}.extension:{name}"
        path = f"{_path(base)}.extension"
        found.append({"id": own, "path": path, "sliceName": name, "min": least, "max": most})
        if isinstance(kind, dict):
            found += _parts(own, kind)
            found += [{"id": f"{own}.url", "path": f"{path}.url", "fixedUri": name}]
            found += [_none(f"{own}.value[x]")]
        else:
            found += [{"id": f"{own}.url", "path": f"{path}.url", "fixedUri": name}]
            found += _value(own, (kind,) if isinstance(kind, str) else kind)
    return found


def _status() -> dict[str, Any]:
    elements = [
        {
            "id": "Extension",
            "path": "Extension",
            "isModifier": True,
            "isModifierReason": "The status may say that the resource was entered in error.",
        },
        _url("Extension", f"{GUIDE}status"),
        *_value("Extension", ("code",)),
    ]
    context = [{"type": "element", "expression": "AdverseEvent"}]
    return _definition("status", "Extension", context=context, differential={"element": elements})


def _thesaurus() -> dict[str, Any]:
    """Return the few codes of NCI Thesaurus that stand beside a required binding of R4.

    A server that knows no such system refuses the whole outcome, although R4's own code is there.
    """
    codes = sorted({code for row in VALUE_SETS.values() for code in row.split()})
    return {
        "resourceType": "CodeSystem",
        "id": "nci-thesaurus",
        "url": NCIT,
        "status": "active",
        "content": "fragment",
        "concept": [{"code": code} for code in codes],
    }


def _value_set(name: str, codes: list[str]) -> dict[str, Any]:
    include = {"system": NCIT, "concept": [{"code": code} for code in codes]}
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"{THO}ValueSet/{name}",
        "status": "active",
        "compose": {"include": [include]},
    }


def _profile() -> dict[str, Any]:
    rule = {
        "key": "aeClinRes-seriousness-1",
        "severity": "error",
        "human": "A serious event has a criterion, another has none.",
        "expression": f"({_SERIOUS} and {_CRITERIA} and {_NOT_SERIOUS}.not())"
        f" or ({_NOT_SERIOUS} and {_SERIOUS}.not() and {_CRITERIA}.not())",
    }
    forbidden = (
        "suspectEntity",
        "subjectMedicalHistory",
        "referenceDocument",
        "resultingCondition",
    )
    elements = [
        {"id": "AdverseEvent", "path": "AdverseEvent", "constraint": [rule]},
        _slicing("extension"),
        *(_slice("extension", name) for name in EXTENSIONS),
        _slicing("modifierExtension"),
        _slice("modifierExtension", "status") | {"min": 1, "max": "1"},
        _element("actuality", fixedCode="actual"),
        _element("event", min=1),
        _element("seriousness", min=1),
        _element("outcome", min=1, binding=_bound("adverse-event-clinical-research-outcomes")),
        *(_element(name, max="0") for name in forbidden),
        _element("study", min=1, max="1"),
    ]
    order = [
        "",
        *("extension", "modifierExtension", "actuality", "event", "resultingCondition"),
        *("seriousness", "outcome", "suspectEntity", "subjectMedicalHistory"),
        *("referenceDocument", "study"),
    ]
    elements.sort(key=lambda e: order.index(e["path"].partition(".")[2]))
    return _definition(
        "AdverseEvent-clinical-research", "AdverseEvent", differential={"element": elements}
    )


def _element(name: str, **constraints: Any) -> dict[str, Any]:
    return {"id": f"AdverseEvent.{name}", "path": f"AdverseEvent.{name}", **constraints}


def _slicing(name: str) -> dict[str, Any]:
    by = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open", "ordered": False}
    return _element(name, slicing=by)


def _slice(element: str, name: str) -> dict[str, Any]:
    several = name in {"note", "mitigating-action", "seriousness-criteria", "suspect-entity"}
    return {
        "id": f"AdverseEvent.{element}:{name}",
        "path": f"AdverseEvent.{element}",
        "sliceName": name,
        "min": 0,
        "max": "*" if several else "1",
        "type": [{"code": "Extension", "profile": [GUIDE + name]}],
    }


def _bound(name: str) -> dict[str, str]:
    return {"strength": "required", "valueSet": f"{THO}ValueSet/{name}"}
