"""Whether the ledger is as new as the server: asked before a run writes anything.

A resource that holds what the export says now, in a version and with a content that the ledger does
not know, was written by a netfhir with another ledger: a person would not have made the very same
change. One or two such rows may be a correction made on both sides; several are a backup restored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from netfhir.errors import StateError
from netfhir.fhir.identity import derived_id, identifiers_of
from netfhir.sync.holdings import equal
from netfhir.sync.records import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.client import Stored
    from netfhir.sync.plan import Planner, Sorted, Terms
    from netfhir.sync.records import Key, Known, Planned

#: How many resources of a type are looked at, and how many of them are no chance.
SAMPLE = 20
_SEVERAL = 3


class Recalls(Protocol):
    """What the question needs of a ledger."""

    def find_all(self, keys: Collection[Key]) -> Mapping[Key, Known]:
        """Return the rows of these keys that there are."""

    def recent(self, resource_type: str, count: int) -> Sequence[Known]:
        """Return the acknowledged rows of a type that were settled last."""


class Samples(Protocol):
    """What the question needs of a client."""

    def latest_of_system(self, resource_type: str, system: str, count: int) -> list[Json]:
        """Return some resources with an identifier of a system, those last written if it can."""

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        """Read each `Type/id`, in order."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """One look at what the server last changed."""

    client: Samples
    ledger: Recalls
    staging: Sorted
    planner: Planner
    terms: Terms

    def check(self, resource_types: Collection[str]) -> None:
        """Raise StateError (74) if the server is newer than the ledger, and the ServerErrors.

        Types of which the ledger has nothing are passed over.
        """
        recent = {name: self.ledger.recent(name, SAMPLE) for name in sorted(resource_types)}
        found = [self._compared(name, rows) for name, rows in recent.items() if rows]
        ours, others = (sum(counts) for counts in zip(*found, strict=True)) if found else (0, 0)
        if ours >= _SEVERAL and ours >= others:
            raise StateError(
                "ledger-older",
                where="ledger",
                found=f"{ours} resources that netfhir wrote and the ledger does not know",
                expected="the ledger that was used last",
                remedy="put it back, or make it anew with `netfhir ledger rebuild --replace`",
            )

    def _compared(self, resource_type: str, recent: Sequence[Known]) -> tuple[int, int]:
        """Return how many of the sample are ours and not known, and how many others changed."""
        sample = self._latest(resource_type) or self._read(recent)
        known_rows = self.ledger.find_all(list(sample))
        moved = [
            (known, sample[key])
            for key, known in known_rows.items()
            if known.state is State.ACKED and _version(sample[key]) != known.version_id
        ]
        ours = sum(self._is_ours(known, body) for known, body in moved)
        same = sum(self._is_known(known, body) for known, body in moved)
        return ours, len(moved) - ours - same

    def _is_ours(self, known: Known, body: Json) -> bool:
        """Return whether the server holds what the export says, which the ledger does not know."""
        item = self._planned(known)
        return item is not None and item.digest != known.digest_acked and equal(item, body)

    def _is_known(self, known: Known, body: Json) -> bool:
        """Return whether the content is the one acknowledged: a version without a change."""
        item = self._planned(known)
        return item is not None and item.digest == known.digest_acked and equal(item, body)

    def _planned(self, known: Known) -> Planned | None:
        row = self.staging.find(known.resource_type, known.id)
        item = self.planner.planned(row, known) if row else None
        return item if item is not None and item.body else None

    def _latest(self, resource_type: str) -> dict[Key, Json]:
        """Return what the server changed last, where it can search for it."""
        if not self.terms.rule(resource_type).identifier_search:
            return {}
        system = self.terms.identifier_system
        return {
            (resource_type, derived_id(self.terms.site_key, system, str(identifier["value"]))): body
            for body in self.client.latest_of_system(resource_type, system, SAMPLE)
            for identifier in identifiers_of(body)
            if identifier.get("system") == system
        }

    def _read(self, recent: Sequence[Known]) -> dict[Key, Json]:
        stored = self.client.read_many([f"{k.resource_type}/{k.server_id}" for k in recent])
        return {
            known.key: what.body
            for known, what in zip(recent, stored, strict=True)
            if what.body is not None
        }


def _version(body: Json) -> str:
    return str(body.get("meta", {}).get("versionId", ""))
