"""Code systems that R5 calls otherwise, by the URI that R4 has; the codes are the same.

Source: FHIR R4 4.0.1 and R5 5.0.0, code systems; HL7 Terminology, whose copy of R5's research study
states we write in R4.
"""

from __future__ import annotations

from typing import Any, Final

_THO: Final = "http://terminology.hl7.org/CodeSystem/"
_R5: Final = "http://hl7.org/fhir/"

#: Of these R5 has a code system of its own.
_OWN: Final = (
    "research-study-objective-type",
    "research-study-party-role",
    "research-study-phase",
    "research-study-prim-purp-type",
    "research-study-reason-stopped",
    "research-study-status",
    "title-type",
)
SYSTEMS: Final[dict[str, str]] = {
    **{f"{_THO}{name}": f"{_R5}{name}" for name in _OWN},
    f"{_THO}medication-admin-category": f"{_THO}medication-admin-location",
    f"{_R5}research-subject-status": f"{_THO}research-subject-state",
}


def rewritten(value: Any) -> Any:  # noqa: ANN401 - any FHIR element
    """Return the value with the systems of its codes as R5 has them."""
    if isinstance(value, list):
        return [rewritten(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {name: rewritten(item) for name, item in value.items()}
    if "code" in result and result.get("system") in SYSTEMS:
        result["system"] = SYSTEMS[result["system"]]
    return result
