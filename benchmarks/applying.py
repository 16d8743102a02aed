"""One run of `netfhir apply` as a user starts it, with the mapped rows given: all but the mapping.

The code is `netfhir.runs.syncing` itself, with what maps an export replaced by rows that were
mapped before. So whatever a run does after the mapping is in the figure: the lock of the state
folder, the CapabilityStatement, the ledger with its integrity check, the patients, the digests of
the export's files, the server's last changes beside the ledger, resuming, the plan, the lease and
its fence, sending, settling, the Provenance that is owed, and what is gone from the export.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unittest.mock import patch

from benchmarks.pilot import add

from netfhir.hospital.endpoint import ServerSettings
from netfhir.runs import syncing
from netfhir.runs.pipeline import Account, Selection
from netfhir.sync.records import WRITES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.pilot import Bench

    from netfhir.mappers import MappingSite
    from netfhir.runs.opening import Input
    from netfhir.sync.apply import Result
    from netfhir.sync.records import Summary
    from netfhir.sync.staging import Staged, Staging


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the clock, and of this process's CPU, all its threads together."""

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Cost:
        """Return both clocks."""
        return cls(time.perf_counter(), time.process_time())

    def __sub__(self, other: Cost) -> Cost:
        """Return what passed since."""
        return Cost(self.wall_s - other.wall_s, self.cpu_s - other.cpu_s)


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did, and what it took."""

    result: Result
    staging: Cost
    """Of writing the rows into the run's sorted file."""
    sync: Cost
    """Of all else."""

    @property
    def writes(self) -> int:
        """Return how many resources were sent, Provenance among them."""
        actions = self.result.summary.actions.values()
        return sum(counts[action] for counts in actions for action in WRITES)


def applied(bench: Bench, base_url: str, state: Path, rows: Sequence[Staged]) -> Run:
    """Apply the rows as one whole export. Raises SystemExit where not all of them is well."""
    spent: list[Cost] = []

    def mapped(_site: MappingSite, _given: Input, staging: Staging) -> Account:
        begun = Cost.now()
        add(staging, rows)
        spent.append(Cost.now() - begun)
        return Account()

    server = ServerSettings(name="bench", base_url=base_url)
    target = syncing.Target(server, bench.pilot.crosswalk, state)
    given = replace(bench.input(), selection=Selection())
    begun = Cost.now()
    with (
        patch.object(syncing, "stage", mapped),
        syncing.journalled(target, "apply", bench.site.trial.name) as note,
        syncing.work(bench.site, given, target) as work,
    ):
        result = work.apply(lambda _: None)
        gone = work.absence().rows
        note(result.summary.as_record(), result.exit_status)
    whole = Cost.now() - begun
    _is_well(result.summary, [*result.stopped_by, *gone])
    return Run(result, spent[0], whole - spent[0])


def _is_well(summary: Summary, faults: Sequence[object]) -> None:
    if faults or summary.statuses() or summary.unproven:
        raise SystemExit(f"not all is well: {faults[:3]} {summary.as_record()}")
