"""Turn an export of the trial's data into FHIR files; reads and writes no server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netfhir.cli import options, printing
from netfhir.errors import worst
from netfhir.runs import mapping, opening

if TYPE_CHECKING:
    from netfhir.fhir.version import Version
    from netfhir.runs.mapping import Mapped


@click.command("map")
@options.trial
@options.source
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where <Type>.ndjson, rejects.ndjson and summary.json are written.",
)
@options.fhir
@options.mappings
@options.as_json
def command(
    trial: str, out: Path, fhir: Version, overlays: tuple[Path, ...], *, as_json: bool, **given: Any
) -> int:
    """Turn an export of TRIAL's data into FHIR files, and account for every fact.

    \b
      netfhir map NCT05987176 --format redcap --source data.csv --out fhir/
      netfhir map CDISCPILOT01 --format msg --container xpt --source sdtm/ --out fhir/

    A fact that cannot be mapped stands in rejects.ndjson with its place and a remedy, and the exit
    status is 65. Ids come from the secret NETFHIR_SITE_KEY.
    """  # noqa: D301 - \b is click's mark for a paragraph that is not wrapped
    site = opening.mapping_site(opening.trial(trial, overlays), fhir=fhir)
    mapped = mapping.run(site, options.given_input(**given), out)
    if as_json:
        printing.document(mapping.summary_of(site, mapped))
    _tell(mapped, out)
    return worst(mapped.statuses())


def _tell(mapped: Mapped, out: Path) -> None:
    account = mapped.account
    printing.table(
        ["fact", "input", "= mapped", "+ rejected"],
        (
            (name, account.input[name], account.mapped[name], account.rejected[name])
            for name in account.input
        ),
    )
    if account.derived is not None:
        printing.table(["derived", "mapped"], sorted(account.derived.mapped.items()))
    printing.table(["resource", "written"], mapped.resources.items())
    if account.left_out:
        printing.say(f"  left out by --subject or --limit: {sum(account.left_out.values())} facts")
    printing.rejects(account.rejects, out / "rejects.ndjson")
