"""What stands behind a refusal, by codes alone."""

from __future__ import annotations

import pytest

from netfhir.hospital.outcomes import scrubbed
from netfhir.sync.causes import is_ambiguous, lacks_parent


def _said(code: str, diagnostics: str) -> str:
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    return scrubbed({"resourceType": "OperationOutcome", "issue": [issue]})


@pytest.mark.parametrize(
    "diagnostics",
    [
        "HAPI-1094: Resource Patient/CANARY not found, specified in path: Observation.subject",
        "Referential integrity violated. Resource `Patient/CANARY` doesn't exist.",
    ],
)
def test_a_missing_parent_is_known(diagnostics: str) -> None:
    """HAPI's number and Blaze's words; what they name is not kept."""
    said = _said("processing", diagnostics)
    assert lacks_parent(said)
    assert "CANARY" not in said


def test_several_matches_are_known() -> None:
    """By the issue type, or HAPI's number."""
    assert is_ambiguous(_said("multiple-matches", ""))
    assert is_ambiguous(_said("processing", "HAPI-0958: matched 2 resources"))


@pytest.mark.parametrize("diagnostics", ["HAPI-0550: version conflict", "HAPI-10940", "anything"])
def test_a_race_is_neither(diagnostics: str) -> None:
    """A lost race is read and compared, not left."""
    said = _said("conflict", diagnostics)
    assert not lacks_parent(said)
    assert not is_ambiguous(said)
