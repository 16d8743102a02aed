"""Each row of the mapping's table 1 stands where `docs/coverage.toml` says, in R4 and in R5."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

import study_cases
from netfhir.fhir import canonical
from trial_exports import ROOT

if TYPE_CHECKING:
    from pathlib import Path

COVERAGE: dict[str, Any] = tomllib.loads((ROOT / "docs" / "coverage.toml").read_text("utf-8"))
ROWS: list[dict[str, str]] = COVERAGE["study"]
EXPECTED = ROOT / "fixtures" / "NCT05987176" / "expected"
_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")


def found(place: str, folder: Path) -> Any:
    """Return what stands at `golden: path`; KeyError or IndexError where nothing does."""
    golden, _, path = place.partition(": ")
    value: Any = canonical.resource((folder / f"{golden}.json").read_bytes())
    for name, index in _STEP.findall(path):
        value = value[name][int(index)] if index else value[name]
    return value


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["row"])
def test_a_row_stands_where_it_is_said_to(row: dict[str, str]) -> None:
    """In both versions a value of the golden; else a test that nothing, or another record, has."""
    if "r4" in row:
        assert found(row["r4"], EXPECTED) not in (None, "", [], {})
        assert found(row["r5"], EXPECTED / "r5") not in (None, "", [], {})
        return
    file, _, name = (row.get("nothing") or row["test"]).partition("::")
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


def test_every_criterion_has_its_row() -> None:
    """Each of the 25 stands where it is said to, in its own words but for the age."""
    criteria = study_cases.trial("NCT05987176").study.eligibility.criteria
    assert list(COVERAGE["criteria"]) == [one.name for one in criteria]
    for one in criteria:
        path = COVERAGE["criteria"][one.name]
        for folder in (EXPECTED, EXPECTED / "r5"):
            assert found(f"study-eligibility: {path}", folder) is not None
            text = found(f"study-eligibility: {path.partition('.')[0]}", folder)["code"]["text"]
            assert text == ("Age" if one.name == "I2" else one.text)
