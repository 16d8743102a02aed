"""Check a trial's declaration: complete, consistent, every code and unit known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netfhir import settings as files
from netfhir.cli import options, printing
from netfhir.runs import checking, opening
from netfhir.runs.studying import arm_names, site_problems

if TYPE_CHECKING:
    from pathlib import Path


@click.command("check")
@click.argument("trials", metavar="[TRIAL]...", nargs=-1)
@options.mappings
@options.as_json
def command(trials: tuple[str, ...], overlays: tuple[Path, ...], *, as_json: bool) -> int:
    """Check the declarations of TRIALs (default: all): every name known, every unit of its kind.

    Each finding names file and key; exit status 78 if there is any.
    """
    names = trials or opening.trial_names([files.shipped_mappings(), *overlays])
    found = []
    for name in names:
        trial = opening.trial(name, overlays)
        findings = checking.findings(trial, arm_names(trial)) + list(site_problems(trial))
        printing.say(f"{name}: {'sound' if not findings else f'{len(findings)} findings'}")
        for finding in findings:
            printing.say(f"  {finding}")
        found += findings
    if as_json:
        printing.document({"version": 1, "findings": [error.as_record() for error in found]})
    return 78 if found else 0
