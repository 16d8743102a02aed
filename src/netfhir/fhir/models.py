"""A second opinion from fhir.resources, asked once for each distinct shape.

A shape is the sequence of element paths that the walk saw, every item of an array counted: it
fixes which elements are there, how often, in which object, and of which JSON kind. The models
judge just that, and primitive values, which the walk judges itself each time and more strictly
(primitives.py). So two resources of one shape have one verdict, and asking once is enough; a
model costs about 280 us, a known shape one look into a set.

R4 is asked of the models of R4B, R5 of those of R5. The specification decides where the library
differs: `EXCEPTIONS` lists what the library is known to refuse although it is allowed.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from netfhir.fhir.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version

#: Shapes kept; a run has a few dozen. When full the memory starts anew.
_CAPACITY = 4096

#: (message of the library, resource type or "" for any) -> why it is not heeded.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("Expect any of field value from this list", ""): (
        "a required choice may stand as `_effectiveDateTime` with a data-absent-reason alone; "
        "the walk itself asks whether a required choice is there"
    ),
    ("UUID version 4", ""): "R4's uuid is of any version",
}


class Models:
    """Remembers the shapes that passed."""

    def __init__(
        self,
        fhir: Version = "r4",
        judge: Callable[[Json], list[Finding]] | None = None,
        *,
        capacity: int = _CAPACITY,
    ) -> None:
        """Know no shape yet; without a judge it is fhir.resources."""
        self._judge = judge or partial(_refused, fhir)
        self._capacity = capacity
        self._passed: set[tuple[int, ...]] = set()

    def findings(self, body: Json, shape: tuple[int, ...]) -> list[Finding]:
        """Return what the judge refuses in a resource of this shape, [] if it is known to pass."""
        if shape in self._passed:
            return []
        found = self._judge(body)
        if not found:
            if len(self._passed) >= self._capacity:
                self._passed.clear()
            self._passed.add(shape)
        return found


def _refused(fhir: Version, body: Json) -> list[Finding]:
    from pydantic import ValidationError  # noqa: PLC0415 - comes with the models

    resource_type = body["resourceType"]
    try:
        _model(fhir, resource_type).model_validate(body)
    except ValidationError as error:
        rows = [
            row for row in error.errors(include_input=False) if not _is_excepted(row, resource_type)
        ]
        return [_finding(resource_type, row) for row in rows]
    return []


def _model(fhir: Version, resource_type: str) -> Any:  # noqa: ANN401 - the library's own class
    if fhir == "r4":
        from fhir.resources import R4B  # noqa: PLC0415 - slow to import

        return R4B.get_fhir_model_class(resource_type)
    from fhir.resources import get_fhir_model_class  # noqa: PLC0415 - as above

    return get_fhir_model_class(resource_type)


def _is_excepted(row: Any, resource_type: str) -> bool:  # noqa: ANN401 - pydantic's error
    return any(words in row["msg"] and kind in {"", resource_type} for words, kind in EXCEPTIONS)


def _finding(resource_type: str, row: Any) -> Finding:  # noqa: ANN401 - pydantic's error
    names = [str(part) for part in row["loc"] if re.fullmatch(r"[A-Za-z_]+", str(part))]
    return Finding("model", ".".join([resource_type, *names]), f"fhir.resources: {row['type']}")
