"""Tell what a server can do, and how each resource type would be written there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from netfhir import settings as files
from netfhir.cli import options, printing
from netfhir.errors import worst
from netfhir.hospital.profile import Strategy
from netfhir.runs import servers

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.hospital.capabilities import Capabilities
    from netfhir.hospital.choosing import TypeRule
    from netfhir.hospital.probe import Probed


#: Beyond this a clock is told to be wrong; tokens and certificates are dated more finely.
_SKEW_S = 30.0


@click.command("server")
@click.argument("name", metavar="NAME|URL")
@click.option(
    "--probe",
    is_flag=True,
    help="Test what is claimed, on resources of its own that it removes again.",
)
@options.settings_file
@options.as_json
def command(name: str, settings: Path | None, *, probe: bool, as_json: bool) -> int:
    """Ask a server what it can do: the write strategy chosen for each type, and why.

    A type that the server cannot take is said here, and at plan time; exit status 78 if any is.
    With --probe, also 78 if the server does not do what is claimed of it.
    """
    target = servers.server(name, files.load(settings))
    with servers.asked(target) as (client, found):
        rules = found.describe(servers.written_types())
        _tell(found, rules)
        probed = servers.probe(client, found) if probe else None
    if probed:
        _tell_probe(probed)
    status = worst({_status(rules), probed.exit_status if probed else 0} - {0})
    if as_json:
        printing.document(_document(found, rules, probed, status))
    return status


def _status(rules: list[TypeRule]) -> int:
    return 78 if any(rule.strategy is Strategy.UNSUPPORTED for rule in rules) else 0


def _tell(found: Capabilities, rules: list[TypeRule]) -> None:
    sending = "transactions" if found.transaction else "batches" if found.batch else ""
    sent = f"{sending} of {found.bundle_entries}" if sending else "single requests"
    printing.say(
        f"{found.software} {found.version}, FHIR {found.fhir_version}: {sent}, "
        f"{found.workers} workers"
    )
    if found.skew_s is not None and abs(found.skew_s) > _SKEW_S:
        printing.say(f"its clock is {found.skew_s:+g} s from ours: signatures and dates may fail")
    printing.say(f"profile {found.profile.name}: {found.profile.source}")
    printing.table(
        ["type", "strategy", "changes", "why"],
        ((r.resource_type, r.strategy.value, _changes(r), r.why) for r in rules),
    )


def _changes(rule: TypeRule) -> str:
    if rule.strategy is Strategy.UNSUPPORTED:
        return ""
    return "PUT by id" if rule.updates else "none"


def _tell_probe(probed: Probed) -> None:
    made = f" on {probed.resource_type}" if probed.resource_type else ""
    printing.say(f"probed{made}:")
    printing.table(
        ["claim", "verdict", "found"], ((t.claim, t.verdict.value, t.found) for t in probed.tested)
    )
    for tested in probed.tested:
        if tested.remedy:
            printing.say(f"  {tested.claim}: {tested.remedy}")
    for path in probed.left:
        printing.say(f"  not removed: {path}")


def _document(
    found: Capabilities, rules: list[TypeRule], probed: Probed | None, status: int
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "version": 1,
        "software": found.software,
        "software_version": found.version,
        "skew_s": found.skew_s,
        "profile": found.profile.name,
        "source": found.profile.source,
        "types": [
            {
                "type": r.resource_type,
                "strategy": r.strategy.value,
                "updates": r.updates,
                "why": r.why,
            }
            for r in rules
        ],
        "exit_status": status,
    }
    if probed:
        tested = [
            {"claim": t.claim, "verdict": t.verdict.value, "found": t.found, "remedy": t.remedy}
            for t in probed.tested
        ]
        body["probe"] = {"type": probed.resource_type, "tested": tested, "left": probed.left}
    return body
