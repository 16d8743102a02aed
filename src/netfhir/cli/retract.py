"""Take back what the source has no more: by status, or by deletion where that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netfhir.cli import options, printing
from netfhir.errors import worst
from netfhir.runs import opening, stopping, syncing
from netfhir.sync.policy import Policy, takings

if TYPE_CHECKING:
    from netfhir.fhir.version import Version
    from netfhir.sync.absence import Absence
    from netfhir.sync.records import Summary
    from netfhir.sync.retract import Retract

_SHOWN = 20


@click.command("retract")
@options.trial
@options.source
@options.screening
@options.target
@click.option(
    "--why",
    required=True,
    metavar="TEXT",
    help="The reason, as it is to stand in the Provenance. No patient data.",
)
@click.option(
    "--delete",
    "deletes",
    multiple=True,
    metavar="TYPE",
    help="Delete resources of this type instead of marking them, where the server lists the "
    "interaction; may be given again.",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A site's own policy, laid over the shipped one type by type.",
)
@click.option(
    "--allow-retractions",
    "allowed",
    is_flag=True,
    help="Take back more than 10 rows, or 2 % of all if that is more.",
)
@click.option(
    "--overwrite",
    multiple=True,
    metavar="TYPE/ID",
    help="Take this one back though the hospital changed it; may be given again.",
)
@click.option("--yes", is_flag=True, help="Do it; without this, it is only shown.")
@options.fhir
@options.mappings
@options.as_json
def command(
    trial: str, fhir: Version, overlays: tuple[Path, ...], *, as_json: bool, **given: Any
) -> int:
    """Take back from a server what TRIAL's export has no more. Only shown without --yes.

    Takes the options of `plan`. A row that is gone from the whole export is marked by the status
    that its type has for it, identifiers kept, dependants first; `--delete TYPE` deletes instead.
    Nothing is taken for gone while only some subjects are read, or while facts that give resources
    of its type are rejected. More than 10 rows, or 2 % of all if that is more, end with 65 before
    anything is written, unless --allow-retractions is given.
    """
    site = opening.mapping_site(opening.trial(trial, overlays), fhir=fhir)
    policy = Policy(takings(given.pop("policy"), fhir), frozenset(given.pop("deletes")))
    why, allowed, yes = given.pop("why"), given.pop("allowed"), given.pop("yes")
    takes = options.given_takes(given.pop("overwrite"), ())
    read, target = options.split_or_screening(given)
    with (
        syncing.journalled(target, "retract", trial) as note,
        syncing.work(site, read, target) as work,
    ):
        absence = work.absence()
        printing.withheld(absence)
        absence.guard(allowed=allowed)
        retract = work.retract(policy, takes, why)
        if yes:
            document, status = _done(retract, absence)
        else:
            document, status = _shown(retract, absence)
        status = worst({status, syncing.status(work.account, set())} - {0})
        note(document["summary"], status)
        if as_json:
            rejects = [error.as_record() for error in work.account.rejects]
            printing.document(document | {"rejects": rejects, "exit_status": status})
        return status


def _done(retract: Retract, absence: Absence) -> tuple[dict[str, Any], int]:
    with (
        printing.progress("taking back", len(absence.rows)) as advance,
        stopping.asked() as signals,
    ):
        retract.on_settled = advance
        retract.retry.stop = signals.stop
        result = signals.told(retract.run(absence))
    if result.resumed:
        printing.say(f"  resumed {result.resumed} open rows of an earlier run")
    printing.sums(result.summary)
    for error in result.stopped_by:
        printing.say(f"  stopped: {error}")
    return _document(absence, result.summary, done=True), result.exit_status


def _shown(retract: Retract, absence: Absence) -> tuple[dict[str, Any], int]:
    rows, summary = retract.preview(absence)
    for item, outcome, reason in rows[:_SHOWN]:
        said = f"  ({reason})" if reason else ""
        printing.say(f"  {outcome.value:<11} {item.resource_type:<24} {item.where}{said}")
    if len(rows) > _SHOWN:
        printing.say(f"  … and {len(rows) - _SHOWN} more (--json lists all)")
    printing.sums(summary)
    printing.say("  nothing was written: give --yes to do it")
    listed = [
        {"type": item.resource_type, "id": item.id, "where": item.where, "outcome": outcome.value}
        | ({"reason": reason} if reason else {})
        for item, outcome, reason in rows
    ]
    document = _document(absence, summary, done=False) | {"rows": listed}
    return document, worst(summary.statuses(dry=True))


def _document(absence: Absence, summary: Summary, *, done: bool) -> dict[str, Any]:
    withheld = absence.withheld
    return {"version": 1, "done": done, "summary": summary.as_record(), "withheld": withheld}
