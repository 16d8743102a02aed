"""Tell what a server can do, and how each resource type would be written there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netfhir import mappers
from netfhir import settings as files
from netfhir.cli import options, printing
from netfhir.hospital import capabilities as preflight
from netfhir.hospital.client import Client
from netfhir.hospital.profile import Strategy
from netfhir.hospital.transport import Transport
from netfhir.runs.servers import server as named_server

if TYPE_CHECKING:
    from pathlib import Path


@click.command("server")
@click.argument("name", metavar="NAME|URL")
@options.settings_file
@options.as_json
def command(name: str, settings: Path | None, *, as_json: bool) -> int:
    """Ask a server what it can do: the write strategy chosen for each type, and why.

    A type that the server cannot take is said here, and at plan time; exit status 78 if any is.
    """
    target = named_server(name, files.load(settings))
    transport = Transport(target)
    found = preflight.fetch(Client(transport), target)
    transport.close()
    types = sorted({kind for kinds in mappers.emitted().values() for kind in kinds})
    rules = found.describe(types)
    sending = "transactions" if found.transaction else "batches" if found.batch else "single PUTs"
    printing.say(
        f"{found.software} {found.version}, FHIR {found.fhir_version}, profile "
        f"{found.profile.name}: {sending} of {found.bundle_entries}, {found.workers} workers"
    )
    printing.table(
        ["type", "strategy", "why"], ((r.resource_type, r.strategy.value, r.why) for r in rules)
    )
    if as_json:
        rows = [
            {"type": r.resource_type, "strategy": r.strategy.value, "why": r.why} for r in rules
        ]
        printing.document({"version": 1, "software": found.software, "types": rows})
    return 78 if any(rule.strategy is Strategy.UNSUPPORTED for rule in rules) else 0
