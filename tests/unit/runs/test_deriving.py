"""What a trial's rules conclude from its mapped facts, between the facts and their end."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from export_copies import redcap
from netfhir.errors import FormatError
from netfhir.fhir import canonical
from netfhir.runs import mapping, opening, scheduling, story
from netfhir.runs.opening import Input
from netfhir.runs.pipeline import Selection
from netfhir.settings import DEMO_SITE_KEY
from netfhir.trial.schedule.verdicts import Verdict
from trial_exports import REDCAP

if TYPE_CHECKING:
    from pathlib import Path

    from export_copies import CsvCopy

TRIAL = opening.trial("NCT05987176")
SITE = opening.mapping_site(TRIAL, DEMO_SITE_KEY)
END = date(2025, 10, 15)


def given(source: Path = REDCAP, *subjects: str, as_of: date | None = None) -> Input:
    """Return the fixture, or a copy of it, and perhaps only some subjects."""
    return Input("redcap", source, selection=Selection(frozenset(subjects)), as_of=as_of)


def deviations(out: Path) -> list[dict[str, Any]]:
    """Return the deviations that a run wrote."""
    lines = (out / "Observation.ndjson").read_bytes().splitlines()
    found = [canonical.resource(line) for line in lines if b"protocol-deviation" in line]
    return [body for body in found if body["code"]["text"] == "Protocol deviation"]


def damaged(folder: Path) -> CsvCopy:
    """Return an export of S01-006 alone, whose second dose starts on no day of the calendar."""
    copy = redcap(folder, ("S01-006",))
    copy.set_all("prrt_start", "2025-13-26 10:00", lambda row: row["prrt_cycle"] == "2")
    return copy


def rules(bodies: list[dict[str, Any]]) -> set[str]:
    """Return the rules that were broken."""
    return {body["component"][0]["valueString"] for body in bodies}


def test_what_is_derived_is_counted_apart(tmp_path: Path) -> None:
    """Input = mapped + rejected for the source's facts, and for the derived ones by themselves."""
    mapped = mapping.run(SITE, given(), tmp_path)
    account = mapped.account
    assert account.derived is not None
    assert account.balanced()
    assert "deviation" not in account.input
    assert account.derived.mapped["deviation"] == len(deviations(tmp_path)) > 0
    account.derived.input["deviation"] += 1
    assert not account.balanced()


def test_a_stopped_infusion_deviates_in_activity_and_duration(tmp_path: Path) -> None:
    """S01-006, cycle 2: 4.60 GBq; its sum falls short too."""
    mapping.run(SITE, given(REDCAP, "S01-006"), tmp_path)
    found = deviations(tmp_path)
    assert {
        "activity-per-cycle/prrt-2",
        "infusion-minutes/prrt-2",
        "cumulative-activity",
    } == rules(found)
    doses = {
        f"MedicationAdministration/{canonical.resource(line)['id']}"
        for line in (tmp_path / "MedicationAdministration.ndjson").read_bytes().splitlines()
    }
    assert {one["focus"][0]["reference"] for one in found} <= doses


def test_nothing_is_missing_without_a_day(tmp_path: Path) -> None:
    """What is not on record may be typed in tomorrow; with a day it is missing after its window."""
    mapping.run(SITE, given(REDCAP, "S01-011"), tmp_path)
    assert "cycle-2" not in rules(deviations(tmp_path))
    mapping.run(SITE, given(REDCAP, "S01-011", as_of=date(2025, 10, 29)), tmp_path)
    assert "cycle-2" not in rules(deviations(tmp_path))
    mapping.run(SITE, given(REDCAP, "S01-011", as_of=date(2025, 10, 30)), tmp_path)
    assert "cycle-2" in rules(deviations(tmp_path))


def test_of_a_rejected_fact_nothing_is_concluded(tmp_path: Path) -> None:
    """A dose that could not be read is not late either."""
    copy = damaged(tmp_path / "in")
    mapped = mapping.run(SITE, given(copy.path, "S01-006"), tmp_path / "out")
    assert mapped.account.rejected["dose"] == 1
    assert not {rule for rule in rules(deviations(tmp_path / "out")) if "prrt-2" in rule}


def test_a_trial_without_a_schedule_derives_nothing(shared_data: Path, tmp_path: Path) -> None:
    """The pilot declares no rules."""
    pilot = opening.mapping_site(opening.trial("CDISCPILOT01"), DEMO_SITE_KEY)
    source = shared_data / "sdtm" / "cdisc-datasetjson"
    chosen = Selection(limit=1)
    mapped = mapping.run(pilot, Input("msg", source, "json", selection=chosen), tmp_path)
    assert mapped.account.derived is not None
    assert mapped.account.derived.input.total() == 0


# ── The report and the story ──────────────────────────────────────────────────────────────────


def test_a_report_answers_for_every_subject() -> None:
    """All subjects in the source's order, each with its answers."""
    report = scheduling.run(TRIAL, given(), END)
    assert [one.course.subject for one in report.subjects][:2] == ["S01-001", "S01-002"]
    assert {one.as_of for one in report.subjects} == {END}
    assert report.verdicts()[Verdict.IN_WINDOW] > 0
    assert report.statuses() == set()


def test_a_fact_that_was_not_read_is_65(tmp_path: Path) -> None:
    """What the rules find is data; a rejected fact is left over."""
    copy = damaged(tmp_path / "in")
    report = scheduling.run(TRIAL, given(copy.path), END)
    assert report.statuses() == {65}
    assert "not-as-the-dictionary-says" in {error.code for error in report.rejects}


def test_a_subject_that_is_not_there_is_an_error() -> None:
    """A misspelt number meant another."""
    with pytest.raises(FormatError, match="unknown-subject"):
        scheduling.run(TRIAL, given(REDCAP, "S01-999"), END)
    with pytest.raises(FormatError, match="unknown-subject"):
        story.run(TRIAL, given(REDCAP, "S01-999"), END)


def test_a_story_is_in_the_order_of_the_days() -> None:
    """What took place with what the rules say of it, and the results that are shown."""
    (told,) = story.run(TRIAL, given(REDCAP, "S01-006"), END)
    days = [line.when for line in told.lines]
    assert days == sorted(days)
    (second,) = [line for line in told.lines if line.what == "PRRT cycle 2"]
    assert second.detail == "4.60 GBq, 16 min"
    assert second.due == "2025-03-19 .. 2025-04-02"
    assert second.verdict.startswith("in window; Activity of a cycle, PRRT cycle 2: below")
    assert (told.subject, told.arm) == ("S01-006", "Treatment - Arm B")


def test_a_story_shows_results_with_their_unit() -> None:
    """The items that schedule.toml names; below the assay's range as it stands."""
    (told,) = story.run(TRIAL, given(REDCAP, "S01-003"), END)
    assert told.series.items[0] == "haemoglobin g/L"
    assert any(">1000" in row for row in told.series.rows)


def test_a_story_tells_what_is_open() -> None:
    """What is not yet due, and until when."""
    (told,) = story.run(TRIAL, given(REDCAP, "S01-011"), END)
    assert ("PRRT cycle 2 after cycle 1", "not yet due") in {
        (line.what, line.verdict) for line in told.open
    }
