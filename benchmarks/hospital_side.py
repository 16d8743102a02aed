"""One run's server side, put together as `netfhir.runs.syncing.work` does it, in the open."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.pilot import KEY, TRIAL

from netfhir import clock
from netfhir.hospital import capabilities as preflight
from netfhir.hospital import patients
from netfhir.hospital.client import Client
from netfhir.hospital.endpoint import ServerSettings
from netfhir.hospital.transport import Transport
from netfhir.sync.ledger import Ledger, Owner
from netfhir.sync.plan import Terms
from netfhir.sync.sending import pace_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.pilot import Bench

    from netfhir.hospital.capabilities import Capabilities
    from netfhir.sync.sending import Pace
    from netfhir.sync.staging import Staging


@dataclass(frozen=True, slots=True)
class Hospital:
    """A server that was asked what it can do."""

    bench: Bench
    client: Client
    capabilities: Capabilities

    @property
    def pace(self) -> Pace:
        """Return the pace that a run takes here."""
        return pace_of(self.capabilities)

    def terms(self, staging: Staging) -> Terms:
        """Find the patients of the staged subjects."""
        naming = self.bench.site.naming
        crosswalk = patients.read_crosswalk(self.bench.pilot.crosswalk)
        answers = patients.resolve(self.client, crosswalk, staging.subjects())
        return Terms(KEY, naming.base, naming.subjects, answers, self.capabilities.rule)

    def ledger(self, path: Path) -> Ledger:
        """Open or make the ledger of this server."""
        return Ledger.open(path, Owner(TRIAL, self.client.base_url, KEY), clock.now)


@contextmanager
def hospital(bench: Bench, base_url: str) -> Iterator[Hospital]:
    """Yield the server at this address."""
    settings = ServerSettings(name="bench", base_url=base_url)
    transport = Transport(settings)
    capabilities = preflight.fetch(Client(transport), settings)
    yield Hospital(bench, Client(transport, batch=capabilities.batch), capabilities)
    transport.close()
