"""What becomes of an update where the hospital may have written, too: read, then decided.

A row that the hospital never touched is not read: its version says so, and `If-Match` holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netfhir.fhir.canonical import resource, to_bytes
from netfhir.sync.elements import decoded, encoded, holds_theirs
from netfhir.sync.holdings import Finding, carries
from netfhir.sync.records import Action, Outcome, Planned, settled
from netfhir.sync.threeway import Take, body_of, merge
from netfhir.sync.writing import WRITING, token_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.identity import SiteKey
    from netfhir.hospital.client import Stored
    from netfhir.sync.holdings import Held, Reads
    from netfhir.sync.plan import Resend, Terms
    from netfhir.sync.records import Settled
    from netfhir.sync.threeway import Merged

FOREIGN = "foreign-on-server"


def guarded(item: Planned, again: Resend | None) -> Planned:
    """Return an update with what keeps the hospital's changes safe when it is written.

    It is read before it is sent where the server has, or may have, what is not ours.
    """
    if item.action is not Action.UPDATE or not item.path:
        return item
    blind = not item.version_id or not item.base or holds_theirs(item.base)
    if not blind and again is None:
        return item
    careful = blind or (again is not None and again.careful)
    return item._replace(careful=careful, take=again.take if again else Take.NEITHER)


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The three-way comparison of one run; it holds nothing that changes."""

    client: Reads
    terms: Terms

    def prepared(self, items: Sequence[Planned]) -> list[Planned | Settled]:
        """Return the rows, those that had to be read as they are to be sent, or as settled.

        Raises the ServerErrors of reading.
        """
        asked = [item for item in items if item.careful]
        if not asked:
            return list(items)
        stored = self.client.read_many([item.path for item in asked])
        became = {
            item.key: self.judged(item, what) for item, what in zip(asked, stored, strict=True)
        }
        return [became.get(item.key, item) for item in items]

    def judged(self, item: Planned, stored: Stored) -> Planned | Settled:
        """Return the row as it is to be sent over what is stored, or as settled without a write."""
        if stored.body is None:
            return self._gone(item, stored)
        if not carries(stored.body, self._token(item)):
            return settled(item, Outcome.CONFLICT, reason=FOREIGN)
        if not item.base and stored.version_id and stored.version_id == item.version_id:
            return item
        merged = merged_with(item, stored.body, self.terms.site_key)
        if merged.conflicts:
            reason = f"{Finding.OTHER} ({' '.join(merged.conflicts)})"
            return settled(item, Outcome.CONFLICT, reason=reason)
        return _agreed(item, stored.version_id, stored.body, merged)

    def _gone(self, item: Planned, stored: Stored) -> Planned | Settled:
        """Return a row that somebody removed: that, too, is a decision of the hospital."""
        if item.take is Take.OURS:
            return item._replace(version_id="")
        finding = Finding.DELETED if stored.deleted else Finding.ABSENT
        return settled(item, Outcome.CONFLICT, reason=finding.value)

    def adopted(self, item: Planned, what: Held) -> Settled | None:
        """Return a first write as done, where all of it is there beside things of the hospital's.

        None where any element of ours is not there as we would write it.
        """
        if what.stored.body is None or not carries(what.stored.body, self._token(item)):
            return None
        merged = merged_with(item, what.stored.body, self.terms.site_key)
        if merged.conflicts or merged.writes:
            return None
        item = item._replace(elements=encoded(merged.elements))
        version_id = what.stored.version_id
        return settled(item, Outcome.UNCHANGED, server_id=what.server_id, version_id=version_id)

    def _token(self, item: Planned) -> tuple[str, str]:
        return token_of(item.body, self.terms.identifier_system, item.where)


def merged_with(item: Planned, stored: Json, site_key: SiteKey) -> Merged:
    """Return a row's body laid over the hospital's."""
    return merge(decoded(item.base), resource(item.body), stored, site_key, item.take)


def _agreed(item: Planned, version_id: str, stored: Json, merged: Merged) -> Planned | Settled:
    item = item._replace(
        elements=encoded(merged.elements), version_id=version_id, kept=tuple(merged.kept)
    )
    if not merged.writes:
        return settled(item, Outcome.UNCHANGED, version_id=version_id)
    body = to_bytes(body_of(merged, stored))
    return item._replace(body=WRITING[item.strategy].body(body, item.server_id))
