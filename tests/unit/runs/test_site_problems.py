"""What is wrong with the studies that a trial declares for its sites."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netfhir.runs import opening
from netfhir.runs.studying import site_problems
from netfhir.trial.declaration import TrialFile

NHS = "Imperial College Healthcare NHS Trust"


def problems(**site: Any) -> list[tuple[str, str]]:
    """Return code and place of each finding, the trial's only site declared like this."""
    trial = opening.trial("NCT05987176")
    declared = trial.file.model_dump() | {"sites": {"01": {"name": NHS} | site}}
    file = TrialFile.model_validate(declared)
    found = site_problems(replace(trial, file=file))
    return [(error.code, error.where.partition(":")[2]) for error in found]


@pytest.mark.parametrize(
    "site", [{}, {"study": {"status": "TERMINATED"}}, {"study": {"status": "COMPLETED"}}]
)
def test_a_sound_site_has_no_finding(site: dict[str, Any]) -> None:
    """A site without a study of its own, or with one whose state and place are known."""
    assert problems(**site) == []


@pytest.mark.parametrize("study", [{}, {"status": "finished"}])
def test_a_state_that_nothing_tells_is_a_finding(study: dict[str, Any]) -> None:
    """The record says nothing of this site, and the whole study's state is not taken."""
    assert problems(study=study) == [("unknown-status", "sites.01.study.status")]


def test_a_place_that_the_record_lacks_is_a_finding() -> None:
    """A misspelt facility would leave the site's study without its place."""
    study = {"status": "TERMINATED", "place": "Imperial"}
    assert problems(study=study) == [("unknown-place", "sites.01.study.place")]
