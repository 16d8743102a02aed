"""Plan, apply and verify from the command line: what is sent, and what is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Ran
    from export_copies import CsvCopy
    from fhir_store import FhirStore


class Flow:
    """The three commands with the options that they have in common."""

    def __init__(self, netfhir: CommandLine, export: CsvCopy, store: FhirStore) -> None:
        """Keep the command, the export and the server."""
        self.netfhir = netfhir
        self.export = export
        self.store = store

    def __call__(self, command: str, *more: str) -> Ran:
        """Run a command on the export."""
        folder = self.export.path.parent
        return self.netfhir(
            command,
            "NCT05987176",
            "--format",
            "redcap",
            "--source",
            self.export.path,
            "--server",
            self.store.base_url,
            "--crosswalk",
            folder / "crosswalk.csv",
            "--state",
            folder / "state",
            *more,
        )


@pytest.fixture
def flow(netfhir: CommandLine, export: CsvCopy, hospital: FhirStore) -> Flow:
    """Return the commands on one export and one server."""
    return Flow(netfhir, export, hospital)


def test_x(flow: Flow) -> None:
    import time
    for c in ["plan", "apply", "plan", "apply", "verify"]:
        t = time.time()
        r = flow(c, "--json")
        print(c, r.status, time.time() - t, len(flow.store.writes)); print(r.err[:1500]); print(r.out[:300])
    assert 0
