"""Extensions that stand in R4 for an element of R5, as that element.

HL7's cross-version extensions name the element in their URL; its parts stand below it as
extensions of their own. Source: package hl7.fhir.uv.xver-r5.r4.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from netfhir.fhir.r5.ways import Place, children, no_way

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.r5.ways import Child

_URL: Final = re.compile(r"http://hl7\.org/fhir/5\.0/StructureDefinition/extension-(.+)")


def is_native(extension: Json) -> bool:
    """Say whether an extension stands for an R5 element."""
    return _URL.fullmatch(extension["url"]) is not None


def native(extension: Json, r5: Place) -> Json:
    """Return the R5 element that an extension at that place stands for."""
    found = _URL.fullmatch(extension["url"])
    path = found[1] if found else extension["url"]
    above, _, name = path.rpartition(".")
    if above != str(r5):
        raise no_way(str(r5), f"the extension for {path}")
    return _element(name, extension, r5)


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
