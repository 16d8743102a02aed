"""The whole of an apply: resume, then wave after wave, bundles sent by a few workers."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from netfhir.errors import NetfhirError, ServerError, TemporaryError, worst
from netfhir.sync.freshness import Freshness, Recalls
from netfhir.sync.lease import LEASE_S, running
from netfhir.sync.looking import Look
from netfhir.sync.plan import Planner, Remembers, Sorted, Terms
from netfhir.sync.reconciling import Reconcile
from netfhir.sync.records import WRITES, Outcome, Planned, Settled, Summary, settled
from netfhir.sync.resume import Settles, resume
from netfhir.sync.retrying import Retry
from netfhir.sync.sending import Notes, Pace, Sender, Writes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from netfhir.sync.provenance import Provenances


class Stages(Sorted, Protocol):
    """What applying needs of a staging."""

    def counts(self) -> dict[str, int]:
        """Return how many rows of each type are staged."""


class Keeps(Remembers, Settles, Notes, Recalls, Protocol):
    """What applying needs of a ledger."""

    def start_run(self, lease_s: float) -> int:
        """Take the lease, and note that a run begins."""

    def renew(self) -> None:
        """Renew the lease."""

    def finish_run(self, counts: Mapping[str, object], wait_s: float) -> None:
        """Note that the run ended, and how long the server wants to be left alone."""

    def counts(self) -> dict[str, int]:
        """Return how many rows are in each state."""


@dataclass(slots=True)
class Result:
    """What a run came to."""

    summary: Summary
    resumed: int = 0
    """Rows of earlier runs that were open at the start."""
    open_rows: int = 0
    """Rows in flight or unknown at the end, staged now or not."""
    stopped_by: list[NetfhirError] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """Return 0 only if every row is accounted for and nothing is left over."""
        statuses = self.summary.statuses() | {error.exit_status for error in self.stopped_by}
        return worst(statuses | ({75} if self.open_rows else set()))


@dataclass(slots=True)
class Apply:
    """One run against one server; every collaborator is given, so that any can be another."""

    staging: Stages
    ledger: Keeps
    client: Writes
    terms: Terms
    pace: Pace = field(default_factory=Pace)
    on_settled: Callable[[int], None] = lambda _: None
    stop: threading.Event = field(default_factory=threading.Event)
    """Set from outside to end the run in order: what is in flight is settled, the rest pending."""
    lease_s: float = LEASE_S
    provenances: Provenances | None = None

    def run(self) -> Result:
        """Resume, plan, send and settle; what the server did wrong is in the result.

        Raises StateError (74), and OverlapError (75) where another run has the state.
        """
        with running(self.ledger, self.stop, self.lease_s):
            return self._run()

    def _run(self) -> Result:
        retry = Retry(self.pace.patience, stop=self.stop)
        look = Look(self.client, self.terms, retry.stop.wait)
        decide = Reconcile(self.client, self.terms)
        sender = Sender(self.client, self.ledger, self.pace, retry, look, decide)
        planner = Planner(self.staging, self.ledger, self.terms)
        result = Result(Summary(self.staging.counts()), stopped_by=sender.stopped_by)
        fresh = Freshness(self.client, self.ledger, self.staging, planner, self.terms)
        try:
            retry.call(lambda: fresh.check(self.staging.counts()))
            result.resumed = retry.call(
                lambda: resume(look, self.ledger, self.staging, planner, self.terms)
            )
        except ServerError as error:
            sender.stopped_by.append(error)
            retry.stop.set()
        # What an earlier run owes comes first: an update would hide the version it is owed for.
        self._prove(sender, result.summary)
        with ThreadPoolExecutor(self.pace.workers, "netfhir-send") as pool:
            flow = _Flow(sender, planner, result.summary, self.on_settled, pool)
            for wave in planner.waves():
                flow.send(wave)
        self._prove(sender, result.summary)
        states = self.ledger.counts()
        result.open_rows = sum(states.get(name, 0) for name in ("in-flight", "unknown"))
        self.ledger.finish_run(result.summary.as_record(), asked_wait_s(result, self.pace))
        return result

    def _prove(self, sender: Sender, summary: Summary) -> None:
        if self.provenances is not None:
            self.provenances.write(sender, summary)


def asked_wait_s(result: Result, pace: Pace) -> float:
    """Return how long the server asked to be left alone, 0 for what a run waits by itself."""
    asked = (e.retry_after_s or 0 for e in result.stopped_by if isinstance(e, TemporaryError))
    longest = max(asked, default=0)
    return longest if longest > pace.patience.longest_retry_after_s else 0


@dataclass(slots=True)
class _Flow:
    """Bundles of a wave in flight, a few more than workers: memory stays flat."""

    sender: Sender
    planner: Planner
    summary: Summary
    on_settled: Callable[[int], None]
    pool: ThreadPoolExecutor
    futures: set[Future[list[Settled]]] = field(default_factory=set)

    def send(self, wave: Iterator[Planned]) -> None:
        """Send a wave and wait for the last of it."""
        for bundle in self._bundles(wave):
            if self.sender.retry.stop.is_set():
                self._count(
                    [settled(item, Outcome.PENDING, reason="run-stopped") for item in bundle]
                )
                continue
            self.futures.add(self.pool.submit(self.sender.deliver, bundle))
            if len(self.futures) > self.sender.pace.workers:
                self._collect(wait(self.futures, return_when=FIRST_COMPLETED).done)
        self._collect(wait(self.futures).done)

    def _bundles(self, wave: Iterator[Planned]) -> Iterator[list[Planned]]:
        bundle: list[Planned] = []
        for item in wave:
            self.summary.plan(item)
            if item.action not in WRITES:
                continue
            bundle.append(item)
            if len(bundle) >= self.sender.size.entries:
                yield bundle
                bundle = []
        if bundle:
            yield bundle

    def _collect(self, done: set[Future[list[Settled]]]) -> None:
        self.futures -= done
        for future in done:
            self._count(future.result())

    def _count(self, became: list[Settled]) -> None:
        for item in became:
            self.summary.settle(item.resource_type, item.outcome, item.reason)
            self.summary.keep(item.resource_type, item.kept)
            self.planner.note(item)
        self.on_settled(len(became))
