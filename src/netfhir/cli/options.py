"""Options that mean the same for every command that has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from netfhir import settings as files
from netfhir.cli import printing
from netfhir.runs.opening import Input
from netfhir.runs.pipeline import Selection
from netfhir.runs.proposing import Screening
from netfhir.runs.servers import server as named_server
from netfhir.runs.syncing import Target
from netfhir.sync.threeway import Take

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from netfhir.sync.records import Key

Command = TypeVar("Command", bound="Callable[..., Any]")

_FILE = click.Path(path_type=Path)

trial = click.argument("trial", metavar="TRIAL")
mappings = click.option(
    "--mappings",
    "overlays",
    type=_FILE,
    multiple=True,
    metavar="DIR",
    help="A site's own mappings, merged over the shipped ones by file, then by key.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
fhir = click.option(
    "--fhir",
    type=click.Choice(["r4", "r5"]),
    default="r4",
    show_default=True,
    help="The FHIR version that is written.",
)
settings_file = click.option(
    "--settings", type=_FILE, metavar="FILE", help="The settings; default: ./netfhir.toml."
)

as_of = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day up to whose end the export is complete: what the protocol's clock had due by "
    "then and is not on record is missing.",
)

_SOURCE = (
    click.option(
        "--format",
        "format_",
        metavar="redcap|sdtm|NAME",
        help="The export's format; where a trial declares several of one format, the name of its "
        "file in sources/.",
    ),
    click.option(
        "--source",
        type=_FILE,
        metavar="PATH",
        help="SDTM: the folder of domains. REDCap: the raw CSV export.",
    ),
    click.option(
        "--container",
        metavar="xpt|json|ndjson|csv|parquet",
        help="SDTM: which of several containers in the folder is read.",
    ),
    click.option(
        "--dictionary",
        type=_FILE,
        metavar="FILE",
        help="REDCap: the data dictionary; default: dictionary.csv beside the export.",
    ),
    click.option(
        "--subject",
        "subjects",
        multiple=True,
        metavar="S",
        help="Only this subject (may be given again), for a cautious first run.",
    ),
    click.option(
        "--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N subjects."
    ),
    as_of,
)


def source(command: Command) -> Command:
    """Add the options that say which export a run reads, and how much of it."""
    for option in reversed(_SOURCE):
        command = option(command)
    return command


screening = click.option(
    "--screening",
    type=_FILE,
    metavar="DIR",
    help="What `netfhir screen` wrote, in place of an export: its candidates are proposed.",
)


def given_input(  # noqa: PLR0913 - one parameter for each option of `source`
    *,
    format_: str | None,
    source: Path | None,
    container: str | None,
    dictionary: Path | None,
    subjects: Sequence[str],
    limit: int | None,
    as_of: datetime | None,
) -> Input:
    """Return what the options of `source` say; both of the export's have to be there."""
    if format_ is None or source is None:
        raise click.UsageError("name the export by --format and --source")
    selection = Selection(frozenset(subjects), limit)
    mapped = printing.counter("mapped")
    return Input(format_, source, container, dictionary, selection, mapped, day(as_of))


def day(given: datetime | None) -> date | None:
    """Return the calendar day of a date option."""
    return given.date() if given else None


_SERVER = click.option(
    "--server",
    required=True,
    metavar="NAME|URL",
    help="The hospital's server: a name of netfhir.toml, or its FHIR base address.",
)
_STATE = click.option(
    "--state",
    type=_FILE,
    metavar="DIR",
    help="Where ledger and staging are kept, private; default: .netfhir, or as in the settings.",
)
_TARGET = (
    _SERVER,
    click.option(
        "--crosswalk",
        type=_FILE,
        metavar="FILE",
        help="CSV with the header subject,system,value: the hospital's identifier of each "
        "subject's patient. A subject without a patient is parked, never guessed.",
    ),
    _STATE,
)


def target(command: Command) -> Command:
    """Add the options that say where a run goes."""
    for option in reversed((*_TARGET, settings_file)):
        command = option(command)
    return command


def kept(command: Command) -> Command:
    """Add the options that say whose state is meant, where nothing is read or sent."""
    for option in (settings_file, _STATE, _SERVER):
        command = option(command)
    return command


unsupported = click.option(
    "--unsupported",
    type=_FILE,
    metavar="DIR",
    help="Write what the server cannot take as <Type>.ndjson, for import by other means; patient "
    "data, for its owner alone to read.",
)


def given_target(
    server: str, crosswalk: Path | None, state: Path | None, settings: Path | None
) -> Target:
    """Return what the options of `target` say."""
    loaded = files.load(settings)
    folder = state or loaded.state or Path(".netfhir")
    return Target(named_server(server, loaded), crosswalk, folder)


_TAKES = (
    click.option(
        "--overwrite",
        multiple=True,
        metavar="TYPE/ID",
        help="Write ours over what the hospital changed in this resource, named as `plan --json` "
        "names it; may be given again.",
    ),
    click.option(
        "--keep",
        multiple=True,
        metavar="TYPE/ID",
        help="Let what the hospital changed in this resource stand, where the source changed it, "
        "too; may be given again.",
    ),
)


def takes(command: Command) -> Command:
    """Add the options by which a person decides a conflict."""
    for option in reversed(_TAKES):
        command = option(command)
    return command


def given_takes(overwrite: Sequence[str], keep: Sequence[str]) -> dict[Key, Take]:
    """Return what the options of `takes` say; one that says both, or no TYPE/ID, is misused."""
    both = set(overwrite) & set(keep)
    if both:
        raise click.UsageError(f"both --overwrite and --keep: {', '.join(sorted(both))}")
    pairs = [*((path, Take.OURS) for path in overwrite), *((path, Take.THEIRS) for path in keep)]
    found: dict[Key, Take] = {}
    for path, take in pairs:
        resource_type, _, resource_id = path.partition("/")
        if not resource_id:
            raise click.UsageError(f"{path} is no TYPE/ID")
        found[resource_type, resource_id] = take
    return found


_TARGET_NAMES = ("server", "crosswalk", "state", "settings")


def split(given: dict[str, Any]) -> tuple[Input, Target]:
    """Return what the options of `source` and `target` say together."""
    where = {name: given.pop(name) for name in _TARGET_NAMES}
    return given_input(**given), given_target(**where)


def split_or_screening(given: dict[str, Any]) -> tuple[Input | Screening, Target]:
    """Return what the options of `source` or `screening`, and of `target`, say together."""
    folder = given.pop("screening")
    if folder is None:
        return split(given)
    where = {name: given.pop(name) for name in _TARGET_NAMES}
    if any(given.values()):
        raise click.UsageError("--screening takes the place of an export and its options")
    return Screening(folder, printing.counter("proposed")), given_target(**where)
