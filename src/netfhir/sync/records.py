"""The nouns of a sync: what the ledger knows, what is planned, what became of it, and the sums."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from netfhir.sync.threeway import Take

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfhir.fhir.identity import SiteKey
    from netfhir.hospital.profile import Strategy

Key = tuple[str, str]
"""Resource type and derived id."""


class State(StrEnum):
    """What the ledger says of a row; there are no others."""

    IN_FLIGHT = "in-flight"
    ACKED = "acked"
    DEAD = "dead"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    DROPPED = "dropped"
    RETRACTED = "retracted"
    """Said to be entered in error, or as the policy of its type has it."""
    DELETED = "deleted"


class Action(StrEnum):
    """What a plan does with a row."""

    CREATE = "create"
    UPDATE = "update"
    RETRACT = "retract"
    """Take back what the source has no more."""
    UNCHANGED = "unchanged"
    PARKED = "parked"
    UNSUPPORTED = "unsupported"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    DEAD = "dead"
    DROPPED = "dropped"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What became of a planned row: the right side of the accounting identity."""

    ACKNOWLEDGED = "acknowledged"
    UNCHANGED = "unchanged"
    DEAD = "dead"
    DROPPED = "dropped"
    """A person decided that this content is not sent: counted, and nothing is left over."""
    BLOCKED = "blocked"
    UNSUPPORTED = "unsupported"
    PARKED = "parked"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    PENDING = "pending"


#: The outcomes of a row that the server holds as it shall.
_HELD = frozenset({Outcome.ACKNOWLEDGED, Outcome.UNCHANGED})

#: The actions that send something.
WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.RETRACT})


#: What an action that sends nothing becomes.
_AS_PLANNED = {action: Outcome(action.value) for action in Action if action not in WRITES}


class Known(NamedTuple):
    """A row of the ledger."""

    resource_type: str
    id: str
    server_id: str
    state: State
    digest_acked: bytes | None
    digest_sent: bytes
    version_id: str
    attempts: int
    reason: str
    where: str
    elements: bytes | None = None
    """What was last acknowledged, as `sync.elements` keeps it; None where it is not known."""
    elements_sent: bytes | None = None
    """The same of what was sent and not yet acknowledged."""

    @property
    def key(self) -> Key:
        """Return type and id."""
        return self.resource_type, self.id

    @property
    def exists(self) -> bool:
        """Return whether the server ever acknowledged it."""
        return self.digest_acked is not None


class Planned(NamedTuple):
    """A row of a plan; `body` and `digest` are what would be sent, empty where nothing could be."""

    action: Action
    strategy: Strategy
    resource_type: str
    id: str
    where: str
    body: bytes = b""
    digest: bytes = b""
    server_id: str = ""
    """The id on the server: ours, or the one it assigned; empty while it is not known."""
    version_id: str = ""
    """The version last acknowledged; empty without one."""
    reason: str = ""
    token: tuple[str, str] = ("", "")
    """System and value of the business identifier, where the strategy searches by it."""
    elements: bytes = b""
    """The elements of the body, as the ledger is to keep them."""
    base: bytes = b""
    """The elements last acknowledged."""
    careful: bool = False
    """Whether the server is read before the row is sent."""
    take: Take = Take.NEITHER
    """Whose changes stand where both sides made them: as a person decided."""
    kept: tuple[str, ...] = ()
    """Elements that stay as the hospital changed them."""
    tombstone: State | None = None
    """The state of the row once it was taken back."""
    attempts: int = 0
    """Runs that sent this content before."""
    among: str = ""
    """The search among whose results the row is looked for, where none is by identifier."""
    create_only: bool = False
    """Whether a first write may say `If-None-Match: *`."""

    @property
    def key(self) -> Key:
        """Return type and derived id."""
        return self.resource_type, self.id

    @property
    def path(self) -> str:
        """Return `Type/id` on the server, empty while the id is not known."""
        return f"{self.resource_type}/{self.server_id}" if self.server_id else ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one row that was sent or read back."""

    resource_type: str
    id: str
    outcome: Outcome
    digest: bytes
    server_id: str = ""
    version_id: str = ""
    reason: str = ""
    existed: bool = False
    """Whether the server acknowledged the row in an earlier run."""
    elements: bytes | None = None
    """What the ledger is to keep of it; None for what the intent said."""
    kept: tuple[str, ...] = ()
    """Elements that stay as the hospital changed them."""
    tombstone: State | None = None
    """The state of a row that was taken back."""

    @property
    def key(self) -> Key:
        """Return type and derived id."""
        return self.resource_type, self.id

    @property
    def activity(self) -> str | None:
        """Return what a Provenance is owed for; None where we wrote nothing, or one itself."""
        if self.outcome is not Outcome.ACKNOWLEDGED or self.resource_type == "Provenance":
            return None
        if self.tombstone is not None:
            return "NULLIFY"
        return "UPDATE" if self.existed else "CREATE"


def settled(
    item: Planned, outcome: Outcome, *, reason: str = "", server_id: str = "", version_id: str = ""
) -> Settled:
    """Return that `item` became `outcome`."""
    return Settled(
        item.resource_type,
        item.id,
        outcome,
        item.digest,
        server_id or item.server_id,
        version_id,
        reason,
        existed=item.action in {Action.UPDATE, Action.RETRACT},
        elements=item.elements or None,
        kept=item.kept,
        tombstone=item.tombstone if outcome in _HELD else None,
    )


def digest_of(site_key: SiteKey, body: bytes) -> bytes:
    """Return the keyed digest of a body: 32 bytes that tell nothing without the key."""
    return hmac.digest(site_key, body, hashlib.sha256)


@dataclass(slots=True)
class Summary:
    """The sums of a run, by resource type."""

    planned: dict[str, int]
    actions: dict[str, Counter[Action]] = field(default_factory=lambda: defaultdict(Counter))
    outcomes: dict[str, Counter[Outcome]] = field(default_factory=lambda: defaultdict(Counter))
    reasons: Counter[str] = field(default_factory=Counter)
    unproven: int = 0
    """Rows without a Provenance, for this server takes none."""
    kept: Counter[str] = field(default_factory=Counter)
    """`Type.element` that the hospital changed and that updates left as it has it."""
    remarks: Counter[str] = field(default_factory=Counter)
    """What a server said, or showed, of rows that arrived all the same."""

    def plan(self, item: Planned) -> None:
        """Count what the plan says of a row; what it would send is pending until it is settled."""
        self.actions[item.resource_type][item.action] += 1
        outcome = _AS_PLANNED.get(item.action)
        if outcome is not None:
            self.settle(item.resource_type, outcome, item.reason)

    def settle(self, resource_type: str, outcome: Outcome, reason: str = "") -> None:
        """Count what became of a row."""
        self.outcomes[resource_type][outcome] += 1
        if reason and outcome in {Outcome.ACKNOWLEDGED, Outcome.UNCHANGED}:
            self.remarks[reason] += 1
        elif reason:
            self.reasons[f"{outcome}: {reason}"] += 1

    def add(self, item: Planned) -> None:
        """Count a row that the run itself plans: a Provenance."""
        self.planned[item.resource_type] = self.planned.get(item.resource_type, 0) + 1
        self.actions[item.resource_type][item.action] += 1

    def keep(self, resource_type: str, elements: Iterable[str]) -> None:
        """Count what stays as the hospital changed it."""
        self.kept.update(f"{resource_type}.{name}" for name in elements)

    def count(self, outcome: Outcome) -> int:
        """Return how many rows of all types became this."""
        return sum(counts[outcome] for counts in self.outcomes.values())

    def total(self) -> int:
        """Return how many rows were planned."""
        return sum(self.planned.values())

    def balanced(self) -> bool:
        """Return whether every planned row of every type became exactly one thing."""
        types = self.planned.keys() | self.outcomes.keys()
        return all(
            self.planned.get(name, 0) == sum(self.outcomes.get(name, Counter()).values())
            for name in types
        )

    def statuses(self, *, dry: bool = False) -> set[int]:
        """Return the exit statuses that the sums call for; in a dry run pending is no leftover."""
        left = {
            Outcome.UNKNOWN: 75,
            Outcome.PENDING: 75,
            Outcome.DEAD: 65,
            Outcome.BLOCKED: 65,
            Outcome.UNSUPPORTED: 65,
            Outcome.PARKED: 65,
            Outcome.CONFLICT: 65,
        }
        if dry:
            del left[Outcome.PENDING]
        found = {status for outcome, status in left.items() if self.count(outcome)}
        return found if self.balanced() else found | {70}

    def as_record(self) -> dict[str, object]:
        """Return the sums as JSON, types and outcomes in order, zeros left out."""
        return {
            "planned": self.total(),
            "balanced": self.balanced(),
            "outcomes": {o.value: n for o in Outcome if (n := self.count(o))},
            "types": {
                name: {
                    "planned": self.planned[name],
                    "actions": {a.value: n for a in Action if (n := self.actions[name][a])},
                    "outcomes": {o.value: n for o in Outcome if (n := self.outcomes[name][o])},
                }
                for name in sorted(self.planned)
            },
            "reasons": dict(sorted(self.reasons.items())),
            "kept": dict(sorted(self.kept.items())),
            "unproven": self.unproven,
            "remarks": dict(sorted(self.remarks.items())),
        }
