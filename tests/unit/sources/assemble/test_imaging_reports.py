"""Imaging reports and assessments of the disease: what is read, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import DeclarationError, RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.sources.assemble import disease_status, imaging_report
from netfhir.trial.entities import Amount
from netfhir.trial.outcomes import DiseaseStatus, ImagingReport, Lesion
from tiny_trial import Export, source

if TYPE_CHECKING:
    from netfhir.sources.row import Row

PACS = "https://hospital.example/accession"
YES_NO = {"values": "yes-no"}


def constant(key: str) -> dict[str, str]:
    """Return a place that is the same for all rows."""
    return {"constant": key, "reason": "a test"}


def declared(**more: Any) -> Any:
    """Return the declaration of reports with two lesions; scan 2 needs its tracer."""
    given: dict[str, Any] = {
        "entity": "imaging_report",
        "form": "imaging",
        "subject": "ID",
        "event": "VISIT",
        "examination": {"column": "KIND", "values": "scan"},
        "traced": ["high"],
        "tracer": {"column": "TRACER", "values": "tracer"},
        "category": constant("laboratory"),
        "status": constant("final"),
        "performed": "DAY",
        "accession": "ACC",
        "accession_system": PACS,
        "conclusion": "WORDS",
        "item_table": "lab",
        "item": "cga",
        "lesions": [
            {"number": f"N{n}", "diameter": f"MM{n}", "is_new": {"column": f"NEW{n}", **YES_NO}}
            for n in (1, 2)
        ],
    }
    return source(**(given | more))


SCAN = Export(declared(), missing={"UNK": "absent-unknown", "REF": "absent-refused"})
STATUS = Export(
    source(
        entity="disease_status",
        form="status",
        subject="ID",
        item=constant("ecog"),
        category=constant("laboratory"),
        finding={"column": "FOUND", "values": "range"},
        status=constant("final"),
        assessed="DAY",
        imaging="ACC",
        accession_system=PACS,
    )
)


def row(**cells: str) -> Row:
    """Return a row of an examination."""
    return SCAN.row("", 2, **{"ID": "S1", "VISIT": "m3", "KIND": "1", "DAY": "2025-01-18"} | cells)


def read(**cells: str) -> Any:
    """Return what becomes of a row."""
    (found,) = imaging_report.entities(SCAN.source, SCAN.assembly(row(**cells)))
    return found


def report(**cells: str) -> ImagingReport:
    """Return the report of a row."""
    found = read(**cells)
    assert isinstance(found, ImagingReport), found
    return found


def refused(**cells: str) -> tuple[str, str]:
    """Return code and place of a row's rejection."""
    found = read(**cells)
    assert isinstance(found, RecordError), found
    return found.code, found.where


def test_a_report_is_read_whole() -> None:
    """Day, accession number and conclusion are those of the row."""
    found = report(ACC="RX1", WORDS="No lesion.")
    assert (found.examination, found.performed) == ("present", LocalTime("2025-01-18"))
    assert (found.accession, found.conclusion) == ((PACS, "RX1"), "No lesion.")
    assert found.key.text() == "tiny|s1|m3|imaging_report|present|"
    assert found.lesions == ()


def test_a_traced_examination_is_that_of_its_tracer() -> None:
    """The tracer decides what was done; the key keeps what was asked for."""
    found = report(KIND="2", TRACER="1")
    assert (found.examination, found.key.item) == ("standing", "high")


def test_a_traced_examination_without_its_tracer_is_refused() -> None:
    """Nobody can tell what such images show."""
    assert refused(KIND="2") == ("no-tracer", "main.csv:2:TRACER")


def test_another_tracer_is_refused() -> None:
    """A tracer that codes.toml does not list is no examination of the trial."""
    assert refused(KIND="2", TRACER="2") == ("unknown-value", "main.csv:2:TRACER")


def test_a_report_without_its_day_is_refused() -> None:
    """The day of an examination is never assumed."""
    assert refused(DAY="", KIND="1") == ("missing-value", "main.csv:2:DAY")


def test_a_lesion_has_its_diameter_in_the_unit_of_the_item() -> None:
    """Digits as given; a lesion that the row does not name is none."""
    (found,) = report(N1="L1", MM1="12", NEW1="0").lesions
    assert found == Lesion(
        number="L1",
        origin="main.csv:2:N1",
        diameter=Amount(value=Decimal(12), ucum="ug/L", unit="mcg/L"),
        is_new=False,
    )


@pytest.mark.parametrize(("cell", "reason"), [("", "absent-unknown"), ("REF", "absent-refused")])
def test_a_lesion_without_a_diameter_says_why(cell: str, reason: str) -> None:
    """A blank is unknown, a missing-data code its own reason."""
    (found,) = report(N1="L1", MM1=cell).lesions
    assert (found.diameter, found.absent) == (None, reason)


@pytest.mark.parametrize("cell", ["0", "-3", "<5"])
def test_a_diameter_is_a_length_above_zero(cell: str) -> None:
    """Zero, a negative number and a comparator are refused."""
    assert refused(N1="L1", MM1=cell) == ("not-a-length", "main.csv:2:MM1")


def test_a_diameter_without_a_lesion_is_refused() -> None:
    """Nobody can tell to which lesion it belongs."""
    assert refused(MM1="12") == ("missing-value", "main.csv:2:N1")


def test_a_lesion_stands_once_in_a_report() -> None:
    """The second of two equal names is refused."""
    assert refused(N1="L1", MM1="12", N2="L1", MM2="9") == ("lesion-twice", "main.csv:2:N2")


def test_the_item_of_a_lesion_is_declared() -> None:
    """A source that names no item of codes.toml is a fault of the declaration."""
    export = Export(declared(item="nothing"))
    with pytest.raises(DeclarationError) as caught:
        list(imaging_report.entities(export.source, export.assembly()))
    assert "`lab.nothing`" in str(caught.value)


def test_an_assessment_is_read() -> None:
    """Finding and day are needed; the accession number is what shows it."""
    row = STATUS.row("", 2, ID="S1", FOUND="HIGH", DAY="2025-08-20", ACC="RX2")
    (found,) = disease_status.entities(STATUS.source, STATUS.assembly(row))
    assert isinstance(found, DiseaseStatus)
    assert (found.finding, found.assessed) == ("high", LocalTime("2025-08-20"))
    assert found.imaging == (PACS, "RX2")


def test_an_assessment_without_a_finding_is_refused() -> None:
    """A status of the disease is never assumed."""
    row = STATUS.row("", 2, ID="S1", DAY="2025-08-20")
    (found,) = disease_status.entities(STATUS.source, STATUS.assembly(row))
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("missing-value", "main.csv:2:FOUND")
