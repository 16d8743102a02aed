"""What a mapper yields: one resource, its name, and the place in the source it came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netfhir.fhir import extensions, r5

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.version import Version


@dataclass(frozen=True, slots=True)
class Draft:
    """A complete resource before the gate: `body` holds resourceType, id and identifier.

    A mapper yields R4; `in_version` gives what is written.
    """

    resource_type: str
    id: str
    body: Json
    where: str
    """`file:row:item` of the source fact."""
    subject: str = ""
    """The trial's number of the subject; empty for what belongs to the study."""
    shared: bool = False
    """Whether several entities yield this very resource (a product and its lot, say)."""

    def in_version(self, fhir: Version, extension_base: str) -> Draft:
        """Return the draft with its body in that version; raises `CarryError`.

        `extension_base` is where the server knows the extensions that R4 needs for R5's elements.
        """
        if fhir == "r5":
            return replace(self, body=r5.turned(self.body))
        if extension_base == extensions.CROSS_VERSION:
            return self
        return replace(self, body=extensions.rebased(self.body, extension_base))
