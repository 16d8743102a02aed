"""A registry record is read as it stands: nothing invented, nothing lost, errors by path."""

from __future__ import annotations

import json
from typing import Any

import pytest

import study_cases
from netfhir.errors import FormatError
from netfhir.sources.criteria_text import criteria
from netfhir.sources.registry import read_record


def _record(**modules: dict[str, Any]) -> dict[str, Any]:
    protocol = {
        "identificationModule": {"nctId": "NCT00000001", "briefTitle": "A study"},
        "statusModule": {"overallStatus": "RECRUITING"},
    }
    return {"protocolSection": protocol | modules}


def _refused(record: bytes | dict[str, Any]) -> FormatError:
    with pytest.raises(FormatError) as caught:
        study_cases.read(record)
    return caught.value


@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: [r], lambda r: {"studies": [r]}])
def test_one_study_is_found_in_each_shape(wrap: Any) -> None:
    """The study itself, a list of one, and a search page of one are the same study."""
    assert study_cases.read(wrap(_record())).study.key == "NCT00000001"


@pytest.mark.parametrize("count", [0, 2])
def test_several_studies_are_refused(count: int) -> None:
    """None or several in a file is an error: nobody chooses."""
    error = _refused(json.dumps([_record()] * count).encode())
    assert (error.code, error.found) == ("not-one-record", f"{count} studies")


def test_a_record_without_number_takes_the_caller_s_key() -> None:
    """Without a NCT number the caller must name the study."""
    record = _record(identificationModule={"orgStudyIdInfo": {"id": "PILOT"}})
    assert study_cases.read(record, "PILOT").study.key == "PILOT"
    assert _refused(record).where == "record.json:protocolSection.identificationModule.nctId"


@pytest.mark.parametrize("date", ["2024", "2024-08", "2024-08-02"])
def test_a_partial_date_stays_partial(date: str) -> None:
    """No day and no month is added."""
    record = _record(statusModule={"overallStatus": "COMPLETED", "startDateStruct": {"date": date}})
    start = study_cases.read(record).study.progress.start
    assert start is not None
    assert start.date == date


@pytest.mark.parametrize("date", ["2024-08-UN", "2024-02-30", "August 2024", "2024-8"])
def test_what_is_no_date_is_refused_by_its_path(date: str) -> None:
    """The error names the JSON path."""
    error = _refused(
        _record(statusModule={"overallStatus": "COMPLETED", "startDateStruct": {"date": date}})
    )
    assert error.where == "record.json:protocolSection.statusModule.startDateStruct.date"


def test_a_value_of_another_kind_is_refused_by_its_path() -> None:
    """A text where a number stands is an error that names the place in the list."""
    error = _refused(_record(contactsLocationsModule={"locations": [{}, {"city": 7}]}))
    assert error.where == "record.json:protocolSection.contactsLocationsModule.locations[1].city"


def test_no_status_is_invented() -> None:
    """A record without a status is refused."""
    error = _refused(_record(statusModule={}))
    assert error.where == "record.json:protocolSection.statusModule.overallStatus"


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b'"text"', b"{}"])
def test_what_is_no_record_is_a_format_error(text: bytes) -> None:
    """Bytes that are no JSON, and JSON that is no record, stop with one error."""
    with pytest.raises(FormatError):
        read_record(text, study_cases.terms(), where="record.json")


def test_a_phase_without_code_is_warned_of() -> None:
    """Phase 1 with phase 4 has no code in FHIR: both stay, and a warning says so."""
    read = study_cases.read(_record(designModule={"phases": ["PHASE1", "PHASE4"]}))
    assert read.study.design.phases == ("PHASE1", "PHASE4")
    assert [one.where.rpartition(".")[2] for one in read.remarks] == ["phases"]


def test_an_arm_and_an_intervention_that_do_not_meet_are_warned_of() -> None:
    """A name that one side gives and the other lacks is named."""
    arm = {"label": "A", "interventionNames": ["Drug: X"]}
    other = {"type": "DRUG", "name": "Y", "armGroupLabels": ["B"]}
    read = study_cases.read(
        _record(armsInterventionsModule={"armGroups": [arm], "interventions": [other]})
    )
    assert ["`Drug: X`" in one.found or "`B`" in one.found for one in read.remarks] == [True, True]


def test_the_trial_s_criteria_are_eight_and_seventeen() -> None:
    """The page has 8 inclusion and 17 exclusion criteria; escapes of its markdown are undone."""
    eligibility = study_cases.trial("NCT05987176").study.eligibility
    kinds = [one.kind for one in eligibility.criteria]
    assert (kinds.count("inclusion"), kinds.count("exclusion")) == (8, 17)
    assert eligibility.criteria[15].text == "Hb concentration <5.0 mmol/L (<8.0 g/dL)"
    assert eligibility.criteria[15].number == 8


def test_a_nested_list_belongs_to_its_criterion() -> None:
    """`provided that:` and what follows indented is one criterion."""
    text = "Inclusion Criteria:\n\n* Eligible provided that:\n\n  1. one\n  2. two\n* Another"
    found = criteria(text)
    assert [one.text.splitlines()[0] for one in found] == ["Eligible provided that:", "Another"]
    assert "2. two" in found[0].text


def test_a_list_that_is_indented_as_a_whole_is_split() -> None:
    """The outermost items are the criteria, wherever their margin lies."""
    found = criteria("Inclusion Criteria:\n\n   1. a\n   2. b\n      * of b")
    assert [one.text.splitlines()[0] for one in found] == ["a", "b"]


def test_words_outside_the_list_are_kept() -> None:
    """An introduction and a paragraph between items are criteria of their own."""
    found = criteria("Exclusion criteria\n\nAny of:\n\n* a\n\nIn cohort B:\n\n* b")
    assert [one.text for one in found] == ["Any of:", "a", "In cohort B:", "b"]
    assert {one.kind for one in found} == {"exclusion"}


@pytest.mark.parametrize("text", ["Adults.", "Adults.\n\nExclusion Criteria:\n\n* Children"])
def test_a_text_of_another_form_stays_whole(text: str) -> None:
    """Without a heading in front, nobody can say what includes and what excludes."""
    found = criteria(text)
    assert [(one.kind, one.text) for one in found] == [("eligibility", text)]
