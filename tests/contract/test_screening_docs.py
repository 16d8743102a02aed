"""The examples of docs/screening.md are what the command prints, and its lists are complete."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from hospital_records import AS_OF, HOSPITAL, ROOT, SITE, TRIAL
from netfhir.runs import opening, screening
from netfhir.screening import explaining
from netfhir.screening.facts import Cause

PAGE = (ROOT / "docs" / "screening.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- explain: (\S+) -->\n```\n(.*?)\n```", PAGE, re.DOTALL)


def test_there_are_three_examples() -> None:
    """A coordinator sees one of each kind."""
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(("patient", "printed"), EXAMPLES)
def test_an_example_is_what_is_printed(patient: str, printed: str) -> None:
    """After a change: `netfhir explain TRIAL PATIENT --brief`, and read the difference."""
    trial = opening.trial(TRIAL, [SITE])
    asked, record = screening.one(trial, HOSPITAL, patient, AS_OF)
    lines = explaining.lines(asked, explaining.explain(asked, record), brief=True)
    assert "\n".join(lines) == printed


def test_every_cause_is_explained() -> None:
    """In the page, and in the words of `explain`."""
    for cause in get_args(Cause):
        assert f"`{cause}`" in PAGE
