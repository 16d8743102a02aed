"""Check a trial's declaration, and with `--source` each subject against the protocol's clock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netfhir import settings as files
from netfhir.cli import options, printing
from netfhir.errors import worst
from netfhir.runs import checking, opening, scheduling, story
from netfhir.runs.opening import Input
from netfhir.runs.pipeline import Selection
from netfhir.runs.studying import arm_names, prose, site_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.errors import DeclarationError
    from netfhir.runs.scheduling import Checked, Report
    from netfhir.trial.schedule.verdicts import Answer

_FILE = click.Path(path_type=Path)


@click.command("check")
@click.argument("trials", metavar="[TRIAL]...", nargs=-1)
@click.option("--source", type=_FILE, metavar="PATH", help="An export: check its subjects too.")
@click.option("--format", "format_", metavar="redcap|sdtm|NAME", help="The export's format.")
@click.option("--container", metavar="xpt|json|ndjson|csv|parquet", help="SDTM: which container.")
@click.option("--dictionary", type=_FILE, metavar="FILE", help="REDCap: the data dictionary.")
@click.option("--subject", "subjects", multiple=True, metavar="S", help="Only this subject.")
@options.as_of
@click.option("--story", is_flag=True, help="Each subject's way through the trial, day by day.")
@options.mappings
@options.as_json
def command(
    trials: tuple[str, ...], overlays: tuple[Path, ...], *, as_json: bool, **given: Any
) -> int:
    """Check the declarations of TRIALs (default: all): every name known, every unit of its kind.

    Each finding names file and key; exit status 78 if there is any. With --source, the rules of
    schedule.toml are answered for each subject of one TRIAL: in window, early, late, missing, not
    yet due, or not evaluable and why, at the end of --as-of or of today at the subject's site. What
    they say is data: the exit status is 65 only if a fact could not be read. The answers hold
    dates: they are patient data.

    \b
      netfhir check NCT05987176
      netfhir check NCT05987176 --format redcap --source data.csv --as-of 2025-10-15
    """  # noqa: D301 - \b is click's mark for a paragraph that is not wrapped
    source = given.pop("source")
    if source is None:
        return _declarations(trials, overlays, as_json=as_json)
    if len(trials) != 1 or given["format_"] is None:
        raise click.UsageError("--source needs one TRIAL and --format.")
    if _findings(trials[0], overlays):
        return 78
    trial, as_of = opening.trial(trials[0], overlays), options.day(given["as_of"])
    export = Input(
        given["format_"],
        source,
        given["container"],
        given["dictionary"],
        Selection(frozenset(given["subjects"])),
    )
    if given["story"]:
        for one in story.run(trial, export, as_of):
            printing.story(one)
        return 0
    report = scheduling.run(trial, export, as_of)
    if as_json:
        printing.document(scheduling.document(report))
    _tell(report)
    return worst(report.statuses())


def _declarations(names: Sequence[str], overlays: tuple[Path, ...], *, as_json: bool) -> int:
    found = []
    for name in names or opening.trial_names([files.shipped_mappings(), *overlays]):
        found += _findings(name, overlays)
    if as_json:
        printing.document({"version": 1, "findings": [error.as_record() for error in found]})
    return 78 if found else 0


def _findings(name: str, overlays: tuple[Path, ...]) -> list[DeclarationError]:
    trial = opening.trial(name, overlays)
    findings = checking.findings(trial, arm_names(trial), prose(trial))
    findings += site_problems(trial)
    printing.say(f"{name}: {'sound' if not findings else f'{len(findings)} findings'}")
    for finding in findings:
        printing.say(f"  {finding}")
    return findings


def _tell(report: Report) -> None:
    for one in report.subjects:
        _tell_subject(one)
    printing.say()
    printing.table(["answer", "how often"], sorted(report.verdicts().items()))
    printing.rejects(report.rejects)


def _tell_subject(one: Checked) -> None:
    course = one.course
    arm = f"arm {course.arm.upper()}" if course.arm else "no arm"
    printing.say()
    printing.say(f"{course.subject} · {arm} · as of {one.as_of}")
    printing.table(
        ["", "due", "on record", "answer", ""],
        (
            (answer.title, _span(answer), answer.actual, answer.verdict, answer.reason)
            for answer in one.answers
            if answer.verdict != "not applicable"
        ),
    )
    if hidden := sum(answer.verdict == "not applicable" for answer in one.answers):
        printing.say(f"  not applicable: {hidden} rules")


def _span(answer: Answer) -> str:
    low, high = ("" if bound is None else str(bound) for bound in (answer.low, answer.high))
    return f"{low} .. {high} {answer.unit}".strip() if low or high else ""
