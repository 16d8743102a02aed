"""Tables and documents: people's text on stderr, machines' documents on stdout."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from netfhir.sync.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from netfhir.errors import NetfhirError
    from netfhir.runs.story import Story
    from netfhir.sync.absence import Absence
    from netfhir.sync.records import Summary


def say(text: str = "") -> None:
    """Write a line for a person."""
    click.echo(_line_anew() + text, err=True)


def counter(what: str) -> Callable[[int], None]:
    """Return `advance(n)`, which shows a growing count on a terminal, nothing elsewhere."""
    seen = 0

    def advance(more: int) -> None:
        nonlocal seen
        seen += more
        if start := _line_anew():
            click.echo(f"{start}  {what} {seen:,}", err=True, nl=False)

    return advance


def _line_anew() -> str:
    """Return what clears the line of a count on a terminal; "" elsewhere."""
    return "\r\x1b[K" if sys.stderr.isatty() else ""


def document(body: Any) -> None:
    """Write one JSON document for a machine; decimals keep their digits."""
    click.echo(orjson.dumps(body, default=_digits, option=orjson.OPT_INDENT_2))


def _digits(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} has no place in a document")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, indent: str = "  ") -> None:
    """Write aligned columns for a person; figures stand to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    if not texts:
        return
    widths = [max(len(line[i]) for line in [list(head), *texts]) for i in range(len(head))]
    numeric = [all(_figure(line[i]) for line in texts) for i in range(len(head))]
    for line in [list(head), *texts]:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        say(indent + "  ".join(cells).rstrip())


def _figure(text: str) -> bool:
    return text.replace(",", "").lstrip("-").isdigit() or not text


_SHOWN = 5


def rejects(errors: Sequence[NetfhirError], file: Path | None = None) -> None:
    """Show the first rejections, and where all of them stand."""
    if not errors:
        return
    all_of_them = f"all of them in {file}" if file else "--json lists all"
    rest = f"; {all_of_them}" if len(errors) > _SHOWN else ""
    say(f"  {len(errors)} rejected{rest}:")
    for error in errors[:_SHOWN]:
        say(f"    {error}")


def sums(summary: Summary) -> None:
    """Show the accounting identity of a plan, type by type and in all."""
    outcomes = [outcome for outcome in Outcome if summary.count(outcome)]
    head = ["resource", "planned", *(f"{'=+'[i > 0]} {o.value}" for i, o in enumerate(outcomes))]
    rows: list[list[object]] = [
        [name, planned, *(summary.outcomes[name][outcome] for outcome in outcomes)]
        for name, planned in summary.planned.items()
    ]
    rows.append(["in all", summary.total(), *(summary.count(outcome) for outcome in outcomes)])
    table(head, rows)
    for reason, count in sorted(summary.reasons.items()):
        say(f"  {count} {reason}")
    for name, count in sorted(summary.kept.items()):
        say(f"  {count} {name} kept as the hospital changed it")
    if summary.unproven:
        say(f"  no Provenance tells of {summary.unproven} rows: this server takes none by our id")
    for remark, count in sorted(summary.remarks.items()):
        say(f"  {count} arrived, with a remark: {remark}")


def merged(lines: Sequence[int]) -> None:
    """Show which lines of the crosswalk lead to a Patient that the hospital merged."""
    if lines:
        shown = ", ".join(map(str, lines[:_SHOWN])) + (" …" if len(lines) > _SHOWN else "")
        say(f"  the hospital merged the patients of {len(lines)} crosswalk lines ({shown}):")
        say("  references point to the surviving records now")


def withheld(absence: Absence) -> None:
    """Show of which types nothing is taken for gone, and why."""
    for name, count in absence.withheld.items():
        say(
            f"  {count} {name} not in the export, and not taken for gone: facts that give "
            "resources of this type were rejected"
        )


def gone(absence: Absence) -> None:
    """Show what is gone from the export, and by which command it is taken back."""
    withheld(absence)
    counts = ", ".join(f"{name} {count}" for name, count in absence.counts().items())
    if counts:
        say(
            f"  {len(absence.rows)} rows are gone from the export ({counts}) and still on the "
            "server: netfhir retract"
        )


def written(counts: Mapping[str, int], out: Path) -> None:
    """Say how many resources that a server cannot take stand in which files."""
    if not counts:
        say(f"  nothing is unsupported: {out} is empty")
    for name, count in sorted(counts.items()):
        say(f"  {count} unsupported in {out / name}.ndjson")


def story(told: Story) -> None:
    """Show one subject's way through the trial: what took place, what is open, the results."""
    say(f"{told.subject} · {told.arm} · as of {told.as_of}")
    say()
    table(
        ["day", "what", "", "due", "the protocol's clock"],
        ((one.when or "?", one.what, one.detail, one.due, one.verdict) for one in told.lines),
    )
    if told.open:
        say()
        rows = ((one.what, one.due, one.verdict, one.detail) for one in told.open)
        table(["still open", "due", "", ""], rows)
    if told.series.rows:
        say()
        table(["results", *told.series.items], told.series.rows)
    say()


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, nothing elsewhere; yields `advance(n)`."""
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)
