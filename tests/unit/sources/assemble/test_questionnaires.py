"""Questionnaires, deaths, and scores whose scale and version are declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.sources.assemble import death, measurement, questionnaire_response
from netfhir.trial.entities import Measurement
from netfhir.trial.outcomes import Answer, Death, QuestionnaireResponse
from tiny_trial import Export, source

if TYPE_CHECKING:
    from collections.abc import Iterator

CANONICAL = "https://trial.example/Questionnaire/q|1.0"


def constant(key: str) -> dict[str, str]:
    """Return a place that is the same for all rows."""
    return {"constant": key, "reason": "a test"}


RESPONSE = Export(
    source(
        entity="questionnaire_response",
        form="q",
        subject="ID",
        event="VISIT",
        questionnaire=CANONICAL,
        instrument="q",
        status=constant("completed"),
        authored="DAY",
        items=[
            {"link": "1", "column": "Q1", "least": 1, "most": 4},
            {"link": "vas", "column": "VAS", "least": 0, "most": 100, "coded": False},
        ],
    ),
    missing={"REF": "absent-refused"},
)
DEATH = Export(
    source(
        entity="death",
        form="death",
        subject="ID",
        event="VISIT",
        died="DAY",
        recorded="KNOWN",
        cause={"column": "CAUSE", "values": "range"},
        words="WORDS",
    )
)
SCORE = Export(
    source(
        entity="measurement",
        form="score",
        subject="ID",
        item_table="score",
        measured="DAY",
        status=constant("final"),
        status_without_value=constant("final"),
        version="VERSION",
        items=[{"item": "net", "column": "NET"}],
    )
)


def one(found: Iterator[Any]) -> Any:
    """Return the one fact."""
    (fact,) = found
    return fact


def response(**cells: str) -> Any:
    """Return what becomes of a questionnaire's row."""
    row = RESPONSE.row("", 2, **{"ID": "S1", "VISIT": "m12", "DAY": "2025-09-16"} | cells)
    return one(questionnaire_response.entities(RESPONSE.source, RESPONSE.assembly(row)))


def score(**cells: str) -> Any:
    """Return what becomes of a score's row."""
    row = SCORE.row("", 2, **{"ID": "S1", "DAY": "2025-09-16"} | cells)
    return one(measurement.entities(SCORE.source, SCORE.assembly(row)))


def dead(**cells: str) -> Any:
    """Return what becomes of the row of a death."""
    row = DEATH.row("", 2, **{"ID": "S1", "VISIT": "end"} | cells)
    return one(death.entities(DEATH.source, DEATH.assembly(row)))


def test_answers_are_numbers_of_their_items() -> None:
    """A code of the item's scale, or a number where the item asks for one."""
    found = response(Q1="3", VAS="73")
    assert isinstance(found, QuestionnaireResponse)
    assert found.answers == (
        Answer(link="1", value=3, coded=True),
        Answer(link="vas", value=73, coded=False),
    )
    assert (found.authored, found.questionnaire) == (LocalTime("2025-09-16"), CANONICAL)
    assert found.key.text() == "tiny|s1|m12|questionnaire_response|q|"


def test_an_open_item_says_why() -> None:
    """A blank is unknown, a missing-data code its own reason."""
    first, second = response(Q1="REF").answers
    assert (first.value, first.absent) == (None, "absent-refused")
    assert (second.value, second.absent) == (None, "absent-unknown")


@pytest.mark.parametrize(
    ("column", "cell"), [("Q1", "0"), ("Q1", "5"), ("Q1", "1.5"), ("Q1", "<2"), ("VAS", "101")]
)
def test_an_answer_off_its_scale_is_refused(column: str, cell: str) -> None:
    """Neither a fraction nor a number that the item does not have."""
    found = response(**{column: cell})
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("answer-off-its-scale", f"main.csv:2:{column}")


def test_a_response_needs_its_day() -> None:
    """When it was filled in is never assumed."""
    found = response(DAY="", Q1="1")
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("missing-value", "main.csv:2:DAY")


def test_a_death_has_a_day_and_a_cause() -> None:
    """The key has no event: a second death of the subject has the same one."""
    found = dead(DAY="2025-09", CAUSE="HIGH", WORDS="Sepsis", KNOWN="2025-09-03")
    assert isinstance(found, Death)
    assert (found.died, found.cause, found.words) == (LocalTime("2025-09"), "high", "Sepsis")
    assert found.key.text() == "tiny|s1||death||"


def test_a_death_without_a_day_is_refused() -> None:
    """A date of death is never assumed."""
    found = dead(CAUSE="HIGH")
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("missing-value", "main.csv:2:DAY")


def test_a_score_has_its_version() -> None:
    """The version stands in the fact."""
    found = score(NET="26", VERSION="2.0")
    assert isinstance(found, Measurement)
    assert found.version == "2.0"


def test_a_score_without_its_version_is_refused() -> None:
    """Values of two versions do not compare."""
    found = score(NET="26")
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("no-version", "main.csv:2:VERSION")


@pytest.mark.parametrize("cell", ["-1", "101", "100.5"])
def test_a_score_off_its_scale_is_refused(cell: str) -> None:
    """Both ends are declared with the item."""
    found = score(NET=cell, VERSION="2.0")
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("off-its-scale", "main.csv:2:NET")


@pytest.mark.parametrize("cell", ["0", "100"])
def test_the_ends_belong_to_the_scale(cell: str) -> None:
    """0 and 100 are scores."""
    assert isinstance(score(NET=cell, VERSION="2.0"), Measurement)
