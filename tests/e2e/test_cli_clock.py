"""`check --source` and `--as-of`: the protocol's clock on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from export_copies import CsvCopy

TRIAL = "NCT05987176"


def source(export: CsvCopy) -> tuple[str | Path, ...]:
    """Return the options of the export."""
    return ("--format", "redcap", "--source", export.path, "--as-of", "2025-10-15")


def test_a_person_reads_a_table_of_each_subject(netfhir: CommandLine, export: CsvCopy) -> None:
    """What was due, what is on record, and the answer; exit status 0 whatever it is."""
    export.set("prrt_activity", "4.60")
    ran = netfhir("check", TRIAL, *source(export))
    assert ran.status == 0
    assert "S01-001 · arm B · as of 2025-10-15" in ran.err
    assert "planned 7.4 GBq" in ran.err
    assert ran.out == ""


def test_a_story_is_of_the_subject_that_is_named(netfhir: CommandLine, export: CsvCopy) -> None:
    """Its doses with the protocol's window, and its results."""
    ran = netfhir("check", TRIAL, *source(export), "--subject", "S01-001", "--story")
    assert ran.status == 0
    assert "7.40 GBq" in ran.err
    assert "2024-09-16 .. 2024-10-14" in ran.err
    assert "platelets 10*9/L" in ran.err
    assert "S01-002" not in ran.err


@pytest.mark.parametrize("trials", [(), (TRIAL, "CDISCPILOT01")])
def test_an_export_is_of_one_trial(
    netfhir: CommandLine, export: CsvCopy, trials: tuple[str, ...]
) -> None:
    """None or two of them: a fault of usage."""
    ran = netfhir("check", *trials, *source(export))
    assert ran.status == 2
    assert "one TRIAL" in ran.err


def test_a_trial_without_rules_says_so(netfhir: CommandLine, export: CsvCopy) -> None:
    """The pilot has no schedule.toml: 78, with what to do."""
    ran = netfhir("check", "CDISCPILOT01", "--format", "msg", "--source", export.path)
    assert ran.status == 78
    assert "schedule.toml: no-schedule" in ran.err


def test_a_date_that_is_none_is_a_fault_of_usage(netfhir: CommandLine, export: CsvCopy) -> None:
    """A day of the calendar, as YYYY-MM-DD."""
    ran = netfhir("check", TRIAL, *source(export)[:-1], "2025-02-30")
    assert ran.status == 2


def test_a_bad_rule_is_told_before_any_subject(
    netfhir: CommandLine, export: CsvCopy, tmp_path: Path
) -> None:
    """78, by file and key, and no table."""
    path = tmp_path / "site" / TRIAL / "schedule.toml"
    path.parent.mkdir(parents=True)
    path.write_text('override = true\n[windows.cycle-1]\ntext = "At tea."\n', encoding="utf-8")
    ran = netfhir("check", TRIAL, *source(export), "--mappings", tmp_path / "site")
    assert ran.status == 78
    assert "schedule.toml:windows.cycle-1.text: not-in-the-record" in ran.err
    assert "S01-001" not in ran.err
