"""Consents, visits, diagnoses, sessions, other medicines and specimens, read from rows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.sources import assemble
from netfhir.trial.care import Consent, Diagnosis, Session, Specimen, Treatment, Visit
from tiny_trial import LONDON, Export, source

if TYPE_CHECKING:
    from netfhir.trial.entities import Entity


def told(constant: str) -> dict[str, str]:
    """Return an attribute that is the same for all rows."""
    return {"constant": constant, "reason": "the form"}


CONSENT = Export(
    source(
        entity="consent",
        subject="ID",
        event="EVENT",
        status="STATE",
        version="VERSION",
        given="DAY",
        withdrawn="END",
        policy=told("sheet"),
    )
)
VISIT = Export(
    source(
        entity="visit",
        subject="ID",
        event="EVENT",
        code="VISIT",
        status="STATE",
        setting="SETTING",
        planned="PLAN",
        start="DAY",
        end="END",
        reason="WHY",
    )
)
DIAGNOSIS = Export(
    source(
        entity="diagnosis",
        subject="ID",
        which=told("primary"),
        code="CODE",
        verification=told("confirmed"),
        body_site=told("liver"),
        onset="ONSET",
        recorded="DAY",
    )
)
SESSION = Export(
    source(
        entity="session",
        subject="ID",
        procedure=told("therapy"),
        status="STATE",
        planned="PLAN",
        start="FROM",
        end="TO",
        reason="WHY",
    )
)
TREATMENT = Export(
    source(
        entity="treatment",
        subject="ID",
        which=told("before"),
        product="DRUG",
        status=told("stopped"),
        form_of_product=told("long-acting"),
        end="LAST",
        told_by="LAST",
    )
)
SPECIMEN = Export(
    source(
        entity="specimen",
        subject="ID",
        repeat="NO",
        kind=told("blood-sample"),
        status=told("available"),
        collected="AT",
        number="TUBE",
    )
)


def facts(export: Export, **cells: str) -> list[Entity | RecordError]:
    """Return what the source makes of one row of S1."""
    module = import_module(f"{assemble.__name__}.{export.source.entity}")
    row = export.row("", 2, **{"ID": "S1"} | cells)
    return list(module.entities(export.source, export.assembly(row)))


def fact(export: Export, **cells: str) -> Any:
    """Return the entity of one row."""
    (found,) = facts(export, **cells)
    assert not isinstance(found, RecordError), found
    return found


def refused(export: Export, **cells: str) -> tuple[str, str]:
    """Return code and place of the rejection of one row."""
    (found,) = facts(export, **cells)
    assert isinstance(found, RecordError), found
    assert found.found
    assert found.remedy
    return found.code, found.where


def test_a_consent_is_read_whole() -> None:
    """Its version is a part of the key, so that a later one is another consent."""
    found = fact(CONSENT, EVENT="scr", STATE="active", VERSION="2.0", DAY="2024-08-05")
    assert found == Consent(
        key=SourceKey("TINY", "S1", "scr", "consent", "2.0"),
        origin="main.csv:2:DAY",
        subject="S1",
        zone=LONDON,
        status="active",
        version="2.0",
        given=LocalTime("2024-08-05"),
        policy="sheet",
    )


def test_a_consent_without_its_version_is_refused() -> None:
    """Nobody can say to what was agreed."""
    cells = {"STATE": "active", "DAY": "2024-08-05"}
    assert refused(CONSENT, **cells) == ("missing-value", "main.csv:2:VERSION")


def test_a_withdrawal_of_a_consent_in_force_is_refused() -> None:
    """One of the two is wrong, and nobody here knows which."""
    cells = {"STATE": "active", "VERSION": "2.0", "DAY": "2024-08-05", "END": "2025-01-01"}
    assert refused(CONSENT, **cells) == ("contradiction", "main.csv:2:END")
    assert fact(CONSENT, **cells | {"STATE": "inactive"}).withdrawn == LocalTime("2025-01-01")


def test_a_visit_is_read_whole() -> None:
    """Code, setting, plan and days; the site is the subject's."""
    cells = {"EVENT": "e1", "VISIT": "screening", "STATE": "finished", "SETTING": "ambulatory"}
    found = fact(VISIT, **cells, PLAN="2024-08-06", DAY="2024-08-07")
    assert isinstance(found, Visit)
    assert found.key.text() == "tiny|s1|e1|visit||"
    assert (found.code, found.setting, found.site) == ("screening", "ambulatory", "01")
    assert (found.planned, found.start) == (LocalTime("2024-08-06"), LocalTime("2024-08-07"))


@pytest.mark.parametrize("status", ["planned", "cancelled"])
def test_nothing_refers_to_a_visit_that_was_not_held(status: str) -> None:
    """Its key is that of the plan, which no link names."""
    found = fact(VISIT, EVENT="e1", VISIT="screening", STATE=status, PLAN="2024-08-06")
    assert found.key.text() == "tiny|s1|e1|visit-plan||"
    assert found.setting is None


def test_a_visit_that_was_held_needs_its_setting() -> None:
    """An Encounter has a class, and none is assumed."""
    cells = {"VISIT": "screening", "STATE": "finished", "DAY": "2024-08-07"}
    assert refused(VISIT, **cells) == ("missing-value", "main.csv:2:SETTING")


def test_a_missed_visit_has_no_day() -> None:
    """A day beside the word that it was missed is a contradiction."""
    cells = {"VISIT": "screening", "STATE": "cancelled", "DAY": "2024-08-07"}
    assert refused(VISIT, **cells) == ("contradiction", "main.csv:2:DAY")


@pytest.mark.parametrize("arm", ["a", None])
def test_a_visit_of_another_arm_is_refused(arm: str | None) -> None:
    """Arms have different visits: a code of the other arm is a data error."""
    export = Export(VISIT.source, arms={"S1": arm})
    cells = {"VISIT": "dose-1", "STATE": "finished", "SETTING": "ambulatory"}
    assert refused(export, **cells) == ("visit-of-another-arm", "main.csv:2:VISIT")
    assert fact(Export(VISIT.source, arms={"S1": "b"}), **cells).code == "dose-1"


def test_a_diagnosis_is_read_whole() -> None:
    """Its key holds which one it is, not its code; its onset keeps its precision."""
    found = fact(DIAGNOSIS, CODE="tumour", ONSET="2022-09", DAY="2024-08-07")
    assert isinstance(found, Diagnosis)
    assert found.key.text() == "tiny|s1||diagnosis|primary|"
    assert (found.code, found.verification, found.body_site) == ("tumour", "confirmed", "liver")
    assert (found.onset, found.recorded) == (LocalTime("2022-09"), LocalTime("2024-08-07"))


def test_a_session_is_read_whole() -> None:
    """Its period, and nothing of the plan."""
    times = {"FROM": "2024-09-30T09:00", "TO": "2024-09-30T15:00", "PLAN": "2024-09-29"}
    found = fact(SESSION, STATE="completed", **times)
    assert isinstance(found, Session)
    assert found.key.text() == "tiny|s1||session|therapy|"
    assert (found.start, found.end) == (
        LocalTime("2024-09-30", "09:00"),
        LocalTime("2024-09-30", "15:00"),
    )


def test_a_session_that_was_not_held_has_its_planned_day() -> None:
    """It is the only one it has; a start beside it is a contradiction."""
    assert fact(SESSION, STATE="not-done", PLAN="2024-09-29").start == LocalTime("2024-09-29")
    cells = {"STATE": "not-done", "FROM": "2024-09-30T09:00"}
    assert refused(SESSION, **cells) == ("contradiction", "main.csv:2:FROM")


def test_a_treatment_is_read_whole() -> None:
    """Product, form and end; its key says which of the row's two it is."""
    found = fact(TREATMENT, DRUG="octreotide", LAST="2024-09-01")
    assert isinstance(found, Treatment)
    assert found.key.text() == "tiny|s1||treatment|before|"
    assert (found.product, found.form, found.status) == ("octreotide", "long-acting", "stopped")
    assert (found.start, found.end) == (None, LocalTime("2024-09-01"))


def test_a_specimen_is_read_whole() -> None:
    """Kind, time and number of the tube."""
    found = fact(SPECIMEN, AT="2024-08-07T08:50", TUBE="B-17", NO="1")
    assert isinstance(found, Specimen)
    assert found.key.text() == "tiny|s1||specimen|blood-sample|1"
    assert (found.collected, found.number) == (LocalTime("2024-08-07", "08:50"), "B-17")


def test_a_specimen_without_its_time_is_refused() -> None:
    """A missing-data code is no time."""
    export = Export(SPECIMEN.source, missing={"UNK": "absent-unknown"})
    assert refused(export, AT="UNK") == ("missing-value", "main.csv:2:AT")
