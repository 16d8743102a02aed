"""Care that breaks the protocol, or that nobody can have given: a deviation, or a reject."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from export_copies import redcap

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from export_copies import CsvCopy

TRIAL = "NCT05987176"
AS_OF = ("--as-of", "2025-10-15")
Answer = tuple[str, str, str, str]


class Care(NamedTuple):
    """Cells of the first cycle's form, and what one rule says of its dose."""

    name: str
    cells: dict[str, str]
    rule: str
    verdict: str
    reason: str


CARE = (
    Care(
        "a-dose-before-surgery",
        {"prrt_start": "2024-08-01 10:00"},
        "dose-after-resection/prrt-1",
        "not allowed",
        "before: Liver resection",
    ),
    Care(
        "a-dose-too-early",
        {"prrt_start": "2024-09-15 10:00"},
        "cycle-1",
        "early",
        "",
    ),
    Care(
        "an-infusion-without-an-end",
        {"prrt_end": ""},
        "infusion-minutes/prrt-1",
        "not evaluable",
        "start and end are not both instants on record",
    ),
    Care(
        "an-infusion-from-an-hour-that-happens-twice",
        {"prrt_start": "2024-10-27 01:30", "prrt_end": "2024-10-27 02:10"},
        "infusion-minutes/prrt-1",
        "not evaluable",
        "start and end are not both instants on record",
    ),
    Care(
        "a-dose-above-the-tolerance",
        {"prrt_activity": "9.99"},
        "activity-per-cycle/prrt-1",
        "above",
        "planned 7.4 GBq",
    ),
    Care(
        "a-dose-in-mbq-under-a-heading-of-gbq",
        {"prrt_activity": "7400.00"},
        "activity-per-cycle/prrt-1",
        "implausible",
        "outside 1 to 10 GBq: is the unit right?",
    ),
    Care(
        "a-dose-in-mci-under-a-heading-of-gbq",
        {"prrt_activity": "200.00"},
        "activity-per-cycle/prrt-1",
        "implausible",
        "outside 1 to 10 GBq: is the unit right?",
    ),
    Care(
        "an-activity-that-no-cycle-has",
        {"prrt_activity": "0.20"},
        "activity-per-cycle/prrt-1",
        "implausible",
        "outside 1 to 10 GBq: is the unit right?",
    ),
)


def given(export: CsvCopy) -> tuple[str | Path, ...]:
    """Return the options that name the export."""
    return ("--format", "redcap", "--source", export.path)


def answers(netfhir: CommandLine, export: CsvCopy) -> dict[str, list[Answer]]:
    """Return what `check` says of S01-001, by rule."""
    document = netfhir("check", TRIAL, *given(export), *AS_OF, "--json").document
    told: dict[str, list[Answer]] = {}
    (subject,) = (one for one in document["subjects"] if one["subject"] == "S01-001")
    for one in subject["answers"]:
        told.setdefault(one["rule"], []).append(
            (one["verdict"], one["reason"], one["actual"], one["where"])
        )
    return told


@pytest.mark.parametrize("care", CARE, ids=lambda care: care.name)
def test_care_outside_the_protocol_is_told_at_its_place(
    netfhir: CommandLine, tmp_path: Path, care: Care
) -> None:
    """The rule's verdict, the reason, and the line of the dose."""
    export = redcap(tmp_path / "export")
    where = damaged(export, care)
    ((verdict, reason, _, place),) = answers(netfhir, export)[care.rule]
    assert (verdict, reason) == (care.verdict, care.reason)
    assert place.rpartition(":")[0] == where.rpartition(":")[0]


@pytest.mark.parametrize("care", CARE, ids=lambda care: care.name)
def test_care_outside_the_protocol_is_written_and_what_is_certain_is_a_deviation(
    netfhir: CommandLine, tmp_path: Path, care: Care
) -> None:
    """The dose is lost in no case; a deviation stands beside it where the dates say it."""
    export = redcap(tmp_path / "export")
    damaged(export, care)
    ran = netfhir("map", TRIAL, *given(export), *AS_OF, "--out", tmp_path / "out")
    assert ran.status == 0
    doses = lines(tmp_path / "out" / "MedicationAdministration.ndjson")
    assert len(doses) == len(lines_of_clean(netfhir, tmp_path))
    told = [
        one
        for one in lines(tmp_path / "out" / "Observation.ndjson")
        if care.verdict in json.dumps(one) and "deviation" in json.dumps(one["code"])
    ]
    assert bool(told) is (care.verdict != "not evaluable")


def damaged(export: CsvCopy, care: Care) -> str:
    """Set the cells; return the place of the last."""
    return [export.set(column, cell) for column, cell in care.cells.items()][-1]


def lines_of_clean(netfhir: CommandLine, tmp_path: Path) -> list[dict[str, object]]:
    """Return the doses of the export as it is."""
    clean = redcap(tmp_path / "clean")
    assert netfhir("map", TRIAL, *given(clean), *AS_OF, "--out", tmp_path / "of").status == 0
    return lines(tmp_path / "of" / "MedicationAdministration.ndjson")


def lines(path: Path) -> list[dict[str, object]]:
    """Return the resources of a file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_dose_of_arm_b_for_a_subject_of_arm_a_is_not_allowed(
    netfhir: CommandLine, tmp_path: Path
) -> None:
    """Both doses are named, although the visits of the other arm are rejects already."""
    export = redcap(tmp_path / "export")
    export.set("arm", "1")
    told = answers(netfhir, export)
    verdicts = [told[f"prrt-in-arm-b/prrt-{cycle}"][0][0] for cycle in (1, 2)]
    assert verdicts == ["not allowed", "not allowed"]
