"""Subjects: a DM row with its dispositions, or all rows of a REDCap record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netfhir.errors import RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.sources.assemble import entities
from netfhir.trial.entities import Subject
from tiny_trial import LONDON, Export, source

if TYPE_CHECKING:
    from netfhir.sources.row import Record, Row

DM = Export(
    source(
        entity="subject",
        table="DM",
        subject="USUBJID",
        site="SITEID",
        arm={"column": "ARMCD", "values": "arm"},
        actual_arm={"column": "ACTARMCD", "values": "arm"},
        consented="RFICDTC",
        other_numbers=[{"column": "SUBJID", "system": "https://trial.example/subjid"}],
        states=[
            {
                "table": "DS",
                "subject": "USUBJID",
                "state": {"column": "DSDECOD", "values": "state"},
                "since": "DSSTDTC",
                "reason": "DSTERM",
                "order": "DSSEQ",
            }
        ],
    ),
    zones={},
)
RECORD = Export(
    source(
        entity="subject",
        subject="record_id",
        site="site",
        arm={"column": "arm", "values": "arm"},
        randomised="randomised",
        randomisation_number="number",
        states=[{"state": {"column": "status", "values": "state"}, "since": "status_date"}],
    ),
    zones={},
)
RANDOMISED = DM.row("DS", 3, USUBJID="S1", DSDECOD="RAND", DSSTDTC="2024-02-01", DSSEQ="2")
CONSENTED = DM.row("DS", 2, USUBJID="S1", DSDECOD="IC", DSSTDTC="2024-01-01", DSSEQ="1")
ENDED = DM.row("DS", 4, USUBJID="S1", DSDECOD="OUT", DSSTDTC="2024-09-01", DSTERM="MOVED AWAY")


def subject(*rows: object) -> Subject:
    """Return the one subject of these facts."""
    (found,) = rows
    assert isinstance(found, Subject), found
    return found


def code(*rows: object) -> str:
    """Return the code of the one rejection of these facts."""
    (found,) = rows
    assert isinstance(found, RecordError)
    return found.code


def of_dm(*rows: Record, ds: tuple[Record, ...]) -> list[object]:
    """Return what becomes of DM rows and DS rows."""
    assembly = DM.assembly(*rows, DS=ds)
    return [fact for _, fact in entities(assembly, (DM.source,))]


def of_records(*rows: Record) -> list[object]:
    """Return what becomes of the rows of REDCap records."""
    assembly = RECORD.assembly(*rows)
    return [fact for _, fact in entities(assembly, (RECORD.source,))]


def dm(number: int = 2, /, **cells: str) -> Row:
    """Return a DM row of site 01."""
    return DM.row("", number, **{"USUBJID": "S1", "SITEID": "01"} | cells)


def test_the_last_state_by_date_is_the_present_one() -> None:
    """States are ordered by their dates, whatever the order of the rows."""
    found = subject(*of_dm(dm(), ds=(ENDED, RANDOMISED, CONSENTED)))
    assert [change.state for change in found.states] == ["screening", "on-study", "off-study"]
    assert found.states[-1].since == LocalTime("2024-09-01")
    assert found.states[-1].reason == "MOVED AWAY"


@pytest.mark.parametrize("reverse", [False, True])
def test_states_of_one_day_are_in_the_declared_order(*, reverse: bool) -> None:
    """The order column counts as a number: 10 comes after 9."""
    first = DM.row("DS", 2, USUBJID="S1", DSDECOD="RAND", DSSTDTC="2024-02-01", DSSEQ="9")
    second = DM.row("DS", 3, USUBJID="S1", DSDECOD="OUT", DSSTDTC="2024-02-01", DSSEQ="10")
    rows = (second, first) if reverse else (first, second)
    assert subject(*of_dm(dm(), ds=rows)).states[-1].state == "off-study"


def test_a_date_that_may_be_before_or_after_another_is_refused() -> None:
    """2024-02 beside 2024-02-01 leaves the order open, and an order is never assumed."""
    vague = DM.row("DS", 9, USUBJID="S1", DSDECOD="OUT", DSSTDTC="2024-02", DSSEQ="3")
    (found,) = of_dm(dm(), ds=(RANDOMISED, vague))
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("undated-state", "DS.csv:9:DSSTDTC")


def test_a_partial_date_apart_from_all_others_is_taken() -> None:
    """2024-03 is after 2024-02-01, whichever day it was."""
    later = DM.row("DS", 9, USUBJID="S1", DSDECOD="OUT", DSSTDTC="2024-03", DSSEQ="1")
    assert subject(*of_dm(dm(), ds=(later, RANDOMISED))).states[-1].state == "off-study"


def test_an_undated_state_beside_others_is_refused() -> None:
    """Without a date there is no order, and an order is never assumed."""
    undated = DM.row("DS", 9, USUBJID="S1", DSDECOD="OUT")
    (found,) = of_dm(dm(), ds=(CONSENTED, undated))
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("undated-state", "DS.csv:9:DSSTDTC")


def test_a_single_state_needs_no_date() -> None:
    """One state is the present one, dated or not."""
    found = subject(*of_dm(dm(), ds=(DM.row("DS", USUBJID="S1", DSDECOD="IC"),)))
    assert found.states[0].since is None


def test_a_subject_without_any_state_is_refused() -> None:
    """A state is never assumed: a visit that is listed as no state is none."""
    visit = DM.row("DS", USUBJID="S1", DSDECOD="VISIT", DSSTDTC="2024-05-01")
    assert code(*of_dm(dm(), ds=(visit,))) == "no-state"


def test_a_screen_failure_has_no_arm() -> None:
    """An arm code that is listed as ignored stands for no arm."""
    found = subject(*of_dm(dm(ARMCD="FAIL", ACTARMCD="FAIL"), ds=(CONSENTED,)))
    assert (found.arm, found.actual_arm) == (None, None)


def test_arms_are_those_of_the_trial() -> None:
    """Codes become the arms of trial.toml, drawn and taken apart."""
    found = subject(*of_dm(dm(ARMCD="A", ACTARMCD="B"), ds=(CONSENTED,)))
    assert (found.arm, found.actual_arm) == ("a", "b")


def test_the_subject_is_named_by_its_number() -> None:
    """Key, origin, number and further numbers come from the row."""
    found = subject(*of_dm(dm(7, SUBJID="0001", RFICDTC="2024-01-01"), ds=(CONSENTED,)))
    assert found.key.text() == "tiny|s1||subject||"
    assert (found.origin, found.subject) == ("main.csv:7", "S1")
    assert found.other_numbers == (("https://trial.example/subjid", "0001"),)
    assert found.consented == LocalTime("2024-01-01")


@pytest.mark.parametrize(("site", "zone"), [("01", LONDON), ("02", None)])
def test_the_zone_is_that_of_the_site(site: str, zone: str | None) -> None:
    """A site without a zone gives none."""
    assert subject(*of_dm(dm(SITEID=site), ds=(CONSENTED,))).zone == zone


def test_an_unknown_site_is_refused() -> None:
    """A site that trial.toml does not declare has no zone, and none is assumed."""
    (found,) = of_dm(dm(SITEID="99"), ds=(CONSENTED,))
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("unknown-site", "main.csv:2:SITEID")


def test_a_second_row_of_a_subject_is_refused() -> None:
    """The first row stands, the second is a duplicate."""
    first, second = of_dm(dm(), dm(3), ds=(CONSENTED,))
    assert isinstance(first, Subject)
    assert code(second) == "duplicate-subject"


def test_a_second_row_of_a_rejected_subject_is_a_duplicate_too() -> None:
    """A rejected subject is not read again from another row."""
    codes = [code(fact) for fact in of_dm(dm(SITEID="99"), dm(3), ds=(CONSENTED,))]
    assert codes == ["unknown-site", "duplicate-subject"]


def test_a_state_of_nobody_is_told() -> None:
    """A DS row whose subject has no DM row is a rejection of its own."""
    orphan = DM.row("DS", 8, USUBJID="S9", DSDECOD="IC", DSSTDTC="2024-01-01")
    _, found = of_dm(dm(), ds=(CONSENTED, orphan))
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("unknown-subject", "DS.csv:8:USUBJID")


def test_a_state_told_twice_is_one() -> None:
    """The present state stands on two forms: one entry, with the reason that one of them gives."""
    again = DM.row("DS", 5, USUBJID="S1", DSDECOD="OUT", DSSTDTC="2024-09-01")
    found = subject(*of_dm(dm(), ds=(again, ENDED, RANDOMISED)))
    assert [state.state for state in found.states] == ["on-study", "off-study"]
    assert found.states[-1].reason == "MOVED AWAY"


HISTORY = Export(
    source(
        entity="subject",
        subject="record_id",
        site="site",
        arm={"column": "arm", "values": "arm"},
        states=[
            {"state": {"column": "status", "values": "state"}, "since": "status_date"},
            {
                "table": "history",
                "subject": "record_id",
                "state": {"column": "then", "values": "state"},
                "since": "then_date",
            },
        ],
    ),
    zones={},
)
THEN = HISTORY.row("history", 4, record_id="S1", then="IC", then_date="2024-01-01")


def test_states_stand_on_a_form_of_their_own() -> None:
    """One a row, beside the present one of the record."""
    record = HISTORY.row("", 2, record_id="S1", site="01", status="RAND", status_date="2024-02-01")
    assembly = HISTORY.assembly(record, history=(THEN,))
    found = subject(*(fact for _, fact in entities(assembly, (HISTORY.source,))))
    assert [state.state for state in found.states] == ["screening", "on-study"]


def test_states_of_a_rejected_record_are_not_told_again() -> None:
    """The record's own rejection says it."""
    assembly = HISTORY.assembly(
        HISTORY.row("", 2, record_id="S1", site="01", arm="A"),
        HISTORY.row("", 3, record_id="S1", arm="B"),
        history=(THEN,),
    )
    assert code(*(fact for _, fact in entities(assembly, (HISTORY.source,)))) == "contradiction"


def test_a_bad_state_rejects_its_subject() -> None:
    """A date that is none makes the state unknown, and so the subject's."""
    bad = DM.row("DS", 8, USUBJID="S1", DSDECOD="RAND", DSSTDTC="2024-02-UN")
    (found,) = of_dm(dm(), ds=(CONSENTED, bad))
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("bad-date", "DS.csv:8:DSSTDTC")


def test_an_unreadable_row_of_states_is_told() -> None:
    """A row that could not be read is rejected once, even beside a DM row without a subject."""
    ragged = RecordError("ragged-row", where="DS.csv:5")
    codes = sorted(code(fact) for fact in of_dm(dm(USUBJID=""), ds=(ragged,)))
    assert codes == ["missing-value", "ragged-row"]


def test_the_rows_of_a_record_make_one_subject() -> None:
    """Each field is taken from the row that holds it."""
    found = subject(
        *of_records(
            RECORD.row("", 2, record_id="S1", site="01", status="IC", status_date="2024-01-01"),
            RECORD.row("", 3, record_id="S1", arm="B", randomised="2024-02-01", number="R-7"),
        )
    )
    assert (found.arm, found.randomisation_number) == ("b", "R-7")
    assert (found.randomised, found.origin) == (LocalTime("2024-02-01"), "main.csv:2")


def test_the_same_value_twice_is_no_contradiction() -> None:
    """A field that repeats its value in another row is one value."""
    rows = [RECORD.row("", n, record_id="S1", site="01", status="IC") for n in (2, 3)]
    assert subject(*of_records(*rows)).subject == "S1"


def test_two_values_of_one_field_contradict() -> None:
    """Which of two values holds is not decided here; the second one's place is named."""
    (found,) = of_records(
        RECORD.row("", 2, record_id="S1", site="01", status="IC", arm="A"),
        RECORD.row("", 3, record_id="S1", arm="B"),
        RECORD.row("", 4, record_id="S1", arm="A"),
    )
    assert isinstance(found, RecordError)
    assert (found.code, found.where) == ("contradiction", "main.csv:3:arm")


def test_a_contradictory_record_is_known_to_be_rejected() -> None:
    """Its facts are told to follow it, not that the subject is missing from the export."""
    assembly = RECORD.assembly(
        RECORD.row("", 2, record_id="S1", site="01", status="IC", arm="A"),
        RECORD.row("", 3, record_id="S1", arm="B"),
    )
    list(entities(assembly, (RECORD.source,)))
    with pytest.raises(RecordError) as caught:
        assembly.subject(RECORD.row("", 4, record_id="S1"), "record_id")
    assert caught.value.code == "subject-rejected"


def test_an_unreadable_row_does_not_stop_the_others() -> None:
    """A row that belongs nowhere is told, the record is read on."""
    lost = RecordError("unplaced-row", where="main.csv:3")
    facts = of_records(RECORD.row("", 2, record_id="S1", site="01", status="IC"), lost)
    assert facts[0] is lost
    assert subject(*facts[1:]).subject == "S1"
