"""Lets go of a resource that is to be deleted: our own Provenance refers to it.

A server with referential integrity (HAPI, by its default) deletes nothing that is referred to. The
Provenance keeps the resource's address as an identifier: it still tells what was written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.profile import Strategy
from netfhir.sync.elements import elements_of
from netfhir.sync.provenance import TYPE
from netfhir.sync.records import Action, Planned, digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.identity import SiteKey
    from netfhir.hospital.client import Stored
    from netfhir.sync.provenance import Concludes
    from netfhir.sync.records import Known

_URI = "urn:ietf:rfc:3986"


class Reads(Protocol):
    """What is asked of a client."""

    base_url: str

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        """Read each `Type/id`, in order."""


class Recalls(Protocol):
    """What is asked of a ledger."""

    def besides(self) -> list[Known]:
        """Return the rows that no staging gives."""

    def intend(self, items: Sequence[Planned]) -> None:
        """Mark rows in flight."""


@dataclass(slots=True)
class Release:
    """The releases of one run; which Provenance names what is read once."""

    client: Reads
    ledger: Recalls
    site_key: SiteKey
    _naming: dict[str, list[Known]] | None = field(default=None)

    def release(self, path: str, sender: Concludes) -> None:
        """Put an identifier in the place of each reference that a Provenance of ours has to it."""
        if self._naming is None:
            self._naming = self._read()
        for known in self._naming.get(path, []):
            (stored,) = self.client.read_many([f"{TYPE}/{known.id}"])
            if stored.body is not None:
                item = self._planned(known, stored.version_id, self._released(stored.body, path))
                self.ledger.intend([item])
                sender.conclude([item])

    def _read(self) -> dict[str, list[Known]]:
        rows = [known for known in self.ledger.besides() if known.resource_type == TYPE]
        stored = self.client.read_many([f"{TYPE}/{known.id}" for known in rows]) if rows else []
        naming: dict[str, list[Known]] = {}
        for known, what in zip(rows, stored, strict=True):
            for target in (what.body or {}).get("target", []):
                naming.setdefault(_path(target), []).append(known)
        return naming

    def _released(self, body: Json, path: str) -> Json:
        resource_type = path.partition("/")[0]
        address = {"system": _URI, "value": f"{self.client.base_url}/{path}"}
        named = {"type": resource_type, "identifier": address}
        kept = {name: value for name, value in body.items() if name not in {"meta", "text"}}
        target = [
            {**{n: v for n, v in t.items() if n == "display"}, **named} if _path(t) == path else t
            for t in body["target"]
        ]
        return {**kept, "target": target}

    def _planned(self, known: Known, version_id: str, body: Json) -> Planned:
        sent = to_bytes(body)
        return Planned(
            Action.UPDATE,
            Strategy.PUT_ID,
            TYPE,
            known.id,
            known.where,
            sent,
            digest_of(self.site_key, sent),
            server_id=known.id,
            version_id=version_id,
            elements=elements_of(self.site_key, sent),
        )


def _path(target: Json) -> str:
    return str(target.get("reference", "")).partition("/_history/")[0]
