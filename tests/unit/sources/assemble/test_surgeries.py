"""Liver resections."""

from __future__ import annotations

from netfhir.errors import RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.sources.assemble import surgery
from netfhir.trial.entities import Surgery
from tiny_trial import Export, source

FORM = Export(
    source(
        entity="surgery",
        form="",
        subject="ID",
        event="EVENT",
        procedure={"constant": "resection", "reason": "the form"},
        status={"constant": "completed", "reason": "the form"},
        performed="DAY",
        residual_tumour="R",
    )
)


def test_a_resection_is_read_whole() -> None:
    """Day, status, procedure and residual tumour; the key holds event and procedure."""
    row = FORM.row("", 4, ID="S1", EVENT="surgery", DAY="2024-08-19", R="r0")
    (found,) = surgery.entities(FORM.source, FORM.assembly(row))
    assert isinstance(found, Surgery)
    assert (found.performed, found.status) == (LocalTime("2024-08-19"), "completed")
    assert (found.residual_tumour, found.origin) == ("r0", "main.csv:4:DAY")
    assert found.key.text() == "tiny|s1|surgery|surgery|resection|"


def test_a_resection_without_its_day_is_refused() -> None:
    """The day anchors the treatment window: it is never assumed."""
    row = FORM.row("", 4, ID="S1", EVENT="surgery", R="r0")
    (found,) = surgery.entities(FORM.source, FORM.assembly(row))
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("missing-value", "main.csv:4:DAY")


def test_a_blank_residual_tumour_is_none() -> None:
    """Not assessed is not R0."""
    row = FORM.row("", 4, ID="S1", DAY="2024-08-19")
    (found,) = surgery.entities(FORM.source, FORM.assembly(row))
    assert isinstance(found, Surgery)
    assert found.residual_tumour is None
