"""Rows that an earlier run left open: read back before anything new is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.profile import Strategy
from netfhir.sync.diff import theirs
from netfhir.sync.elements import landed
from netfhir.sync.holdings import Finding, Held, objection
from netfhir.sync.plan import Resend
from netfhir.sync.records import Action, Outcome, Planned, digest_of, settled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.sync.looking import Look
    from netfhir.sync.plan import Planner, Sorted, Terms
    from netfhir.sync.records import Known, Settled

_ROWS = 50


class Settles(Protocol):
    """What resuming needs of a ledger."""

    def unsettled(self) -> list[Known]:
        """Return the rows whose outcome is open."""

    def settle(self, items: Sequence[Settled]) -> None:
        """Write down what became of rows."""


def resume(look: Look, ledger: Settles, staging: Sorted, planner: Planner, terms: Terms) -> int:
    """Settle the open rows by what the server holds; return how many were open.

    Equal: acknowledged without a write. Absent, or still as last acknowledged: the planner sends
    it again. Changed at the hospital since: the planner has it compared and merged. Anything else:
    a conflict, which is left as it is. The planner is told of each, for others may refer to an id
    that the server gave.
    """
    opened = ledger.unsettled()
    for start in range(0, len(opened), _ROWS):
        rows = list(_items(opened[start : start + _ROWS], staging, planner, terms))
        found = look.again([item for _, item in rows])
        became = [
            outcome
            for (known, item), what in zip(rows, found, strict=True)
            if (outcome := _judged(known, item, what, planner, terms)) is not None
        ]
        ledger.settle(became)
        for outcome in became:
            planner.note(outcome)
    return len(opened)


def _items(
    chunk: Sequence[Known], staging: Sorted, planner: Planner, terms: Terms
) -> Iterator[tuple[Known, Planned]]:
    for known in chunk:
        row = staging.find(known.resource_type, known.id)
        item = planner.planned(row, known) if row else None
        if item is None or not item.body:
            item = _bare(known, terms)
        if item.path or item.token[0]:
            yield known, item


def _bare(known: Known, terms: Terms) -> Planned:
    """Return a row that is not staged now: it has no body, only what the ledger knows."""
    strategy = terms.rule(known.resource_type).strategy
    server_id = known.server_id or (known.id if strategy is Strategy.PUT_ID else "")
    return Planned(
        Action.UNKNOWN,
        strategy,
        known.resource_type,
        known.id,
        known.where,
        digest=known.digest_sent,
        server_id=server_id,
        version_id=known.version_id,
    )


def _judged(
    known: Known, item: Planned, what: Held, planner: Planner, terms: Terms
) -> Settled | None:
    version_id = what.stored.version_id
    match what.finding:
        case Finding.EQUAL:
            return settled(
                item, Outcome.ACKNOWLEDGED, server_id=what.server_id, version_id=version_id
            )
        case Finding.ABSENT:
            return _send_again(item, planner, Resend())
        case Finding.LAST_ACKED if known.exists:
            return _send_again(item, planner, Resend(version_id))
        case _ if what.stored.body and _as_sent(known, item, what.stored.body, terms):
            return settled(
                _bare(known, terms),
                Outcome.ACKNOWLEDGED,
                server_id=what.server_id,
                version_id=version_id,
            )
        case _:
            return _other(known, item, what, planner)


def _other(known: Known, item: Planned, what: Held, planner: Planner) -> Settled | None:
    """Settle what is neither ours as it was nor ours as it is."""
    if what.finding is Finding.DELETED and not item.body:
        return _send_again(item, planner, Resend())
    if known.exists and item.body:
        return _send_again(item, planner, Resend(what.stored.version_id, careful=True))
    return settled(item, Outcome.CONFLICT, reason=objection(item, what))


def _send_again(item: Planned, planner: Planner, resend: Resend) -> Settled | None:
    """Have the planner send the row; one that is not staged is as if it had not been sent."""
    if not item.body:
        return settled(item, Outcome.PENDING)
    take = planner.resend[item.key].take if item.key in planner.resend else resend.take
    planner.resend[item.key] = replace(resend, careful=resend.careful or bool(take), take=take)
    return None


def _as_sent(known: Known, item: Planned, stored: Json, terms: Terms) -> bool:
    """Return whether the server holds what was sent then, though the source says otherwise now."""
    if known.elements_sent and landed(known.elements_sent, stored, terms.site_key):
        return True
    ours = {"text": 0, "id": 0} if item.strategy is Strategy.PUT_ID else {"text": 0}
    return digest_of(terms.site_key, to_bytes(theirs(stored, ours))) == known.digest_sent
