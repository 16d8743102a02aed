"""The gate's invariants: each is asked, refuses what breaks it and lets pass what does not.

`gate_invariants.ndjson` has a line for each rule: a resource that keeps it and one, as like as can
be, that breaks it; `gate_invariants_r5.ndjson` one for each that R5 adds or says otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir import canonical, invariants, tables
from netfhir.fhir.gate import Gate
from netfhir.fhir.rules import r5

if TYPE_CHECKING:
    from netfhir.fhir.version import Version

FILES: dict[Version, str] = {"r4": "gate_invariants.ndjson", "r5": "gate_invariants_r5.ndjson"}


def cases(fhir: Version) -> list[dict[str, Any]]:
    """Return the cases of a version."""
    lines = Path(__file__).with_name(FILES[fhir]).read_text("utf-8").splitlines()
    return [canonical.resource(line) for line in lines]


every_version = pytest.mark.parametrize("fhir", FILES)
every_case = pytest.mark.parametrize(
    ("fhir", "case"),
    [
        pytest.param(fhir, case, id=f"{fhir}-{case['key']}")
        for fhir in FILES
        for case in cases(fhir)
    ],
)


@pytest.fixture(scope="module")
def gates() -> dict[Version, Gate]:
    """Return one gate a version for the module."""
    return {fhir: Gate(fhir) for fhir in FILES}


@every_case
def test_what_holds_passes(gates: dict[Version, Gate], fhir: Version, case: dict[str, Any]) -> None:
    """A resource that keeps the invariant has no finding at all."""
    assert gates[fhir].findings(case["holds"]) == []


@every_case
def test_what_breaks_it_is_refused(
    gates: dict[Version, Gate], fhir: Version, case: dict[str, Any]
) -> None:
    """A resource that breaks the invariant has a finding of its name."""
    assert case["key"] in {finding.rule for finding in gates[fhir].findings(case["breaks"])}


@every_version
def test_every_invariant_of_the_tables_is_answered_for(fhir: Version) -> None:
    """Each invariant of severity error has a rule, or a reason why it needs none."""
    listed = set(tables.read(fhir, "invariants"))
    answered = invariants.RULES[fhir].keys() | invariants.UNASKED.keys()
    assert listed - answered == set()


@every_version
def test_no_invariant_is_answered_for_twice(fhir: Version) -> None:
    """A rule and a reason for having none would contradict each other."""
    assert not invariants.RULES[fhir].keys() & invariants.UNASKED.keys()


def test_every_rule_is_tried() -> None:
    """A rule without a line in the file would be one that nobody has seen refuse."""
    assert {case["key"] for case in cases("r4")} == invariants.RULES["r4"].keys()
    assert {case["key"] for case in cases("r5")} >= r5.RULES.keys()
