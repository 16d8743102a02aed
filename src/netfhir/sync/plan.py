"""What would be sent, and what would not and why: staged rows against the ledger's.

Reads two sorted streams side by side, so that memory stays flat; asks no server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, assert_never

from netfhir.hospital.patients import Unresolved
from netfhir.hospital.profile import Strategy
from netfhir.sync import references
from netfhir.sync.addresses import Addresses
from netfhir.sync.elements import elements_of
from netfhir.sync.reconciling import guarded
from netfhir.sync.records import WRITES, Action, Outcome, Planned, State, digest_of
from netfhir.sync.threeway import Take
from netfhir.sync.writing import WRITING, token_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from netfhir.fhir.identity import SiteKey
    from netfhir.hospital.capabilities import TypeRule
    from netfhir.hospital.patients import Answer
    from netfhir.sync.records import Key, Known, Settled
    from netfhir.sync.staging import Staged, Wave
    from netfhir.sync.writing import Writing


@dataclass(frozen=True, slots=True)
class Terms:
    """What planning needs to know beside the rows."""

    site_key: SiteKey
    identifier_system: str
    """The system of our business identifiers."""
    subject_system: str
    """The system of the trial's subject numbers, in the placeholders."""
    patients: Mapping[str, Answer]
    rule: Callable[[str], TypeRule]
    takes: Mapping[Key, Take] = field(default_factory=dict)
    """Rows of which a person decided whose changes stand."""


class Sorted(Protocol):
    """What planning needs of a staging."""

    def waves(self) -> list[Wave]:
        """Return the waves in order."""

    def rows(self, wave: Wave | None = None) -> Iterator[Staged]:
        """Yield a wave's rows by type and id."""

    def parent_types(self) -> set[str]:
        """Return the types that others refer to."""

    def find(self, resource_type: str, resource_id: str) -> Staged | None:
        """Return one row."""


class Remembers(Protocol):
    """What planning needs of a ledger."""

    def rows(self, resource_type: str) -> Iterator[Known]:
        """Yield the rows of a type by id."""


@dataclass(frozen=True, slots=True)
class Resend:
    """A row that is sent whatever the ledger says, over this version if one is named."""

    version_id: str = ""
    careful: bool = False
    """Whether the server is read first."""
    take: Take = Take.NEITHER


class Planner:
    """Yields the plan wave by wave; `note` tells it what became of a wave's parents."""

    def __init__(self, staging: Sorted, ledger: Remembers, terms: Terms) -> None:
        self._staging = staging
        self._ledger = ledger
        self.terms = terms
        self._parents = staging.parent_types()
        self._absent: dict[str, Outcome] = {}
        self._rules: dict[str, TypeRule] = {}
        unheld = {n for n in self._parents if self._rule(n).strategy is Strategy.UNSUPPORTED}
        self._holdable = self._parents - unheld
        self.addresses = Addresses(staging, terms, unheld)
        self._remember_moved()
        self.resend: dict[Key, Resend] = {
            key: Resend(careful=True, take=take) for key, take in terms.takes.items()
        }

    def waves(self) -> Iterator[Iterator[Planned]]:
        """Yield the waves; the next one is planned by what was noted of those before."""
        for wave in self._staging.waves():
            yield self._wave(wave)

    def note(self, settled: Settled) -> None:
        """Take in what became of a row that others may refer to."""
        if settled.resource_type not in self._parents:
            return
        if settled.outcome in _HELD:
            self.addresses.locate(settled.resource_type, settled.id, settled.server_id)
        elif settled.outcome is not Outcome.PENDING and not _is_there(settled):
            self._absent[f"{settled.resource_type}/{settled.id}"] = settled.outcome

    def planned(self, row: Staged, known: Known | None) -> Planned:
        """Return what is to be done with a row, given what the ledger knows of it."""
        rule = self._rule(row.resource_type)
        back = self._held_back(row, rule)
        if back is not None:
            return Planned(
                back[0], rule.strategy, row.resource_type, row.id, row.where, reason=back[1]
            )
        body, token = self._addressed(row, WRITING[rule.strategy])
        digest = digest_of(self.terms.site_key, body)
        again = self.resend.get((row.resource_type, row.id))
        anew = again is not None and not (again.version_id or again.careful) and bool(token[0])
        there = None if anew else known
        action = _action(known, digest) if known and not again else _write(there)
        version_id = again.version_id if again else known.version_id if known else ""
        reason = (known.reason or known.state.value) if known and action in _NEVER_SENT else ""
        patient = references.patient_of(body) if rule.by_patient else ""
        among = f"{rule.by_patient}={patient}" if patient else ""
        if action in WRITES and (why := _unable(rule, action, patient)):
            action, reason = Action.UNSUPPORTED, why
        item = Planned(
            action,
            rule.strategy,
            row.resource_type,
            row.id,
            row.where,
            body,
            digest,
            _server_id(rule.strategy, row, there),
            version_id,
            reason,
            token,
            attempts=known.attempts if known and known.digest_sent == digest else 0,
            among=among,
            create_only=rule.create_only,
            elements=elements_of(self.terms.site_key, body) if action in WRITES else b"",
            base=(known.elements or b"") if known and known.exists else b"",
        )
        return guarded(item, again)

    def _wave(self, wave: Wave) -> Iterator[Planned]:
        for row, known in _paired(self._staging.rows(wave), wave, self._ledger):
            item = self.planned(row, known)
            if item.action in _NOT_THERE and not (known and known.exists):
                self._keep_absent(item, Outcome(item.action.value))
            yield item

    def _held_back(self, row: Staged, rule: TypeRule) -> tuple[Action, str] | None:
        """Return why nothing can be sent: the type, the patient or a parent; None if it can."""
        if rule.strategy is Strategy.UNSUPPORTED:
            return Action.UNSUPPORTED, rule.why
        if row.subject and (why := self._unresolved(row.subject)):
            return Action.PARKED, why
        return self._without_parent(row) if self._absent else None

    def _keep_absent(self, item: Planned, outcome: Outcome) -> None:
        if item.resource_type in self._holdable:
            self._absent[f"{item.resource_type}/{item.id}"] = outcome

    def _addressed(self, row: Staged, writing: Writing) -> tuple[bytes, tuple[str, str]]:
        """Return the body as the server shall hold it, and the identifier to find it by."""
        body = self.addresses.body(row)
        if not writing.by_identifier:
            return body, ("", "")
        token = token_of(body, self.terms.identifier_system, row.where)
        return writing.body(body, row.id), token

    def _rule(self, resource_type: str) -> TypeRule:
        if resource_type not in self._rules:
            self._rules[resource_type] = self.terms.rule(resource_type)
        return self._rules[resource_type]

    def _unresolved(self, subject: str) -> str:
        answer = self.terms.patients.get(subject)
        if answer is None:
            return Unresolved.NOT_IN_CROSSWALK.value
        return answer.reason.value if answer.reason else ""

    def _without_parent(self, row: Staged) -> tuple[Action, str] | None:
        """Return what keeps a row back: a parent that the server does not hold."""
        for path, kind in sorted(references.targets(row.body)):
            outcome = self._absent.get(path)
            if outcome is not None:
                parked = outcome is Outcome.PARKED
                return (Action.PARKED if parked else Action.BLOCKED), f"{kind} is {outcome}"
        return None

    def _remember_moved(self) -> None:
        for resource_type in sorted(self._parents):
            if self._rule(resource_type).strategy is Strategy.PUT_ID:
                continue
            for known in self._ledger.rows(resource_type):
                self.addresses.locate(known.resource_type, known.id, known.server_id)


def _is_there(settled: Settled) -> bool:
    """Return whether the server holds it all the same: an older version, or somebody's."""
    return settled.existed or (settled.outcome is Outcome.CONFLICT and settled.server_id != "")


_HELD = frozenset({Outcome.ACKNOWLEDGED, Outcome.UNCHANGED})
_NEVER_SENT = frozenset({Action.DEAD, Action.DROPPED, Action.CONFLICT, Action.UNKNOWN})
_NOT_THERE = _NEVER_SENT | {Action.PARKED, Action.BLOCKED, Action.UNSUPPORTED}


def _unable(rule: TypeRule, action: Action, patient: str) -> str:
    """Return why this server cannot take a write of this row, though it takes others."""
    if action is Action.UPDATE and not rule.updates:
        return "there already, and the statement lists no update of the type"
    if rule.by_patient and not patient:
        return "no search by identifier, and no patient among whose resources to look"
    return ""


def _write(known: Known | None) -> Action:
    return Action.UPDATE if known and known.exists else Action.CREATE


def _action(known: Known, digest: bytes) -> Action:
    match known.state:
        case State.ACKED:
            return Action.UNCHANGED if known.digest_acked == digest else Action.UPDATE
        case State.DEAD | State.DROPPED if known.digest_sent == digest:
            return Action(known.state.value)
        case State.DEAD | State.DROPPED:
            return _write(known)
        case State.CONFLICT:
            return Action.CONFLICT
        case State.RETRACTED | State.DELETED:
            return _write(known)
        case State.IN_FLIGHT | State.UNKNOWN:
            return Action.UNKNOWN
    assert_never(known.state)


def _server_id(strategy: Strategy, row: Staged, known: Known | None) -> str:
    if strategy is Strategy.PUT_ID:
        return row.id
    return known.server_id if known and known.exists else ""


def _paired(
    rows: Iterator[Staged], wave: Wave, ledger: Remembers
) -> Iterator[tuple[Staged, Known | None]]:
    """Pair each row with the ledger's of the same key: both come by type and id."""
    known_rows = (known for kind in wave.resource_types for known in ledger.rows(kind))
    known = next(known_rows, None)
    for row in rows:
        key = (row.resource_type, row.id)
        while known is not None and known.key < key:
            known = next(known_rows, None)
        yield row, known if known is not None and known.key == key else None
