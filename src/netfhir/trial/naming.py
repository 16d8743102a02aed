"""How the trial's facts are named in the hospital: identifiers, ids and references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netfhir.fhir.identity import SiteKey, SourceKey, derived_id

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json


@dataclass(frozen=True, slots=True)
class Naming:
    """Names by a site's configured base, its secret key, and the study."""

    study: str
    base: str
    """The identifier system of everything that netfhir writes for this trial at this site."""
    subjects: str
    """The identifier system of the trial's subject numbers."""
    site_key: SiteKey

    def key(
        self, subject: str = "", event: str = "", form: str = "", item: str = "", repeat: str = ""
    ) -> SourceKey:
        """Return the key of a source fact of this study."""
        return SourceKey(self.study, subject, event, form, item, repeat)

    def identifier(self, key: SourceKey) -> dict[str, str]:
        """Return the business identifier of `key`."""
        return {"system": self.base, "value": key.text()}

    def id(self, key: SourceKey) -> str:
        """Return the resource id derived from the business identifier of `key`."""
        return derived_id(self.site_key, self.base, key.text())

    def reference(self, resource_type: str, key: SourceKey) -> dict[str, str]:
        """Return the literal reference to our own resource of that key."""
        return {"reference": f"{resource_type}/{self.id(key)}"}

    def patient(self, subject: str) -> Json:
        """Return the placeholder that `plan` replaces by the hospital's Patient."""
        placeholder: dict[str, Any] = {
            "identifier": {"system": self.subjects, "value": subject},
            "type": "Patient",
        }
        return placeholder
