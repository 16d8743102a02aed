"""The nouns of a sync: what the ledger knows, what is planned, what became of it, and the sums."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class Action(StrEnum):
    """What a plan does with a row."""

    CREATE = "create"
    UPDATE = "update"
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


#: The actions that send something.
WRITES = frozenset({Action.CREATE, Action.UPDATE})


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
    attempts: int = 0
    """Runs that sent this content before."""
    patient: str = ""
    """The `Patient/id` among whose resources the row is looked for, where no identifier can be."""
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

    @property
    def key(self) -> Key:
        """Return type and derived id."""
        return self.resource_type, self.id


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
        existed=item.action is Action.UPDATE,
    )


def digest_of(site_key: SiteKey, body: bytes) -> bytes:
    """Return the keyed digest of a body: 32 bytes that tell nothing without the key."""
    return hmac.digest(site_key, body, hashlib.sha256)


@dataclass(slots=True)
class Summary:
    """The sums of a run, by resource type."""

    planned: Mapping[str, int]
    actions: dict[str, Counter[Action]] = field(default_factory=lambda: defaultdict(Counter))
    outcomes: dict[str, Counter[Outcome]] = field(default_factory=lambda: defaultdict(Counter))
    reasons: Counter[str] = field(default_factory=Counter)
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
                    "planned": self.planned.get(name, 0),
                    "actions": {a.value: n for a in Action if (n := self.actions[name][a])},
                    "outcomes": {o.value: n for o in Outcome if (n := self.outcomes[name][o])},
                }
                for name in sorted(self.planned)
            },
            "reasons": dict(sorted(self.reasons.items())),
            "remarks": dict(sorted(self.remarks.items())),
        }
