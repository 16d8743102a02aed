"""Send what is new or changed to the hospital's server, and settle every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from netfhir.cli import options, printing
from netfhir.errors import worst
from netfhir.runs import opening, syncing

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.fhir.version import Version
    from netfhir.runs.syncing import Work
    from netfhir.sync.absence import Absence
    from netfhir.sync.apply import Result


@click.command("apply")
@options.trial
@options.source
@options.screening
@options.target
@options.takes
@options.unsupported
@options.fhir
@options.mappings
@options.as_json
def command(
    trial: str,
    fhir: Version,
    overlays: tuple[Path, ...],
    *,
    unsupported: Path | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Send TRIAL's new and changed data to a server; resume what an earlier run left.

    Takes the options of `plan`. Every write has its intent in the ledger before a byte leaves,
    every entry of every reply is checked, and what was not answered is resolved, so that the same
    command can be given again after a crash at any point. Run again with nothing changed, it sends
    nothing.

    What somebody changed in the hospital stays as it is there. Where the source changed the same
    element, too, nothing of the row is sent until a person says --overwrite or --keep.
    """
    takes = options.given_takes(given.pop("overwrite"), given.pop("keep"))
    site = opening.mapping_site(opening.trial(trial, overlays), fhir=fhir)
    read, target = options.split_or_screening(given)
    with (
        syncing.journalled(target, "apply", trial) as note,
        syncing.work(site, read, target, takes) as work,
    ):
        with printing.progress("sending", len(work.staging)) as advance:
            result = work.apply(advance)
        absence = work.absence()
        left = {65} if absence.rows else set()
        status = worst({result.exit_status, syncing.status(work.account, left)} - {0})
        note({**result.summary.as_record(), "server": work.capabilities.as_record()}, status)
        _tell(work, result)
        printing.gone(absence)
        printing.merged(work.merged)
        if unsupported is not None:
            printing.written(work.write_unsupported(unsupported), unsupported)
        if as_json:
            printing.document(_document(work, result, absence, status))
        return status


def _tell(work: Work, result: Result) -> None:
    printing.rejects(work.account.rejects)
    if result.resumed:
        printing.say(f"  resumed {result.resumed} open rows of an earlier run")
    printing.sums(result.summary)
    for error in result.stopped_by:
        printing.say(f"  stopped: {error}")


def _document(work: Work, result: Result, absence: Absence, status: int) -> dict[str, Any]:
    rejects = [error.as_record() for error in work.account.rejects]
    return {
        "version": 1,
        "summary": result.summary.as_record(),
        "resumed": result.resumed,
        "open": result.open_rows,
        "stopped_by": [error.as_record() for error in result.stopped_by],
        "gone": absence.counts(),
        "merged": list(work.merged),
        "withheld": absence.withheld,
        "rejects": rejects,
        "exit_status": status,
    }
