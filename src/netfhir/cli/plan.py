"""Show what would change on the hospital's server, element by element; writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from netfhir.cli import options, printing
from netfhir.runs import opening, syncing
from netfhir.sync.records import Action

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.fhir.version import Version
    from netfhir.runs.syncing import Work
    from netfhir.sync.absence import Absence
    from netfhir.sync.preview import Preview
    from netfhir.sync.records import Known

_SHOWN = 20


@click.command("plan")
@options.trial
@options.source
@options.screening
@options.target
@options.takes
@click.option(
    "--values",
    is_flag=True,
    help="Show the values before and after, too: patient data, for the eyes of those who may.",
)
@options.unsupported
@options.fhir
@options.mappings
@options.as_json
def command(  # noqa: PLR0913 - a parameter for each option
    trial: str,
    fhir: Version,
    overlays: tuple[Path, ...],
    *,
    values: bool,
    unsupported: Path | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Show what `apply` would do with TRIAL's export at a server; writes nothing.

    \b
      netfhir plan NCT05987176 --format redcap --source data.csv \\
          --server https://fhir.hospital.example/r4 --crosswalk crosswalk.csv --limit 3

    Each update is shown with the elements that would change, and those that stay as the
    hospital changed them. A plan with changes ends with 0.
    """  # noqa: D301 - \b is click's mark for a paragraph that is not wrapped
    takes = options.given_takes(given.pop("overwrite"), given.pop("keep"))
    site = opening.mapping_site(opening.trial(trial, overlays), fhir=fhir)
    read, target = options.split_or_screening(given)
    with syncing.work(site, read, target, takes) as work:
        summary = work.summary()
        rows = [_row(found, values=values) for found in work.plan(summary) if _is_news(found)]
        absence = work.absence()
        rows += [_gone(known) for known in absence.rows]
        printing.rejects(work.account.rejects)
        _tell(rows)
        printing.sums(summary)
        printing.gone(absence)
        printing.merged(work.merged)
        if unsupported is not None:
            printing.written(work.write_unsupported(unsupported), unsupported)
        if as_json:
            printing.document(_document(work, rows, summary.as_record(), absence))
        left = (summary.statuses() - {75}) | ({65} if absence.rows else set())
        return syncing.status(work.account, left)


def _is_news(found: Preview) -> bool:
    return found.item.action is not Action.UNCHANGED


def _row(found: Preview, *, values: bool) -> dict[str, Any]:
    item = found.item
    changes = [
        {"path": change.path} | ({"before": change.before, "after": change.after} if values else {})
        for change in found.changes
    ]
    row: dict[str, Any] = {"action": item.action.value, "type": item.resource_type, "id": item.id}
    row |= {"where": item.where, "changes": changes}
    if found.kept:
        row["kept"] = list(found.kept)
    if found.conflict or item.reason:
        row["reason"] = found.conflict or item.reason
    if found.conflict:
        row["action"] = Action.CONFLICT.value
    if not found.on_server:
        row["reason"] = "gone from the server"
    return row


def _gone(known: Known) -> dict[str, Any]:
    """Return the row of what the source has no more: `retract` would take it back, not `apply`."""
    row = {"action": Action.RETRACT.value, "type": known.resource_type, "id": known.id}
    return row | {"where": known.where, "changes": [], "reason": "gone from the export"}


def _tell(rows: list[dict[str, Any]]) -> None:
    """Show the first rows, those whose elements change before all others."""
    for row in sorted(rows, key=lambda row: not row["changes"])[:_SHOWN]:
        reason = f"  ({row['reason']})" if "reason" in row else ""
        printing.say(f"  {row['action']:<11} {row['type']:<24} {row['where']}{reason}")
        for change in row["changes"]:
            shown = f": {change['before']} -> {change['after']}" if "before" in change else ""
            printing.say(f"              {change['path']}{shown}")
        for name in row.get("kept", []):
            printing.say(f"              {name}: kept as the hospital changed it")
    if len(rows) > _SHOWN:
        printing.say(f"  … and {len(rows) - _SHOWN} more (--json lists all)")


def _document(
    work: Work, rows: list[dict[str, Any]], summary: dict[str, object], absence: Absence
) -> dict[str, Any]:
    rejects = [error.as_record() for error in work.account.rejects]
    left = {"withheld": absence.withheld, "merged": list(work.merged)}
    return {"version": 1, "summary": summary, "rows": rows, "rejects": rejects, **left}
