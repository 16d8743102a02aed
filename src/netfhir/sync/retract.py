"""The whole of a retraction: what the source has no more is taken back, dependants first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from netfhir.errors import (
    ConflictError,
    RejectedError,
    ServerError,
    TemporaryError,
)
from netfhir.fhir.canonical import to_bytes
from netfhir.hospital.profile import Strategy
from netfhir.sync import references
from netfhir.sync.apply import Keeps, Result, asked_wait_s
from netfhir.sync.causes import lacks_parent
from netfhir.sync.lease import running
from netfhir.sync.looking import Look
from netfhir.sync.plan import Planner
from netfhir.sync.records import Outcome, Planned, Settled, Summary, settled
from netfhir.sync.releasing import Recalls, Release
from netfhir.sync.resume import resume
from netfhir.sync.retrying import Retry
from netfhir.sync.sending import Sender, Writes
from netfhir.sync.withdrawing import Withdraw, taken_back
from netfhir.sync.writing import if_match

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netfhir.hospital.client import Stored
    from netfhir.sync.absence import Absence
    from netfhir.sync.apply import Stages
    from netfhir.sync.plan import Terms
    from netfhir.sync.policy import Policy
    from netfhir.sync.provenance import Provenances
    from netfhir.sync.records import Known
    from netfhir.sync.sending import Pace


class Deletes(Writes, Protocol):
    """What retracting needs of a client."""

    base_url: str

    def delete(self, path: str, if_match: str = "") -> None:
        """Delete one resource; one that is not there is no error."""


class Recounts(Keeps, Recalls, Protocol):
    """What retracting needs of a ledger."""


@dataclass(slots=True)
class Retract:
    """One retraction against one server."""

    staging: Stages
    ledger: Recounts
    client: Deletes
    terms: Terms
    pace: Pace
    policy: Policy
    on_settled: Callable[[int], None] = lambda _: None
    provenances: Provenances | None = None
    retry: Retry = field(init=False)
    _release: Release = field(init=False)

    def __post_init__(self) -> None:
        """Share one patience among all requests of the run."""
        self.retry = Retry(self.pace.patience)
        self._release = Release(self.client, self.ledger, self.terms.site_key)

    def preview(self, absence: Absence) -> tuple[list[tuple[Planned, Outcome, str]], Summary]:
        """Return each row, what would become of it and why, and the sums; writes nothing."""
        summary = Summary(absence.counts())
        shown = []
        for wave in self._waves(absence.rows):
            for item, became in zip(wave, self._withdraw().prepared(wave), strict=True):
                outcome = Outcome.PENDING if isinstance(became, Planned) else became.outcome
                reason = "" if isinstance(became, Planned) else became.reason
                summary.actions[item.resource_type][item.action] += 1
                summary.settle(item.resource_type, outcome, reason)
                shown.append((item, outcome, reason))
        return shown, summary

    def run(self, absence: Absence) -> Result:
        """Resume, then take back row by row; what the server did wrong is in the result.

        Raises StateError (74), and OverlapError (75) where another run has the state.
        """
        with running(self.ledger, self.retry.stop):
            return self._run(absence)

    def _run(self, absence: Absence) -> Result:
        look = Look(self.client, self.terms, self.retry.stop.wait)
        sender = Sender(self.client, self.ledger, self.pace, self.retry, look, self._withdraw())
        result = Result(Summary(absence.counts()), stopped_by=sender.stopped_by)
        try:
            planner = Planner(self.staging, self.ledger, self.terms)
            result.resumed = self.retry.call(
                lambda: resume(look, self.ledger, self.staging, planner, self.terms)
            )
            self._prove(sender, result.summary)
            for wave in self.retry.call(lambda: self._waves(absence.rows)):
                self._take_back(wave, sender, result.summary)
        except ServerError as error:
            sender.stopped_by.append(error)
        _leave(result.summary)
        self._prove(sender, result.summary)
        states = self.ledger.counts()
        result.open_rows = sum(states.get(name, 0) for name in ("in-flight", "unknown"))
        self.ledger.finish_run(result.summary.as_record(), asked_wait_s(result, self.pace))
        return result

    def _prove(self, sender: Sender, summary: Summary) -> None:
        if self.provenances is not None:
            self.provenances.write(sender, summary)

    def _withdraw(self) -> Withdraw:
        return Withdraw(self.client, self.terms, self.policy)

    def _waves(self, rows: Sequence[Known]) -> list[list[Planned]]:
        """Return the rows in waves: what no other refers to comes first."""
        items = {}
        for known in rows:
            item = taken_back(known, self.terms)
            items[item.path] = item
        stored = self.client.read_many(list(items))
        return [
            [items[path] for path in wave]
            for wave in _dependants_first(dict(zip(items, stored, strict=True)))
        ]

    def _take_back(self, wave: Sequence[Planned], sender: Sender, summary: Summary) -> None:
        refused = [i for i in wave if i.strategy is Strategy.UNSUPPORTED]
        marked = [
            i for i in wave if i not in refused and i.resource_type not in self.policy.deletes
        ]
        deleted = [i for i in wave if i not in refused and i.resource_type in self.policy.deletes]
        why = "the server takes no update of the type"
        became = [settled(item, Outcome.UNSUPPORTED, reason=why) for item in refused]
        for start in range(0, len(marked), self.pace.bundle_entries):
            became += sender.deliver(marked[start : start + self.pace.bundle_entries])
        for item in deleted:
            became.append(self._delete(item, sender))
        for done in became:
            summary.settle(done.resource_type, done.outcome, done.reason)
        self.on_settled(len(became))

    def _delete(self, item: Planned, sender: Sender) -> Settled:
        """Delete one row: read, intent, request, settlement."""
        if self.retry.stop.is_set():
            return settled(item, Outcome.PENDING)
        try:
            (ready,) = self.retry.call(lambda: sender.decide.prepared([item]))
        except ServerError as error:
            return self._ended(item, error, sender, Outcome.PENDING)
        if isinstance(ready, Planned):
            self.ledger.intend([ready])
            ready = self._deleted(ready, sender)
        self.ledger.settle([ready])
        return ready

    def _deleted(self, item: Planned, sender: Sender) -> Settled:
        try:
            self.retry.call(lambda: self._release.release(item.path, sender))
            self.ledger.hold()
            self.retry.call(lambda: self.client.delete(item.path, if_match(item)))
        except ConflictError as error:
            outcome = Outcome.BLOCKED if lacks_parent(error.found) else Outcome.CONFLICT
            return settled(item, outcome, reason=error.found or error.code)
        except RejectedError as error:
            return settled(item, Outcome.UNSUPPORTED, reason=error.found or error.code)
        except TemporaryError as error:
            return self._ended(
                item, error, sender, Outcome.UNKNOWN if error.sent else Outcome.PENDING
            )
        except ServerError as error:
            return self._ended(item, error, sender, Outcome.PENDING)
        return settled(item, Outcome.ACKNOWLEDGED)

    def _ended(
        self, item: Planned, error: ServerError, sender: Sender, outcome: Outcome
    ) -> Settled:
        sender.stopped_by.append(error)
        self.retry.stop.set()
        return settled(item, outcome, reason=error.code)


def _leave(summary: Summary) -> None:
    """Count what a run that stopped did not come to."""
    for resource_type, planned in summary.planned.items():
        for _ in range(planned - sum(summary.outcomes[resource_type].values())):
            summary.settle(resource_type, Outcome.PENDING, "run-stopped")


def _dependants_first(stored: dict[str, Stored]) -> Iterator[list[str]]:
    """Yield the paths in waves; those that refer to each other in a circle come last, together."""
    needs = {path: _targets(what) & stored.keys() - {path} for path, what in stored.items()}
    while needs:
        needed = set().union(*needs.values())
        free = sorted(needs.keys() - needed) or sorted(needs)
        yield free
        for path in free:
            del needs[path]


def _targets(what: Stored) -> set[str]:
    if what.body is None:
        return set()
    return {path for path, _ in references.targets(to_bytes(what.body))}
