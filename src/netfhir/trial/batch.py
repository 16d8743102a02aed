"""What a run delivered, and from what: the facts of a Provenance, apart from FHIR."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

Activity = Literal["CREATE", "UPDATE", "NULLIFY"]


class Target(NamedTuple):
    """One version of one resource on the server."""

    resource_type: str
    server_id: str
    version_id: str
    """Empty where the server gives none, and of what was deleted."""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """What the resources of one run were made from; no patient data."""

    sources: tuple[str, ...] = ()
    """SHA-256 of each file of the export, in hexadecimal."""
    mapping: str = ""
    """SHA-256 of the trial's declarations, overlays included."""
    terminology: str = ""
    """SHA-256 of the terminology's files."""
    vocabularies: tuple[str, ...] = ()
    """Each code system in use, as `system|version`; without `|` where no version is declared."""
    software: str = ""
    why: str = ""
    """Why resources were taken back, in the operator's words."""

    def as_text(self) -> str:
        """Return the one line that the ledger keeps."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of_text(cls, text: str) -> Origin:
        """Return what `as_text` wrote."""
        told: dict[str, Any] = json.loads(text)
        lists: dict[str, Any] = {n: tuple(told[n]) for n in ("sources", "vocabularies")}
        return cls(**(told | lists))


@dataclass(frozen=True, slots=True)
class Batch:
    """Versions that one run wrote by one activity, at most a few hundred."""

    activity: Activity
    targets: tuple[Target, ...]
    recorded: datetime
    origin: Origin
