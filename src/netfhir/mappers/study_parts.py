"""What the parts of a study share: how its own resources begin, and its words as FHIR strings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netfhir.fhir import extensions
from netfhir.fhir.draft import Draft

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.identity import SourceKey
    from netfhir.fhir.version import Version
    from netfhir.terminology.registry import RegistryTerms
    from netfhir.trial.naming import Naming
    from netfhir.trial.study import Study


@dataclass(frozen=True, slots=True)
class StudySite:
    """A study, how this site names things, and the registry's terms."""

    study: Study
    naming: Naming
    terms: RegistryTerms
    fhir: Version = "r4"

    def start(self, resource_type: str, key: SourceKey) -> Json:
        """Return the start of a resource: its type, id and business identifier."""
        return {
            "resourceType": resource_type,
            "id": self.naming.id(key),
            "identifier": [self.naming.identifier(key)],
        }

    def extension(self, path: str, *parts: Json, **value: object) -> Json:
        """Return the extension that stands for an R5 element, of parts or with a value."""
        return extensions.in_r5(path, *parts, **value)

    def draft(self, body: Json, part: str) -> Draft:
        """Return the draft of a finished resource, `part` naming the record's module."""
        where = f"{self.study.origin}:protocolSection.{part}"
        return Draft(body["resourceType"], body["id"], body, where)

    def codeable(self, table: str, value: str) -> Json:
        """Return the CodeableConcept of a value, in R5 with the codings that R5 alone has."""
        concept = self.terms.codeable(table, value)
        term = self.terms.term(table, value)
        if self.fhir == "r4" or term is None or not term.r5:
            return concept
        return concept | {"coding": [*concept.get("coding", []), *(c.as_fhir() for c in term.r5)]}

    @property
    def status(self) -> str:
        """Return the registry's status that tells most: the last known one of an unknown."""
        progress = self.study.progress
        unknown = self.terms.element("Status", progress.status, "publication") == "unknown"
        return (progress.last_known_status if unknown else "") or progress.status


def present(body: Json, **elements: Any) -> Json:  # noqa: ANN401 - any FHIR element
    """Return the body with those of the elements that are not empty."""
    filled = {
        name: value
        for name, value in elements.items()
        if value is not None and value not in ("", [], {})
    }
    return body | filled
