"""One bundle, from its intent to its settlement: what the server says becomes an outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

from netfhir.clock import elapsed_s
from netfhir.errors import (
    AccessError,
    ConflictError,
    DeclarationError,
    NetfhirError,
    RejectedError,
    ServerError,
    TemporaryError,
)
from netfhir.sync.causes import is_ambiguous, lacks_parent
from netfhir.sync.failing import PART_ATTEMPTS, failing, may_be_a_row
from netfhir.sync.freshness import Samples
from netfhir.sync.holdings import Finding, Held, Reads, held, objection
from netfhir.sync.placing import believed
from netfhir.sync.records import Action, Outcome, Planned, Settled, settled
from netfhir.sync.reply import Judged, Verdict
from netfhir.sync.retrying import Patience, Retry
from netfhir.sync.sizing import Size
from netfhir.sync.trip import Trip, sent
from netfhir.sync.writing import makes_another

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.capabilities import Capabilities
    from netfhir.hospital.client import Stored
    from netfhir.sync.looking import Look

Kind = Literal["transaction", "batch", "single"]


class Writes(Reads, Samples, Protocol):
    """What sending needs of a client."""

    def post_bundle(self, bundle: bytes) -> Json:
        """Send a transaction or batch."""

    def put(self, path: str, body: bytes, if_match: str = "", *, create_only: bool = False) -> Json:
        """Put one resource; return the reply as an entry."""

    def post(self, resource_type: str, body: bytes) -> Json:
        """Make one resource; return the reply as an entry."""


class Notes(Protocol):
    """What sending needs of a ledger."""

    def intend(self, items: Sequence[Planned]) -> None:
        """Mark rows in flight."""

    def settle(self, items: Sequence[Settled]) -> None:
        """Write down what became of rows."""

    def hold(self) -> None:
        """Make sure that this run may still send."""


class Decides(Protocol):
    """What sending needs of a comparison with what the hospital made of a row."""

    def prepared(self, items: Sequence[Planned]) -> list[Planned | Settled]:
        """Return rows as they are to be sent, or as settled without a write."""

    def judged(self, item: Planned, stored: Stored) -> Planned | Settled:
        """Return a row as it is to be sent over what is stored, or as settled without a write."""

    def adopted(self, item: Planned, what: Held) -> Settled | None:
        """Return a first write as done, where all of it is there; None where it is not."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much travels at a time, and how patiently."""

    kind: Kind = "transaction"
    bundle_entries: int = 50
    workers: int = 4
    patience: Patience = field(default_factory=Patience)


def pace_of(capabilities: Capabilities) -> Pace:
    """Return the pace that a server can take: transactions, else batches, else single requests."""
    kind: Kind = "transaction" if capabilities.transaction else "batch"
    if not (capabilities.transaction or capabilities.batch):
        return Pace("single", 1, capabilities.workers)
    return Pace(kind, capabilities.bundle_entries, capabilities.workers)


@dataclass(slots=True)
class Sender:
    """Sends bundles; what stops a run (access, patience at its end) is kept in `stopped_by`."""

    client: Writes
    ledger: Notes
    pace: Pace
    retry: Retry
    look: Look
    decide: Decides
    stopped_by: list[NetfhirError] = field(default_factory=list)
    size: Size = field(init=False)

    def __post_init__(self) -> None:
        """Begin with bundles as large as the server takes."""
        self.size = Size(self.pace.bundle_entries)

    def deliver(self, items: Sequence[Planned]) -> list[Settled]:
        """Look, intend, send and settle these rows; all are pending if the run has stopped."""
        if self.retry.stop.is_set():
            return [settled(item, Outcome.PENDING) for item in items]
        try:
            there = self.retry.call(lambda: self.look.found(items))
            prepared = self.retry.call(lambda: self.decide.prepared(items))
        except (ServerError, DeclarationError) as error:
            return self._ended(items, error, Outcome.PENDING)
        items = [item for item in prepared if isinstance(item, Planned)]
        if items:
            self.ledger.intend(items)
        became = [item for item in prepared if isinstance(item, Settled)]
        became += [self._met(item, there[item.key]) for item in items if item.key in there]
        left = [item for item in items if item.key not in there]
        if left:
            became += self._became(left)
        self.ledger.settle(became)
        return became

    def conclude(self, items: Sequence[Planned]) -> list[Settled]:
        """Send and settle rows whose intent is written down."""
        became = self._became(items)
        self.ledger.settle(became)
        return became

    def is_stopped(self) -> bool:
        """Return whether the run sends nothing more."""
        return self.retry.stop.is_set()

    def _met(self, item: Planned, found: Held) -> Settled:
        """Return what becomes of a first write that meets something, things of theirs beside it."""
        adopted = None if found.finding is Finding.EQUAL else self.decide.adopted(item, found)
        return adopted or met(item, found)

    def _found_out(self, item: Planned, found: Held) -> Settled:
        """Return what becomes of a row that may have arrived: equal is ours, else it is left."""
        if found.finding is Finding.EQUAL:
            return _acknowledged(item, found)
        return self._met(item, found)

    def _became(
        self, items: Sequence[Planned], before: TemporaryError | None = None
    ) -> list[Settled]:
        """Send rows; `before` is how a larger bundle with them failed."""
        trip = Trip(self.client, self.pace.kind, self.look, self.ledger.hold, list(items))
        trip.doubted = before is not None and before.sent
        rest: list[Settled] = []
        try:
            self._timed(trip, PART_ATTEMPTS if before else None)
        except (RejectedError, ConflictError) as error:
            rest = self._isolated(trip.left, error)
        except TemporaryError as error:
            rest = self._failed(trip.left, error)
        except (AccessError, DeclarationError) as error:
            rest = self._ended(trip.left, error, Outcome.PENDING)
        found = [self._found_out(item, what) for item, what in trip.met]
        return [*found, *self._settled(trip.done), *rest]

    def _timed(self, trip: Trip, attempts: int | None) -> None:
        begun = elapsed_s()
        try:
            self.retry.call(trip.attempt, attempts)
        except (ConflictError, TemporaryError):
            self.size.failed()
            raise
        self.size.took(elapsed_s() - begun)

    def _failed(self, items: Sequence[Planned], error: TemporaryError) -> list[Settled]:
        """Find the row at which a server fails that is otherwise well; else the run ends."""
        if not may_be_a_row(error) or self.retry.stop.is_set():
            return self._ended(items, error, _fate(error))
        if len(items) > 1:
            middle = len(items) // 2
            halves = (items[:middle], items[middle:])
            return [became for half in halves for became in self._became(half, error)]
        (item,) = items
        found = self._read([item])
        if found and found[0].finding is Finding.EQUAL:
            return [_acknowledged(item, found[0])]
        return [failing(item, error)]

    def _ended(
        self, items: Sequence[Planned], error: NetfhirError, outcome: Outcome
    ) -> list[Settled]:
        self.stopped_by.append(error)
        self.retry.stop.set()
        return [settled(item, outcome, reason=error.code) for item in items]

    def _isolated(self, items: Sequence[Planned], error: ServerError) -> list[Settled]:
        """Halve a refused bundle until the entry stands alone; its neighbours go on."""
        if len(items) > 1:
            middle = len(items) // 2
            return [*self._became(items[:middle]), *self._became(items[middle:])]
        (item,) = items
        if isinstance(error, ConflictError):
            return [self._conflicting(item, error.found or error.code)]
        return [_refused(item, error.found or error.code)]

    def _settled(self, judged: Sequence[Judged]) -> list[Settled]:
        ours, others = believed(self._read, [j for j in judged if j.verdict is Verdict.PLACED])
        became = [_plain(j) for j in [*judged, *ours] if j.verdict in _PLAIN]
        became += [
            self._conflicting(j.item, j.reason) for j in judged if j.verdict is Verdict.CONFLICT
        ]
        became += self._compared([j for j in judged if j.verdict is Verdict.MET])
        became += self._looked_up([*others, *(j for j in judged if j.verdict is Verdict.UNKNOWN)])
        denied = [j for j in judged if j.verdict is Verdict.DENIED]
        if denied:
            where = f"{denied[0].item.resource_type}/{denied[0].item.id}"
            error = AccessError("entries", where=where, found=denied[0].reason)
            became += self._ended([j.item for j in denied], error, Outcome.PENDING)
        return became

    def _conflicting(self, item: Planned, reason: str) -> Settled:
        """Read, then decide: 409 and 412 mean a race as often as another's change.

        Equal to ours is acknowledged; an update of what others wrote goes through the three-way
        comparison, a few times if they go on writing; absent, or as we left it, is sent once more;
        all else is left to a person. Several matches are never tried again.
        """
        for _ in range(_RACES):
            found = self._read([item])
            if not found:
                return settled(item, Outcome.UNKNOWN, reason=reason)
            if found[0].finding is Finding.EQUAL:
                return _acknowledged(item, found[0])
            again = self._again(item, found[0], reason)
            if isinstance(again, Settled):
                return again
            item = again
            self.ledger.intend([item])
            became = self._once_more(item, reason)
            if became.outcome is not Outcome.CONFLICT:
                return became
        return became

    def _again(self, item: Planned, what: Held, reason: str) -> Planned | Settled:
        """Return the row as it may be sent once more, or as it is left."""
        if is_ambiguous(reason) or what.finding is Finding.AMBIGUOUS:
            return settled(item, Outcome.CONFLICT, reason=Finding.AMBIGUOUS.value)
        if what.finding is Finding.ABSENT and item.action is Action.CREATE:
            again = not makes_another(item)
            return item if again else settled(item, Outcome.CONFLICT, reason=reason)
        if what.finding is Finding.LAST_ACKED:
            return item
        if item.action is not Action.CREATE and item.path:
            return self.decide.judged(item, what.stored)
        return settled(item, Outcome.CONFLICT, reason=objection(item, what))

    def _once_more(self, item: Planned, reason: str) -> Settled:
        def once() -> list[Judged]:
            self.ledger.hold()
            return sent(self.client, self.pace.kind, [item])

        try:
            (judged,) = self.retry.call(once)
        except TemporaryError as error:
            return self._ended([item], error, Outcome.UNKNOWN)[0]
        except ServerError as error:
            return _waiting(item, error.found or reason)
        if judged.verdict is Verdict.PLACED:
            judged = next(one for found in believed(self._read, [judged]) for one in found)
        if judged.verdict is Verdict.ACKED:
            return _plain(judged)
        return _waiting(item, judged.reason or reason)

    def _compared(self, judged: Sequence[Judged]) -> list[Settled]:
        """Read what was there where a row should have been made: ours only if it is equal."""
        found = self._read([j.item._replace(server_id=j.server_id) for j in judged])
        if not found:
            return [settled(j.item, Outcome.UNKNOWN, reason="not-compared") for j in judged]
        return [self._found_out(j.item, what) for j, what in zip(judged, found, strict=True)]

    def _looked_up(self, judged: Sequence[Judged]) -> list[Settled]:
        """Read back what the reply left open: equal is acknowledged, all else stays unknown."""
        found = self._read([j.item for j in judged])
        became = []
        for index, j in enumerate(judged):
            if found and found[index].finding is Finding.EQUAL:
                became.append(_acknowledged(j.item, found[index]))
            else:
                became.append(settled(j.item, Outcome.UNKNOWN, reason=j.reason))
        return became

    def _read(self, items: Sequence[Planned]) -> list[Held]:
        """Return what the server holds; nothing at all if it does not say."""
        if not items:
            return []
        try:
            return self.retry.call(lambda: held(self.client, items))
        except ServerError as error:
            self._ended([], error, Outcome.UNKNOWN)
            return []


_PLAIN = {Verdict.ACKED: Outcome.ACKNOWLEDGED, Verdict.DEAD: Outcome.DEAD}

#: How often a row is compared again because others wrote it meanwhile.
_RACES = 5


def _refused(item: Planned, reason: str) -> Settled:
    """Return a row that the server refused: dead, or waiting for its parent."""
    outcome = Outcome.BLOCKED if lacks_parent(reason) else Outcome.DEAD
    return settled(item, outcome, reason=reason)


def _waiting(item: Planned, reason: str) -> Settled:
    """Return a row that met a conflict again: left to a person, or waiting for its parent."""
    outcome = Outcome.BLOCKED if lacks_parent(reason) else Outcome.CONFLICT
    return settled(item, outcome, reason=reason)


def _plain(judged: Judged) -> Settled:
    if judged.verdict is Verdict.DEAD:
        return _refused(judged.item, judged.reason)
    return settled(
        judged.item,
        _PLAIN[judged.verdict],
        reason=judged.reason,
        server_id=judged.server_id,
        version_id=judged.version_id,
    )


def _fate(error: TemporaryError) -> Outcome:
    return Outcome.UNKNOWN if error.sent else Outcome.PENDING


def met(item: Planned, found: Held) -> Settled:
    """Return what becomes of a first write that meets something: adopted if equal, else left.

    What is left has no id of ours on the server, so that nothing is made to refer to it.
    """
    if found.finding is Finding.EQUAL:
        return replace(_acknowledged(item, found), outcome=Outcome.UNCHANGED)
    return replace(settled(item, Outcome.CONFLICT, reason=objection(item, found)), server_id="")


def _acknowledged(item: Planned, found: Held) -> Settled:
    return settled(
        item,
        Outcome.ACKNOWLEDGED,
        server_id=found.server_id,
        version_id=found.stored.version_id,
    )
