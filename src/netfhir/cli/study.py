"""Turn a ClinicalTrials.gov record into FHIR: a Bundle on stdout."""

from __future__ import annotations

from pathlib import Path

import click

from netfhir import settings
from netfhir.cli import options, printing
from netfhir.fhir.canonical import to_bytes
from netfhir.runs import opening, studying


@click.command("study")
@click.argument("record", metavar="FILE|TRIAL")
@options.mappings
def command(record: str, overlays: tuple[Path, ...]) -> int:
    """Turn a study's record (ClinicalTrials.gov API v2) into an R4 Bundle on stdout.

    \b
      netfhir study NCT05987176 > study.json
      netfhir study NCT02663973.json > study.json

    The record is a file, or that of a declared TRIAL. What of it FHIR cannot carry as it stands is
    named on stderr. Ids come from the secret NETFHIR_SITE_KEY.
    """  # noqa: D301 - \b is click's mark for a paragraph that is not wrapped
    folders = [settings.shipped_mappings(), *overlays]
    if record in opening.trial_names(folders):
        told = studying.tell_trial(opening.mapping_site(opening.trial(record, overlays)))
    else:
        told = studying.tell_file(Path(record), folders, settings.site_key())
    for remark in told.remarks:
        printing.say(f"  {remark.where}: {remark.code}: {remark.found}")
    click.echo(to_bytes(told.bundle))
    return 0
