"""Turn a ClinicalTrials.gov record into FHIR: a Bundle on stdout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from netfhir import settings
from netfhir.cli import options, printing
from netfhir.fhir.canonical import to_bytes
from netfhir.runs import opening, studying

if TYPE_CHECKING:
    from netfhir.fhir.version import Version
    from netfhir.runs.studying import Told


@click.command("study")
@click.argument("record", metavar="FILE|TRIAL")
@options.fhir
@options.mappings
@options.as_json
def command(record: str, fhir: Version, overlays: tuple[Path, ...], *, as_json: bool) -> int:
    """Turn a study's record (ClinicalTrials.gov API v2) into a Bundle on stdout.

    \b
      netfhir study NCT05987176 > study.json
      netfhir study NCT02663973.json > study.json

    The record is a file, or that of a declared TRIAL. What of it FHIR cannot carry as it stands is
    named on stderr; with --json it stands beside the Bundle. Ids come from the secret
    NETFHIR_SITE_KEY.
    """  # noqa: D301 - \b is click's mark for a paragraph that is not wrapped
    folders = [settings.shipped_mappings(), *overlays]
    if record in opening.trial_names(folders):
        site = opening.mapping_site(opening.trial(record, overlays), fhir=fhir)
        told = studying.tell_trial(site)
    else:
        told = studying.tell_file(Path(record), folders, settings.site_key(), fhir)
    _tell(told)
    if as_json:
        remarks = [remark._asdict() for remark in told.remarks]
        printing.document({"version": 1, "bundle": told.bundle, "remarks": remarks})
    else:
        click.echo(to_bytes(told.bundle))
    return 0


def _tell(told: Told) -> None:
    """Name each remark; fields that are left out by rule share one line."""
    by_rule = [remark for remark in told.remarks if remark.code == "not-carried"]
    for remark in told.remarks:
        if remark not in by_rule:
            printing.say(f"  {remark.where}: {remark.code}: {remark.found}")
    if by_rule:
        paths = ", ".join(remark.where.rpartition(":")[2].rpartition(".")[2] for remark in by_rule)
        printing.say(f"  not carried, for the reasons in terminology/registry.toml: {paths}")
