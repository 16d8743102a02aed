"""Run the embedded hospital until Ctrl-C: a FHIR server with synthetic patients."""

from __future__ import annotations

import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import click

from netfhir.cli import options, printing
from netfhir.hospital.sandbox import Sandbox


@click.command("sandbox")
@click.option(
    "--patients",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="NDJSON",
    help="Resources to load first, such as fixtures/NCT05987176/hospital/Patient.ndjson.",
)
@options.as_json
def command(patients: Path | None, *, as_json: bool) -> int:
    """Start the embedded hospital (sekmet-fhir, the extra `sandbox`) on a free loopback port.

    Its data is gone when it stops.
    """
    with tempfile.TemporaryDirectory(prefix="netfhir-") as folder, Sandbox(Path(folder)) as server:
        loaded = server.load(patients) if patients else 0
        if as_json:
            printing.document({"version": 1, "base_url": server.base_url, "loaded": loaded})
        else:
            click.echo(server.base_url)
        printing.say(f"{loaded} resources loaded; Ctrl-C stops it")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0
