"""`plan`, `apply` and `verify`: one export against one hospital, under the lock of its state."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from netfhir import clock, log
from netfhir.errors import NetfhirError, TemporaryError, worst
from netfhir.hospital import capabilities as preflight
from netfhir.hospital import patients
from netfhir.hospital.client import Client
from netfhir.hospital.transport import Transport
from netfhir.runs import ndjson, stopping
from netfhir.runs.opening import stage
from netfhir.sync.apply import Apply
from netfhir.sync.files import held
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.plan import Planner, Terms
from netfhir.sync.preview import preview
from netfhir.sync.records import Outcome, Summary
from netfhir.sync.retrying import Patience, PatientReads, Retry
from netfhir.sync.sending import pace_of
from netfhir.sync.staging import Staging
from netfhir.sync.unsupported import unsupported
from netfhir.sync.verify import Verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from netfhir.hospital.capabilities import Capabilities
    from netfhir.hospital.endpoint import ServerSettings
    from netfhir.mappers import MappingSite
    from netfhir.runs.opening import Input
    from netfhir.runs.pipeline import Account
    from netfhir.sync.apply import Result
    from netfhir.sync.preview import Preview
    from netfhir.sync.verify import Findings


class Opens(Protocol):
    """How a run comes to its ledger."""

    def __call__(self, path: Path, owner: Owner, now: Callable[[], datetime], /) -> Ledger:
        """Open or make it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a run goes: the server, who the subjects are there, and where state is kept."""

    server: ServerSettings
    crosswalk: Path | None
    state: Path

    def make_state(self) -> None:
        """Make the folder of all state, its owner's alone; one that is there stays as it is."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class Work:
    """An export, mapped and staged, beside the server and the ledger it is compared with."""

    staging: Staging
    account: Account
    ledger: Ledger
    client: Client
    capabilities: Capabilities
    terms: Terms

    def plan(self, summary: Summary) -> Iterator[Preview]:
        """Yield what would change, element by element; writes nothing."""
        reads = PatientReads(self.client, Retry(Patience()))
        return preview(Planner(self.staging, self.ledger, self.terms), reads, summary)

    def apply(self, on_settled: Callable[[int], None]) -> Result:
        """Resume, plan, send and settle; a signal ends it in order."""
        pace = pace_of(self.capabilities)
        run = Apply(self.staging, self.ledger, self.client, self.terms, pace, on_settled)
        with stopping.asked() as signals:
            run.stop = signals.stop
            result = run.run()
        if signals.by_signal and result.summary.count(Outcome.PENDING):
            result.stopped_by.append(_interrupted())
        return result

    def verify(self, on_read: Callable[[int], None]) -> Findings:
        """Read everything back and compare."""
        workers = pace_of(self.capabilities).workers
        run = Verify(self.staging, self.ledger, self.client, self.terms, workers, on_read)
        return run.run()

    def write_unsupported(self, out: Path) -> dict[str, int]:
        """Write what the server cannot take as `<Type>.ndjson`; return how many of each type."""
        return ndjson.write(unsupported(self.staging, self.ledger, self.terms), out)

    def summary(self) -> Summary:
        """Return empty sums over what is staged."""
        return Summary(self.staging.counts())


@contextmanager
def work(
    site: MappingSite, given: Input, target: Target, opens: Opens = Ledger.open
) -> Iterator[Work]:
    """Ask the server what it can do, map and stage the export, find the patients."""
    trial = site.trial
    crosswalk = patients.read_crosswalk(target.crosswalk) if target.crosswalk else {}
    target.make_state()
    with held(target.state, trial.name, target.server.name) as folder:
        transport = Transport(target.server)
        retry = Retry(Patience())
        capabilities = retry.call(lambda: preflight.fetch(Client(transport), target.server))
        capabilities.must_speak(site.fhir)
        client = Client(transport, batch=capabilities.batch)
        owner = Owner(trial.name, target.server.base_url, site.naming.site_key)
        ledger = opens(folder.ledger, owner, clock.now)
        staging = Staging.create(folder.staging)
        try:
            account = stage(site, given, staging)
            terms = Terms(
                site_key=site.naming.site_key,
                identifier_system=site.naming.base,
                subject_system=site.naming.subjects,
                patients=patients.resolve(
                    PatientReads(client, retry), crosswalk, staging.subjects()
                ),
                rule=capabilities.rule,
            )
            yield Work(staging, account, ledger, client, capabilities, terms)
        finally:
            staging.close()
            ledger.close()
            transport.close()


@contextmanager
def journalled(target: Target, command: str, trial: str) -> Iterator[Callable[..., None]]:
    """Note the run's beginning and end in the journal beside the ledger; yields `note`.

    An error that ends the run is noted too, by its code and place.
    """
    target.make_state()
    begun = time.monotonic()
    names = {"command": command, "trial": trial, "server": target.server.name}
    with log.journal(target.state / "journal.ndjson", clock.now, **names) as logger:

        def end(**facts: object) -> None:
            logger.info("end", **facts, seconds=round(time.monotonic() - begun, 3))

        logger.info("begin")
        try:
            yield lambda counts, status: end(counts=counts, exit_status=status)
        except NetfhirError as error:
            end(code=error.code, where=error.where, exit_status=error.exit_status)
            raise


def status(account: Account, others: set[int]) -> int:
    """Return the exit status of a run: its own, and 65 where facts were rejected."""
    return worst(others | ({65} if account.rejects else set()) | _unbalanced(account))


def _interrupted() -> TemporaryError:
    return TemporaryError(
        "interrupted",
        where="apply",
        found="a signal that asked the run to end",
        remedy="run again: it goes on where this one ended",
        sent=False,
    )


def _unbalanced(account: Account) -> set[int]:
    return set() if account.balanced() else {70}
