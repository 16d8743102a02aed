"""No resource is planned that is not valid FHIR of its version: the one door to the plan.

It judges structure, cardinality, JSON kinds, primitives, required bindings, reference targets,
the invariants and HL7's codes by tables from the version's official packages, and asks
fhir.resources once for each shape. It knows no profile, no trial and no hospital.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.errors import RecordError
from netfhir.fhir.findings import Finding
from netfhir.fhir.models import Models
from netfhir.fhir.structure import Structure
from netfhir.fhir.walk import Walk

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.draft import Draft
    from netfhir.fhir.version import Version

__all__ = ["Finding", "Gate"]


class Gate:
    """Judges resources; keeps what it compiled and the shapes it knows to be good."""

    def __init__(self, fhir: Version = "r4") -> None:
        """Read nothing yet: tables and models are loaded when the first resource comes."""
        self._structure = Structure(fhir)
        self._models = Models(fhir)

    def findings(self, body: Json) -> list[Finding]:
        """Return every fault of a resource, in element order; [] if it passes."""
        walk = Walk(self._structure)
        walk.run(body)
        if walk.findings:
            return list(dict.fromkeys(walk.findings))
        return self._models.findings(body, tuple(walk.shape))

    def check(self, draft: Draft) -> None:
        """Raise `RecordError` (`gate:<rule>`) for the first fault of a draft."""
        found = self.findings(draft.body)
        if not found:
            return
        first, more = found[0], len(found) - 1
        raise RecordError(
            f"gate:{first.rule}",
            where=draft.where,
            found=first.path + (f" (and {more} more)" if more else ""),
            expected=first.expected,
            remedy="correct the declaration that maps this, or the source",
        )
