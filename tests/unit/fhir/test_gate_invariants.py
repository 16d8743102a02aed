"""The gate's invariants: each is asked, refuses what breaks it and lets pass what does not.

`gate_invariants.ndjson` has a line for each rule: a resource that keeps it and one, as like as can
be, that breaks it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netfhir.fhir import canonical, invariants, tables
from netfhir.fhir.gate import Gate

LINES = Path(__file__).with_name("gate_invariants.ndjson").read_text("utf-8").splitlines()
CASES = [canonical.resource(line) for line in LINES]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["key"]))


@pytest.fixture(scope="module")
def gate() -> Gate:
    """Return one gate for the module."""
    return Gate()


@every_case
def test_what_holds_passes(gate: Gate, case: dict[str, Any]) -> None:
    """A resource that keeps the invariant has no finding at all."""
    assert gate.findings(case["holds"]) == []


@every_case
def test_what_breaks_it_is_refused(gate: Gate, case: dict[str, Any]) -> None:
    """A resource that breaks the invariant has a finding of its name."""
    assert case["key"] in {finding.rule for finding in gate.findings(case["breaks"])}


def test_every_invariant_of_the_tables_is_answered_for() -> None:
    """Each invariant of severity error has a rule, or a reason why it needs none."""
    listed = set(tables.read("r4", "invariants"))
    answered = invariants.RULES["r4"].keys() | invariants.UNASKED.keys()
    assert listed - answered == set()


def test_no_invariant_is_answered_for_twice() -> None:
    """A rule and a reason for having none would contradict each other."""
    assert not invariants.RULES["r4"].keys() & invariants.UNASKED.keys()


def test_every_rule_is_tried() -> None:
    """A rule without a line in the file would be one that nobody has seen refuse."""
    assert {case["key"] for case in CASES} == invariants.RULES["r4"].keys()
