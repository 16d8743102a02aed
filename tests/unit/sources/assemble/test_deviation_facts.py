"""Protocol deviations that people recorded."""

from __future__ import annotations

from typing import Any

import pytest

from netfhir.errors import RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.sources.assemble import deviation
from netfhir.trial.derived import Deviation
from tiny_trial import Export, source

FORM: dict[str, Any] = {
    "entity": "deviation",
    "form": "dv",
    "subject": "id",
    "event": "event",
    "repeat": "number",
    "status": {"constant": "final", "reason": "a person has recorded it"},
    "category": "dvcat",
    "description": "dvterm",
    "occurred": "dvdat",
    "reason": "dvwhy",
}
CELLS = {"id": "S1", "event": "v2", "number": "3", "dvcat": "VISIT", "dvterm": "Seen at home"}


def facts(**cells: str) -> list[Any]:
    """Return the facts of one row of the form."""
    export = Export(source(**FORM))
    row = export.row("", 2, **(CELLS | cells))
    return list(deviation.entities(export.source, export.assembly(row)))


def test_a_recorded_deviation_is_in_the_persons_words() -> None:
    """Category, words, day and reason as they stand; no rule of ours, and no verdict."""
    (found,) = facts(dvdat="2024-10", dvwhy="Snow")
    assert isinstance(found, Deviation)
    assert found.key == SourceKey("TINY", "S1", "v2", "dv", "deviation", "3")
    assert (found.rule, found.title, found.reason) == ("VISIT", "Seen at home", "Snow")
    assert found.occurred == LocalTime("2024-10")
    assert (found.kind, found.version, found.low, found.high) == ("", "", None, None)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"dvcat": ""}, "missing-value"),
        ({"dvterm": ""}, "missing-value"),
        ({"dvdat": "2024-10-UN"}, "bad-date"),
        ({"id": "S9"}, "unknown-subject"),
    ],
)
def test_what_cannot_be_one_is_rejected(cells: dict[str, str], code: str) -> None:
    """Without a kind, without words, on no day of the calendar, of nobody."""
    (found,) = facts(**cells)
    assert isinstance(found, RecordError)
    assert found.code == code
