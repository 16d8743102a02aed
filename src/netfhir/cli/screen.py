"""Find candidates for a trial in the hospital's own data, with evidence and open questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from netfhir import clock
from netfhir.cli import options, printing
from netfhir.errors import worst
from netfhir.runs import opening, screening

if TYPE_CHECKING:
    from datetime import date, datetime

    from netfhir.runs.screening import Screened

_TOP = 5
_DAY = click.DateTime(["%Y-%m-%d"])


def day(given: datetime | None) -> date:
    """Return the day of `--as-of`, or today."""
    return (given or clock.now()).date()


@click.command("screen")
@options.trial
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The NDJSON files of a bulk export, plain or gzip.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where verdicts.ndjson, candidates.ndjson and funnel.json are written.",
)
@click.option(
    "--as-of", type=_DAY, metavar="DATE", help="The day of the screening; default: today."
)
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "python"]),
    default="duckdb",
    show_default=True,
    help="Both give the same verdicts; DuckDB is for whole hospitals.",
)
@click.option(
    "--before",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="An earlier screening: changes.ndjson then lists whose verdict changed, and why.",
)
@click.option(
    "--keep",
    is_flag=True,
    help="Also keep the facts in DIR/record, so that a later run can go on with --previous.",
)
@click.option(
    "--previous",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="An earlier screening that kept its facts: --data holds only what changed since then, and "
    "only whom that or the day touches is judged.",
)
@options.mappings
@options.as_json
def command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    trial: str,
    data: Path,
    out: Path,
    as_of: datetime | None,
    engine: screening.Engine,
    before: Path | None,
    previous: Path | None,
    overlays: tuple[Path, ...],
    *,
    keep: bool,
    as_json: bool,
) -> int:
    """Prescreen the patients of an export for TRIAL; writes files, and to no server.

    \b
      netfhir screen NCT05987176 --data export/ --out screening/ --as-of 2026-05-04

    Every patient gets one verdict for each criterion: met, not met, unknown with its cause and the
    next question, or not applicable. Exit status 65 if some of the input could not be read; it is
    counted, and never taken for absence.
    """  # noqa: D301 - \b is click's mark for a paragraph that is not wrapped
    opened = opening.trial(trial, overlays)
    if engine == "python" and (keep or previous):
        raise click.UsageError("--keep and --previous are of the engine duckdb")
    if previous is not None and previous.resolve() == out.resolve():
        raise click.UsageError("--out must be another folder than --previous")
    nights = screening.Nights(previous, keep)
    screened = screening.run(
        opened, data, out, day(as_of), engine=engine, nights=nights, tell=printing.say
    )
    if as_json:
        printing.document(screened.funnel)
    _tell(screened)
    if before is not None:
        count = screening.compare(before, out, partial=previous is not None)
        printing.say(f"  {count} verdicts changed since {before.name}; see changes.ndjson")
    return worst(screened.statuses())


def _tell(screened: Screened) -> None:
    funnel = screened.funnel
    printing.say(f"{funnel['trial']} on {funnel['as_of']}, {funnel['patients']} patients")
    printing.table(
        ["criterion", "met", "not met", "unknown", "n/a", "mostly unknown because"],
        (
            (key, row["met"], row["not-met"], row["unknown"], row["not-applicable"], _cause(row))
            for key, row in funnel["criteria"].items()
        ),
    )
    outcomes = funnel["outcomes"]
    printing.say(
        f"  {outcomes['candidate']} candidates, {outcomes['undecided']} undecided, "
        f"{outcomes['excluded']} excluded ({funnel['excluded_until_a_date']} until a date); "
        f"{funnel['ranked']} ranked, {funnel['not_consented']} not to be screened"
    )
    for one in screened.ranked[:_TOP]:
        asked = one.questions[0].question if one.questions else "nothing left to ask"
        printing.say(f"  {one.rank}. {one.patient} ({one.outcome}): {asked}")
    for problem in funnel["problems"]:
        printing.say(
            f"  {problem['file']}:{problem['first_line']}: {problem['code']} ({problem['count']})"
        )


def _cause(row: dict[str, dict[str, int]]) -> str:
    causes = row["causes"]
    return max(causes, key=lambda name: causes[name]) if causes else ""
