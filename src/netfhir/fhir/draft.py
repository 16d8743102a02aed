"""What a mapper yields: one resource, its name, and the place in the source it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json


@dataclass(frozen=True, slots=True)
class Draft:
    """A complete resource before the gate: `body` holds resourceType, id and identifier."""

    resource_type: str
    id: str
    body: Json
    where: str
    """`file:row:item` of the source fact."""
    subject: str = ""
    """The trial's number of the subject; empty for what belongs to the study."""
    shared: bool = False
    """Whether several entities yield this very resource (a product and its lot, say)."""
