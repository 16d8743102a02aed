"""Extensions that stand in R4 for an element of R5, as that element.

HL7's cross-version extensions name the element in their URL; its parts stand below it as
extensions of their own. HL7's backport of adverse events to R4 has names of its own, and some of
its extensions are extensions of HL7's guide for R5 too.
Source: package hl7.fhir.uv.xver-r5.r4; HL7 Vulcan, Adverse Event Clinical Research, R4 backport and
R5, both 1.0.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir.extensions import CROSS_VERSION
from netfhir.fhir.r5.elements import GUIDE
from netfhir.fhir.r5.ways import Place, children, no_way

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.r5.ways import Child

_CROSS: Final = f"{CROSS_VERSION}extension-"
_BACKPORT: Final = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/"
_EVENT: Final = Place("AdverseEvent")
#: By the backport's name: the element of R5's AdverseEvent.
_ELEMENTS: Final = {
    "contributing-factor": "contributingFactor",
    "expected-in-research-study": "expectedInResearchStudy",
    "mitigating-action": "mitigatingAction",
    "note": "note",
    "participant": "participant",
    "preventive-action": "preventiveAction",
    "resultingEffect": "resultingEffect",
    "status": "status",
    "supporting-info": "supportingInfo",
    "suspect-entity": "suspectEntity",
}
#: Extensions in R5 too, by the same name.
_STILL: Final = {
    *("ae-grade", "ae-severity", "caused-subject-to-discontinue-study", "seriousness-criteria"),
}


def is_native(extension: Json) -> bool:
    """Say whether R5 has the content otherwise."""
    return str(extension["url"]).startswith((_CROSS, _BACKPORT))


def native(extension: Json, r5: Place) -> Json:
    """Return the R5 elements that an extension at that place stands for."""
    url = extension["url"]
    if url.startswith(_BACKPORT) and r5 == _EVENT:
        return _of_event(url.removeprefix(_BACKPORT), extension)
    above, _, name = url.removeprefix(_CROSS).rpartition(".")
    if above != str(r5):
        raise no_way(r5, f"the extension for {above}.{name}")
    return _element(name, extension, r5)


def _of_event(name: str, extension: Json) -> Json:
    if name in _ELEMENTS:
        return _element(_ELEMENTS[name], extension, _EVENT)
    if name in _STILL:
        return {"extension": [extension | {"url": GUIDE + name}]}
    if name == "research-subject-ref":
        return {"participant": [{"actor": extension["valueReference"]}]}
    if name == "resolve-date":
        return {"occurrencePeriod": _renamed(extension, "valueDateTime", "end")}
    raise no_way(_EVENT, f"the extension {name}")


def _renamed(extension: Json, name: str, new: str) -> Json:
    """Return a value under another name, with what extends it."""
    both = {name: new, f"_{name}": f"_{new}"}
    return {both[key]: value for key, value in extension.items() if key in both}


def _element(name: str, extension: Json, place: Place) -> Json:
    known = children("r5", place)
    value_name = next((key for key in extension if key.startswith("value")), "")
    as_choice = name + value_name.removeprefix("value")
    chosen = as_choice if value_name and as_choice in known else name
    child = known.get(chosen)
    if child is None:
        raise no_way(f"{place}.{name}", "an extension's part")
    value = extension[value_name] if value_name else _parts(extension, child)
    return {chosen: [value] if child.is_list else value}


def _parts(extension: Json, child: Child) -> Json:
    result: Json = {}
    if child.place is None:
        raise no_way(extension["url"], "parts of a primitive")
    for part in extension["extension"]:
        element: dict[str, Any] = _element(part["url"], part, child.place)
        for name, value in element.items():
            result[name] = [*result[name], *value] if name in result else value
    return result
