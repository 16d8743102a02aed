"""Look after a ledger: its status, a backup, or a new one made from the server."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netfhir.cli import options, printing
from netfhir.runs import keeping, opening, rebuilding, syncing

if TYPE_CHECKING:
    from netfhir.runs.rebuilding import Done
    from netfhir.sync.inspection import Status

_SHOWN = 20


@click.group("ledger")
def command() -> None:
    """Look after the ledger of a trial at a server.

    `status` and `backup` may be given while a run is at work. `rebuild` is for a ledger that is
    lost, damaged or older than the server.
    """


@command.command("status")
@options.trial
@options.kept
@options.as_json
def _status(trial: str, *, as_json: bool, **given: Any) -> int:
    """Show what the ledger of TRIAL holds: rows by type and state, the last run, the lease.

    Exit status 74 if it is not there, or its integrity check fails.
    """
    found = keeping.status(trial, options.given_target(crosswalk=None, **given))
    _tell(found)
    if as_json:
        printing.document({"version": 1, **asdict(found)})
    return 0 if found.integrity == "ok" else 74


def _tell(found: Status) -> None:
    printing.say(f"{found.trial} at {found.server}: schema {found.schema}, {found.integrity}")
    states = sorted({state for counts in found.rows.values() for state in counts})
    rows = [[name, *(counts.get(s, 0) for s in states)] for name, counts in found.rows.items()]
    printing.table(["resource", *states], rows)
    run, lease = found.last_run, found.lease
    if run:
        ended = f"ended {run['finished']}" if run["finished"] else "did not end"
        printing.say(f"  run {run['id']} began {run['started']}, {ended}")
        if run.get("not_before"):
            printing.say(f"  the server asked to be left alone until {run['not_before']}")
    if lease.get("held"):
        printing.say(f"  process {lease['pid']} holds it since {lease['since']}")


@command.command("backup")
@options.trial
@options.kept
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the copy is written; nothing that is there is overwritten.",
)
@options.as_json
def _backup(trial: str, out: Path, *, as_json: bool, **given: Any) -> int:
    """Copy the ledger of TRIAL, checked, while a run may be at work.

    A copy of the file alone would lack what SQLite has not yet moved into it.
    """
    size = keeping.backup(trial, options.given_target(crosswalk=None, **given), out)
    printing.say(f"  {size:,} bytes in {out}, checked")
    if as_json:
        printing.document({"version": 1, "file": str(out), "bytes": size})
    return 0


@command.command("rebuild")
@options.trial
@options.source
@options.target
@click.option(
    "--replace", is_flag=True, help="Also where the ledger is whole; it is kept beside the new one."
)
@options.mappings
@options.as_json
def _rebuild(
    trial: str, overlays: tuple[Path, ...], *, replace: bool, as_json: bool, **given: Any
) -> int:
    """Make the ledger of TRIAL anew from what the server holds; writes nothing there.

    Takes the options of `apply`. What the server holds as the export says is adopted, so the next
    `apply` does not send it. What differs is named and stays a conflict: exit status 65.
    """
    site = opening.mapping_site(opening.trial(trial, overlays))
    read, target = options.split(given)
    with syncing.journalled(target, "ledger rebuild", trial) as note:
        done = rebuilding.rebuild(site, read, target, replace=replace)
        status = syncing.status(done.account, {done.rebuilt.exit_status} - {0})
        note(done.rebuilt.as_record(), status)
        _tell_rebuilt(done)
        if as_json:
            printing.document(_rebuilt_document(done, status))
        return status


def _tell_rebuilt(done: Done) -> None:
    printing.rejects(done.account.rejects)
    found = done.rebuilt
    for path, where, reason in found.different[:_SHOWN]:
        printing.say(f"  different  {path}  ({where}): {reason}")
    printing.say(
        f"  adopted {found.adopted} · to be sent {found.absent} · different "
        f"{len(found.different)} · not in the export {found.not_in_export}"
    )
    if found.not_searchable:
        types = ", ".join(found.not_searchable)
        printing.say(f"  not searchable here, so only what the export has was read: {types}")
    if done.aside:
        printing.say(f"  the ledger before it is kept as {done.aside}")


def _rebuilt_document(done: Done, status: int) -> dict[str, Any]:
    return {
        "version": 1,
        **asdict(done.rebuilt),
        "aside": str(done.aside) if done.aside else None,
        "rejects": [error.as_record() for error in done.account.rejects],
        "exit_status": status,
    }
