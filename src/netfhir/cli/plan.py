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
    from netfhir.sync.preview import Preview

_SHOWN = 20


@click.command("plan")
@options.trial
@options.source
@options.target
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

    Each update is shown with the elements that would change. A plan with changes ends with 0.
    """  # noqa: D301 - \b is click's mark for a paragraph that is not wrapped
    site = opening.mapping_site(opening.trial(trial, overlays), fhir=fhir)
    read, target = options.split(given)
    with syncing.work(site, read, target) as work:
        summary = work.summary()
        rows = [_row(found, values=values) for found in work.plan(summary) if _is_news(found)]
        printing.rejects(work.account.rejects)
        _tell(rows)
        printing.sums(summary)
        if unsupported is not None:
            printing.written(work.write_unsupported(unsupported), unsupported)
        if as_json:
            printing.document(_document(work, rows, summary.as_record()))
        left = summary.statuses() - {75}
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
    if item.reason:
        row["reason"] = item.reason
    if not found.on_server:
        row["reason"] = "gone from the server"
    return row


def _tell(rows: list[dict[str, Any]]) -> None:
    """Show the first rows, those whose elements change before all others."""
    for row in sorted(rows, key=lambda row: not row["changes"])[:_SHOWN]:
        reason = f"  ({row['reason']})" if "reason" in row else ""
        printing.say(f"  {row['action']:<11} {row['type']:<24} {row['where']}{reason}")
        for change in row["changes"]:
            shown = f": {change['before']} -> {change['after']}" if "before" in change else ""
            printing.say(f"              {change['path']}{shown}")
    if len(rows) > _SHOWN:
        printing.say(f"  … and {len(rows) - _SHOWN} more (--json lists all)")


def _document(work: Work, rows: list[dict[str, Any]], summary: dict[str, object]) -> dict[str, Any]:
    rejects = [error.as_record() for error in work.account.rejects]
    return {"version": 1, "summary": summary, "rows": rows, "rejects": rejects}
