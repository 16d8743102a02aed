"""List, show, retry or drop what the server refused for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from netfhir.cli import options, printing
from netfhir.runs import keeping
from netfhir.sync.dead import LONGEST_REASON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfhir.sync.dead import Letter

_names = click.argument("names", metavar="TYPE/ID...", nargs=-1, required=True)


@click.group("dead")
def command() -> None:
    """Look after dead letters: rows that the server refused for their content.

    A dead letter is sent again by itself when its content changes in the source.
    """


@command.command("list")
@options.trial
@options.kept
@options.as_json
def _list(trial: str, *, as_json: bool, **given: Any) -> int:
    """List the dead letters of TRIAL, and apart those that were dropped.

    Exit status 65 if any is dead.
    """
    found = keeping.letters(trial, options.given_target(crosswalk=None, **given))
    _tell(found)
    if as_json:
        printing.document({"version": 1, "letters": [letter.as_record() for letter in found]})
    return 65 if any(letter.state == "dead" for letter in found) else 0


@command.command("show")
@options.trial
@_names
@options.kept
@options.as_json
def _show(trial: str, names: Sequence[str], *, as_json: bool, **given: Any) -> int:
    """Show all that the ledger knows of some dead letters of TRIAL, and what to do."""
    found = keeping.chosen(trial, options.given_target(crosswalk=None, **given), names)
    for letter in found:
        printing.say(f"{letter.resource_type}/{letter.id}  ({letter.where})")
        for name, value in letter.as_record().items():
            printing.say(f"  {name:<14} {value}")
    if as_json:
        printing.document({"version": 1, "letters": [letter.as_record() for letter in found]})
    return 0


@command.command("retry")
@options.trial
@click.argument("names", metavar="[TYPE/ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that are dead; dropped ones are not.")
@options.kept
@options.as_json
def _retry(trial: str, names: Sequence[str], *, every: bool, as_json: bool, **given: Any) -> int:
    """Let the next `apply` of TRIAL send dead letters again, the way it sent them first."""
    if bool(names) == every:
        raise click.UsageError("give the letters, or --all")
    target = options.given_target(crosswalk=None, **given)
    count = keeping.retry(trial, target, None if every else names)
    printing.say(f"  {count} to be sent by the next apply")
    if as_json:
        printing.document({"version": 1, "requeued": count})
    return 0


def _a_line(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    if not text.strip() or len(text) > LONGEST_REASON or not text.isprintable():
        raise click.BadParameter(f"one line of at most {LONGEST_REASON} characters")
    return text


@command.command("drop")
@options.trial
@_names
@click.option(
    "--reason",
    required=True,
    callback=_a_line,
    metavar="TEXT",
    help="Why, in a line, for those who read the ledger later; no patient data.",
)
@options.kept
@options.as_json
def _drop(trial: str, names: Sequence[str], reason: str, *, as_json: bool, **given: Any) -> int:
    """Decide that the content of dead letters of TRIAL is not sent.

    They stay in the ledger and are counted apart. One whose content changes in the source comes
    back: the decision was about another.
    """
    target = options.given_target(crosswalk=None, **given)
    count = keeping.drop(trial, target, names, reason)
    printing.say(f"  {count} dropped")
    if as_json:
        printing.document({"version": 1, "dropped": count})
    return 0


def _tell(found: Sequence[Letter]) -> None:
    for letter in found:
        printing.say(f"  {letter.state:<8} {letter.resource_type}/{letter.id}  ({letter.where})")
        runs = f"{letter.attempts} runs" if letter.attempts != 1 else "1 run"
        printing.say(f"           {letter.reason}; {runs}, {letter.first_at} to {letter.last_at}")
        printing.say(f"           {letter.remedy}")
    if not found:
        printing.say("  no dead letters")
