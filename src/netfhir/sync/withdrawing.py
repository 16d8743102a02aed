"""What a resource reads like once it was taken back, over what the hospital made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.identity import derived_id, identifiers_of
from netfhir.sync.elements import Element, decoded, digests, encoded, parts
from netfhir.sync.holdings import Finding
from netfhir.sync.ownership import META_OWN
from netfhir.sync.reconciling import FOREIGN
from netfhir.sync.records import Action, Outcome, Planned, State, digest_of, settled
from netfhir.sync.threeway import Take
from netfhir.sync.writing import WRITING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.client import Stored
    from netfhir.sync.elements import Elements
    from netfhir.sync.holdings import Held, Reads
    from netfhir.sync.plan import Terms
    from netfhir.sync.policy import Policy, Taking
    from netfhir.sync.records import Known, Settled

_NO_POLICY = "no status of the type says it: --delete, or a policy of the site"


def taken_back(known: Known, terms: Terms) -> Planned:
    """Return a row that is to be taken back; its body is what will be read."""
    return Planned(
        Action.RETRACT,
        terms.rule(known.resource_type).strategy,
        known.resource_type,
        known.id,
        known.where,
        digest=known.digest_sent,
        server_id=known.server_id,
        version_id=known.version_id,
        base=known.elements or b"",
        take=terms.takes.get(known.key, Take.NEITHER),
        tombstone=State.RETRACTED,
    )


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The comparison of a retraction with what the hospital made of a row."""

    client: Reads
    terms: Terms
    policy: Policy

    def prepared(self, items: Sequence[Planned]) -> list[Planned | Settled]:
        """Return the rows as they are to be sent, or as settled without a write.

        Raises the ServerErrors of reading.
        """
        stored = self.client.read_many([item.path for item in items])
        return [self.judged(item, what) for item, what in zip(items, stored, strict=True)]

    def judged(self, item: Planned, stored: Stored) -> Planned | Settled:
        """Return a row as it is to be sent over what is stored, or as settled without a write.

        What is gone from the server already is taken back; so is what says so already.
        """
        if stored.body is None:
            return settled(item._replace(tombstone=State.DELETED), Outcome.UNCHANGED)
        if not self._is_ours(item, stored.body):
            return settled(item, Outcome.CONFLICT, reason=FOREIGN)
        if item.resource_type in self.policy.deletes:
            return self._deleted(item, stored, stored.body)
        taking = self.policy.takings.get(item.resource_type)
        if taking is None:
            return settled(item, Outcome.UNSUPPORTED, reason=_NO_POLICY)
        return self._marked(item, stored.version_id, stored.body, taking)

    def adopted(self, item: Planned, what: Held) -> Settled | None:
        """Return nothing: a retraction makes no resource."""

    def _is_ours(self, item: Planned, body: Json) -> bool:
        system = self.terms.identifier_system
        values = [i.get("value") for i in identifiers_of(body) if i.get("system") == system]
        return any(derived_id(self.terms.site_key, system, str(v)) == item.id for v in values)

    def _marked(
        self, item: Planned, version_id: str, stored: Json, taking: Taking
    ) -> Planned | Settled:
        body = taking.applied(stored)
        changed = self._changed(item, stored, body, taking.elements())
        if changed and item.take is not Take.OURS:
            reason = f"{Finding.OTHER} ({' '.join(changed)})"
            return settled(item, Outcome.CONFLICT, reason=reason)
        meta = {n: v for n, v in body.get("meta", {}).items() if n not in {*META_OWN, "source"}}
        sent = to_bytes({**body, "meta": meta} if meta else _without(body, "meta"))
        item = item._replace(
            body=WRITING[item.strategy].body(sent, item.server_id),
            digest=digest_of(self.terms.site_key, sent),
            elements=encoded(self._elements(item, stored, body)),
            version_id=version_id,
        )
        if body == stored:
            return settled(item, self._said_by(item, stored, taking), version_id=version_id)
        return item

    def _said_by(self, item: Planned, stored: Json, taking: Taking) -> Outcome:
        """Return what a row is that says so already: ours of an earlier run, or the hospital's."""
        base = decoded(item.base)
        marks = digests(self.terms.site_key, parts(stored))
        ours = all(name in base and base[name].digests == marks[name] for name in taking.set)
        return Outcome.ACKNOWLEDGED if ours else Outcome.UNCHANGED

    def _deleted(self, item: Planned, stored: Stored, body: Json) -> Planned | Settled:
        """Return a row that is deleted, unless somebody at the hospital had a hand in it."""
        marks = digests(self.terms.site_key, parts(body))
        base = decoded(item.base)
        touched = sorted(
            name
            for name in base.keys() | marks.keys()
            if marks.get(name, ()) != (base[name].digests if name in base else ())
        )
        if touched and item.take is not Take.OURS:
            reason = f"{Finding.OTHER} ({' '.join(touched)})"
            return settled(item, Outcome.CONFLICT, reason=reason)
        return item._replace(version_id=stored.version_id, tombstone=State.DELETED)

    def _changed(
        self, item: Planned, stored: Json, body: Json, elements: Sequence[str]
    ) -> list[str]:
        """Return those of the elements that the hospital changed to anything but what we want."""
        base = decoded(item.base)
        marks = digests(self.terms.site_key, parts(stored))
        wanted = digests(self.terms.site_key, parts(body))
        return [
            name
            for name in elements
            if marks.get(name, ()) != wanted.get(name, ())
            and marks.get(name, ()) != (base[name].digests if name in base else ())
        ]

    def _elements(self, item: Planned, stored: Json, body: Json) -> Elements:
        """Return what the ledger is to keep: the marks of error are ours, all else as it was."""
        base = decoded(item.base)
        before = digests(self.terms.site_key, parts(stored))
        after = digests(self.terms.site_key, parts(body))
        return {
            name: Element(marks)
            if marks != before.get(name) or (name in base and base[name].digests == marks)
            else Element(base[name].digests if name in base else (), kept=True)
            for name, marks in after.items()
        }


def _without(body: Json, name: str) -> Json:
    return {key: value for key, value in body.items() if key != name}
