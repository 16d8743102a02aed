"""`plan`, `apply` and `verify`: one export against one hospital, under the lock of its state."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from netfhir import clock, log
from netfhir.errors import CapabilityError, FormatError, NetfhirError, worst
from netfhir.hospital import capabilities as preflight
from netfhir.hospital import patients
from netfhir.hospital.client import Client
from netfhir.hospital.transport import Transport
from netfhir.mappers import emitted
from netfhir.runs import ndjson, proposing, stopping
from netfhir.runs.opening import stage
from netfhir.runs.proposing import Screening
from netfhir.runs.proving import origin, provenances
from netfhir.sync.absence import Absence, absence
from netfhir.sync.apply import Apply
from netfhir.sync.files import held
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.plan import Planner, Terms
from netfhir.sync.preview import preview
from netfhir.sync.records import Summary
from netfhir.sync.retract import Retract
from netfhir.sync.retrying import Patience, PatientReads, Retry
from netfhir.sync.sending import pace_of
from netfhir.sync.staging import Staging
from netfhir.sync.unsupported import unsupported
from netfhir.sync.verify import Verify
from netfhir.trial.batch import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from netfhir.hospital.capabilities import Capabilities
    from netfhir.hospital.endpoint import ServerSettings
    from netfhir.hospital.patients import Answer
    from netfhir.mappers import MappingSite
    from netfhir.runs.opening import Input
    from netfhir.runs.pipeline import Account
    from netfhir.sync.apply import Result
    from netfhir.sync.policy import Policy
    from netfhir.sync.preview import Preview
    from netfhir.sync.provenance import Provenances
    from netfhir.sync.records import Key
    from netfhir.sync.threeway import Take
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
    whole: bool
    """Whether all subjects were read: only then can anything be gone."""
    provenances: Provenances
    merged: tuple[int, ...]
    """Lines of the crosswalk whose Patient the hospital merged into another."""

    def plan(self, summary: Summary) -> Iterator[Preview]:
        """Yield what would change, element by element; writes nothing."""
        reads = PatientReads(self.client, Retry(Patience()))
        return preview(Planner(self.staging, self.ledger, self.terms), reads, summary)

    def apply(self, on_settled: Callable[[int], None]) -> Result:
        """Resume, plan, send and settle; a signal ends it in order."""
        pace = pace_of(self.capabilities)
        run = Apply(self.staging, self.ledger, self.client, self.terms, pace, on_settled)
        run.provenances = self.provenances
        with stopping.asked() as signals:
            run.stop = signals.stop
            result = run.run()
        return signals.told(result)

    def verify(self, on_read: Callable[[int], None]) -> Findings:
        """Read everything back and compare."""
        workers = pace_of(self.capabilities).workers
        run = Verify(self.staging, self.ledger, self.client, self.terms, workers, on_read)
        return run.run()

    def absence(self) -> Absence:
        """Return what the server holds of us and the export has no more."""
        if not self.whole:
            return Absence()
        return absence(self.staging, self.ledger, _silent(self.account, self.ledger.held_types()))

    def retract(self, policy: Policy, takes: Mapping[Key, Take], why: str) -> Retract:
        """Return a retraction of what is gone, for this reason, ready to be shown or run."""
        self.ledger.origin = replace(Origin.of_text(self.ledger.origin), why=why).as_text()
        deletes = {name for name in policy.deletes if self._deletes(name)}
        if refused := policy.deletes - deletes:
            raise CapabilityError(
                "no-delete",
                where=", ".join(sorted(refused)),
                found="a statement that lists no delete of the type",
                remedy="leave out --delete for it",
            )
        terms = replace(self.terms, takes=takes)
        pace = pace_of(self.capabilities)
        run = Retract(self.staging, self.ledger, self.client, terms, pace, policy)
        run.provenances = self.provenances
        return run

    def _deletes(self, resource_type: str) -> bool:
        stated = self.capabilities.listed.get(resource_type, {})
        return any(i.get("code") == "delete" for i in stated.get("interaction", []))

    def write_unsupported(self, out: Path) -> dict[str, int]:
        """Write what the server cannot take as `<Type>.ndjson`; return how many of each type."""
        return ndjson.write(unsupported(self.staging, self.ledger, self.terms), out)

    def summary(self) -> Summary:
        """Return empty sums over what is staged."""
        return Summary(self.staging.counts())


@contextmanager
def work(
    site: MappingSite,
    given: Input | Screening,
    target: Target,
    takes: Mapping[Key, Take] | None = None,
    opens: Opens = Ledger.open,
) -> Iterator[Work]:
    """Ask the server what it can do, map and stage the export, find the patients.

    `takes` says of which rows a person decided whose changes stand; each has to be staged.
    What a screening proposes is kept apart from the trial's data: it has a state of its own.
    """
    trial = site.trial
    name = f"{trial.name}.screening" if isinstance(given, Screening) else trial.name
    crosswalk = patients.read_crosswalk(target.crosswalk) if target.crosswalk else {}
    target.make_state()
    with held(target.state, name, target.server.name) as folder:
        transport = Transport(target.server)
        retry = Retry(Patience())
        capabilities = retry.call(lambda: preflight.fetch(Client(transport), target.server))
        capabilities.must_speak(site.fhir)
        client = Client(transport, batch=capabilities.batch)
        owner = Owner(name, target.server.base_url, site.naming.site_key)
        ledger = opens(folder.ledger, owner, clock.now)
        staging = Staging.create(folder.staging)
        try:
            if isinstance(given, Screening):
                there = proposing.enrolled(client, site, crosswalk)
                account = proposing.stage(site, given, staging, ledger, there)
            else:
                account = stage(site, given, staging)
            terms = Terms(
                site_key=site.naming.site_key,
                identifier_system=site.naming.base,
                subject_system=site.naming.subjects,
                patients=patients.resolve(
                    PatientReads(client, retry), crosswalk, staging.subjects()
                ),
                rule=capabilities.rule,
                takes=_staged(takes or {}, staging),
            )
            whole = not given.selection.subjects and given.selection.limit is None
            ledger.origin = origin(trial, given).as_text()
            proving = provenances(site, ledger, terms, target.server.base_url)
            merged = _merged(target.crosswalk, terms.patients)
            yield Work(
                staging, account, ledger, client, capabilities, terms, whole, proving, merged
            )
        finally:
            staging.close()
            ledger.close()
            transport.close()


def _merged(crosswalk: Path | None, answers: Mapping[str, Answer]) -> tuple[int, ...]:
    subjects = {subject for subject, answer in answers.items() if answer.merged}
    return tuple(patients.lines_of(crosswalk, subjects)) if crosswalk and subjects else ()


def _silent(account: Account, resource_types: Collection[str]) -> frozenset[str]:
    """Return the types of which an export with rejected facts does not tell what is gone."""
    entities = {name for name, count in account.rejected.items() if count}
    known = emitted()
    if "subject" in entities or not entities <= known.keys():
        return frozenset(resource_types)
    return frozenset(kind for name in entities for kind in known[name])


def _staged(takes: Mapping[Key, Take], staging: Staging) -> Mapping[Key, Take]:
    absent = [key for key in takes if staging.find(*key) is None]
    if not absent:
        return takes
    raise FormatError(
        "unknown-resource",
        where=", ".join("/".join(key) for key in absent),
        found="a resource that this export does not give",
        expected="a type and id as `plan --json` names them",
        remedy="correct --overwrite or --keep",
    )


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


def _unbalanced(account: Account) -> set[int]:
    return set() if account.balanced() else {70}
