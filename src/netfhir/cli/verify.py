"""Read back what should be there: missing, different or twice; writes nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from netfhir.cli import options, printing
from netfhir.runs import opening, syncing

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.fhir.version import Version
    from netfhir.sync.verify import Findings

_SHOWN = 20


@click.command("verify")
@options.trial
@options.source
@options.screening
@options.target
@options.fhir
@options.mappings
@options.as_json
def command(
    trial: str, fhir: Version, overlays: tuple[Path, ...], *, as_json: bool, **given: Any
) -> int:
    """Read TRIAL's resources back from a server, each by its id, and compare every element.

    Takes the options of `plan`. Names what is missing, different (by element, without values) or
    there more than once; exit status 65 if anything is. What somebody at the hospital changed is
    named apart, and is no finding.
    """
    site = opening.mapping_site(opening.trial(trial, overlays), fhir=fhir)
    read, target = options.split_or_screening(given)
    with (
        syncing.journalled(target, "verify", trial) as note,
        syncing.work(site, read, target) as work,
    ):
        with printing.progress("reading", len(work.staging)) as advance:
            findings = work.verify(advance)
        status = syncing.status(work.account, {findings.exit_status} - {0})
        note({**_counts(findings), "server": work.capabilities.as_record()}, status)
        tell(findings)
        if as_json:
            printing.document({"version": 1, **asdict(findings), "exit_status": status})
        return status


def _counts(findings: Findings) -> dict[str, object]:
    return {
        "read": findings.read,
        "left_out": findings.left_out,
        "missing": len(findings.missing),
        "different": len(findings.different),
        "changed_at_the_hospital": len(findings.changed),
        "duplicate": len(findings.duplicate),
        "saved_again": len(findings.resaved),
    }


def tell(findings: Findings) -> None:
    """Show what a verify found."""
    counts = _counts(findings)
    printing.say("  " + " · ".join(f"{name.replace('_', ' ')} {n}" for name, n in counts.items()))
    for path, where in findings.missing[:_SHOWN]:
        printing.say(f"  missing    {path}  ({where})")
    for found in findings.different[:_SHOWN]:
        printing.say(f"  different  {found.path}  ({found.where}): {', '.join(found.elements)}")
    for theirs in findings.changed[:_SHOWN]:
        elements = ", ".join(theirs.elements)
        printing.say(f"  changed at the hospital  {theirs.path}  ({theirs.where}): {elements}")
    for twice in findings.duplicate[:_SHOWN]:
        ids = ", ".join(twice.server_ids)
        printing.say(f"  duplicate  {twice.resource_type}  ({twice.where}): {ids}")
    for path, where in findings.resaved[:_SHOWN]:
        printing.say(f"  as we wrote it, at another version than we were told  {path}  ({where})")
    if findings.precision_lost:
        printing.say("  this server does not keep the digits of numbers (7.40 comes back as 7.4)")
    if findings.not_checkable:
        types = ", ".join(findings.not_checkable)
        printing.say(f"  not searchable by identifier here, so not audited for duplicates: {types}")
