"""Explain one patient's prescreening: every criterion, verdict, evidence and next question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from netfhir.cli import options, printing
from netfhir.cli.screen import day
from netfhir.runs import opening, screening
from netfhir.screening import explaining

if TYPE_CHECKING:
    from datetime import datetime


@click.command("explain")
@options.trial
@click.argument("patient", metavar="PATIENT")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The NDJSON files of a bulk export, plain or gzip.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day of the screening; default: today.",
)
@click.option("--brief", is_flag=True, help="Only the criteria that decide the outcome.")
@options.mappings
@options.as_json
def command(  # noqa: PLR0913 - one parameter for each option
    trial: str,
    patient: str,
    data: Path,
    as_of: datetime | None,
    overlays: tuple[Path, ...],
    *,
    brief: bool,
    as_json: bool,
) -> int:
    """Explain what the record of PATIENT (a Patient's id) says to each criterion of TRIAL."""
    asked, record = screening.one(opening.trial(trial, overlays), data, patient, day(as_of))
    explained = explaining.explain(asked, record)
    if as_json:
        printing.document(explained.as_document())
    else:
        click.echo("\n".join(explaining.lines(asked, explained, brief=brief)))
    return 0
