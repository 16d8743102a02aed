"""Adverse events: what is read of a row, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.sources.assemble import adverse_event
from netfhir.trial.entities import Link
from netfhir.trial.outcomes import AdverseEvent, SourceCode
from tiny_trial import Export, source

if TYPE_CHECKING:
    from netfhir.sources.row import Row

MEDDRA = "https://www.meddra.org"
LINK = {
    "element": "suspectEntity",
    "to": "dose",
    "event": {"column": "CYCLE", "values": "cycle"},
    "item": {"constant": "lutetium", "reason": "the one product"},
    "required": True,
}
DOSE = SourceKey("TINY", "S1", "c1", "dose", "lutetium")


def constant(key: str) -> dict[str, str]:
    """Return a place that is the same for all rows."""
    return {"constant": key, "reason": "a test"}


AE = Export(
    source(
        entity="adverse_event",
        table="AE",
        subject="ID",
        repeat="SEQ",
        status=constant("completed"),
        verbatim="TERM",
        codes=[{"column": "PTCD", "system": MEDDRA, "display": "PT", "version": "26.0"}],
        number="SPID",
        start="FROM",
        end="TO",
        grade={"column": "GRADE", "values": "range"},
        seriousness={"column": "SER", "values": "serious"},
        outcome=constant("present"),
        expected={"column": "EXP", "values": "yes-no"},
        criteria=[
            {"met": {"column": "HOSP", "values": "yes-no"}, "criterion": constant("high")},
            {"met": {"column": "DTH", "values": "yes-no"}, "criterion": constant("r0")},
        ],
        links=[LINK],
    ),
)


def row(**cells: str) -> Row:
    """Return a row of an event that was not serious."""
    return AE.row("", 2, **{"ID": "S1", "SEQ": "1", "TERM": "Nausea", "SER": "N"} | cells)


def read(**cells: str) -> Any:
    """Return what becomes of a row; one dose was told before it."""
    assembly = AE.assembly(row(**cells))
    assembly.met.add(DOSE)
    (found,) = adverse_event.entities(AE.source, assembly)
    return found


def event(**cells: str) -> AdverseEvent:
    """Return the event of a row."""
    found = read(**cells)
    assert isinstance(found, AdverseEvent), found
    return found


def refused(**cells: str) -> tuple[str, str]:
    """Return code and place of a row's rejection."""
    found = read(**cells)
    assert isinstance(found, RecordError), found
    return found.code, found.where


def test_an_event_is_read_whole() -> None:
    """Words, days, number and grade are those of the row."""
    found = event(FROM="2024-10-01", TO="2024-10-03", SPID="E07", GRADE="HIGH", EXP="0")
    assert (found.verbatim, found.grade) == ("Nausea", "high")
    assert (found.start, found.end) == (LocalTime("2024-10-01"), LocalTime("2024-10-03"))
    assert (found.seriousness, found.criteria, found.expected) == ("non-serious", (), "no")
    assert found.key == SourceKey("TINY", "S1", "", "adverse_event", "E07", "1")


def test_codes_of_the_source_pass_through() -> None:
    """A MedDRA code that the source brings keeps its system, its display and its version."""
    assert event(PTCD="10028813", PT="Nausea").codes == (
        SourceCode(system=MEDDRA, code="10028813", display="Nausea", version="26.0"),
    )
    assert event().codes == ()


def test_a_serious_event_has_its_criteria() -> None:
    """Each criterion that is met is named, and none that is not."""
    assert event(SER="Y", HOSP="1", DTH="0").criteria == ("high",)
    assert event(SER="Y", HOSP="1", DTH="1").criteria == ("high", "r0")


@pytest.mark.parametrize("cells", [{"SER": "Y"}, {"SER": "Y", "HOSP": "0"}, {"HOSP": "1"}])
def test_seriousness_and_criteria_agree(cells: dict[str, str]) -> None:
    """A serious event without a criterion, or a criterion without seriousness, is refused."""
    assert refused(**cells) == ("contradiction", "main.csv:2:SER")


def test_a_source_may_keep_them_apart() -> None:
    """Then both are read as they stand."""
    apart = Export(AE.source.model_copy(update={"criteria_agree": False}))
    for cells in ({"SER": "Y"}, {"SER": "N", "HOSP": "1"}):
        (found,) = adverse_event.entities(apart.source, apart.assembly(row(**cells)))
        assert isinstance(found, AdverseEvent)
        assert (found.seriousness == "serious") == (cells["SER"] == "Y")
        assert found.criteria == (("high",) if "HOSP" in cells else ())


def test_seriousness_is_never_assumed() -> None:
    """A blank is no answer."""
    assert refused(SER="") == ("missing-value", "main.csv:2:SER")


def test_an_event_without_words_is_refused() -> None:
    """The reporter's words are what an event is."""
    assert refused(TERM="") == ("missing-value", "main.csv:2:TERM")


@pytest.mark.parametrize(
    ("start", "end"),
    [("2024-10-02", "2024-10-01"), ("2024-10", "2024-09-30"), ("2025", "2024-12")],
)
def test_an_end_before_the_beginning_is_refused(start: str, end: str) -> None:
    """As far as the precision of both dates tells."""
    assert refused(FROM=start, TO=end) == ("end-before-start", "main.csv:2:TO")


@pytest.mark.parametrize(
    ("start", "end"),
    [("2024-10-02", "2024-10-02"), ("2024-10-15", "2024-10"), ("2024", "2024-03-01")],
)
def test_an_open_order_is_no_fault(start: str, end: str) -> None:
    """An end of lesser precision is not before the day that it holds."""
    assert event(FROM=start, TO=end).end == LocalTime(end)


def test_the_suspected_cycle_leads_to_its_dose() -> None:
    """The link has the dose's key."""
    assert event(CYCLE="1").links == (
        Link(element="suspectEntity", to="dose", key=DOSE, required=True),
    )


def test_a_suspected_dose_that_is_not_there_is_refused() -> None:
    """Cycle 2 was never told: the causality would point nowhere."""
    assert refused(CYCLE="2") == ("unknown-fact", "main.csv:2:ID")


def test_a_blank_cycle_refers_to_nothing() -> None:
    """A required link is asked for only where the row names what it leads to."""
    assert event().links == ()
