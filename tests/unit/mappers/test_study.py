"""A study in FHIR R4 says what its record says: table 1 of the mapping, line by line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import study_cases
from netfhir.errors import DeclarationError
from netfhir.mappers.study import drafts
from netfhir.terminology.concepts import Terminology
from netfhir.trial.declared_study import declared
from study_reading import Reading


def _reading(**protocol: Any) -> Reading:
    status = protocol.pop("status", {"overallStatus": "RECRUITING"})
    names = {"nctId": "NCT00000001", "briefTitle": "A study"}
    modules = {"identificationModule": names, "statusModule": status} | protocol
    bundle = study_cases.bundle_of(study_cases.read({"protocolSection": modules}))
    return Reading(bundle, study_cases.terms())


def _trial() -> Reading:
    bundle = study_cases.bundle_of(study_cases.trial("NCT05987176"))
    return Reading(bundle, study_cases.terms())


def _codes(concept: dict[str, Any]) -> list[str]:
    return [coding["code"] for coding in concept.get("coding", [])]


def _of_type(reading: Reading, kind: str) -> list[dict[str, Any]]:
    return [one for one in reading.by_name.values() if one["resourceType"] == kind]


def test_a_terminated_study_is_administratively_completed() -> None:
    """R4 has no `terminated`; the state of R5 stands beside it, so nothing is lost."""
    reading = _trial()
    state = reading.extensions("progressStatus")[0]["state"]["valueCodeableConcept"]
    assert reading.study["status"] == "administratively-completed"
    assert (_codes(state), state["text"]) == (["terminated"], "Terminated")
    assert "reasonStopped" not in reading.study


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("NOT_YET_RECRUITING", "approved"),
        ("RECRUITING", "active"),
        ("ENROLLING_BY_INVITATION", "active"),
        ("ACTIVE_NOT_RECRUITING", "closed-to-accrual"),
        ("SUSPENDED", "temporarily-closed-to-accrual"),
        ("TERMINATED", "administratively-completed"),
        ("COMPLETED", "completed"),
        ("WITHDRAWN", "withdrawn"),
        ("WITHHELD", "in-review"),
        ("NO_LONGER_AVAILABLE", "closed-to-accrual"),
    ],
)
def test_the_status_follows_table_1a(status: str, code: str) -> None:
    """Each status of the registry has the R4 code of the table."""
    assert _reading(status={"overallStatus": status}).study["status"] == code


def test_an_unknown_status_falls_back_on_the_last_known() -> None:
    """UNKNOWN takes the code of the last known status, and both states are told."""
    unknown = {"overallStatus": "UNKNOWN", "lastKnownStatus": "RECRUITING"}
    reading = _reading(status=unknown)
    states = [one["state"]["valueCodeableConcept"] for one in reading.extensions("progressStatus")]
    assert reading.study["status"] == "active"
    assert [one["text"] for one in states] == ["Unknown", "Last known status: Recruiting"]


def test_a_reason_why_it_stopped_is_told_and_not_coded() -> None:
    """WhyStopped stands in words; no code is inferred."""
    study = _reading(status={"overallStatus": "TERMINATED", "whyStopped": "PI left"}).study
    assert study["reasonStopped"] == {"text": "PI left"}


def test_dates_of_two_kinds_are_two_periods() -> None:
    """A start that came true and an end that is expected are not told as one."""
    start = {"date": "2024", "type": "ACTUAL"}
    end = {"date": "2026-05", "type": "ESTIMATED"}
    status = {"overallStatus": "RECRUITING", "startDateStruct": start, "completionDateStruct": end}
    reading = _reading(status=status)
    assert reading.study["period"] == {"start": "2024", "end": "2026-05"}
    periods = [
        (one["actual"]["valueBoolean"], one["period"]["valuePeriod"])
        for one in reading.extensions("progressStatus")
        if "period" in one
    ]
    assert periods == [(True, {"start": "2024"}), (False, {"end": "2026-05"})]


def test_the_trial_s_numbers_have_their_systems_and_types() -> None:
    """Ours, ClinicalTrials.gov, the sponsor's and EudraCT, each with its type."""
    found = [
        (one["system"], one["value"], _codes(one.get("type", {})), one.get("use", ""))
        for one in _trial().study["identifier"]
    ]
    base = "https://netfhir.example/NCT05987176"
    assert found == [
        (base, "nct05987176|||study||", [], ""),
        ("https://clinicaltrials.gov/nctid", "NCT05987176", ["C172240"], "official"),
        (f"{base}/number/org", "AF-ICL 01", ["C132351"], "usual"),
        (f"{base}/number/eudract-number", "2022-003575-42", ["C218684"], "secondary"),
    ]


def test_the_arms_are_told_with_their_types() -> None:
    """Their names are the join to the subjects."""
    arms = [(arm["name"], _codes(arm["type"])) for arm in _trial().study["arm"]]
    assert arms == [
        ("Standard of Care - Arm A", ["no-intervention"]),
        ("Treatment - Arm B", ["experimental"]),
    ]


def test_standard_of_care_has_no_invented_activity() -> None:
    """The arm without an intervention orders nothing; the other orders the drug."""
    reading = _trial()
    plan = reading.at(reading.study["protocol"][0])
    actions = {one["title"]: one.get("action", []) for one in plan["action"]}
    [drug] = _of_type(reading, "ActivityDefinition")
    assert actions["Standard of Care - Arm A"] == []
    assert [one["definitionCanonical"] for one in actions["Treatment - Arm B"]] == [drug["url"]]


def test_the_protocol_of_an_ended_study_is_retired() -> None:
    """Nobody orders from the plan of a study that was terminated."""
    reading = _trial()
    kinds = ("PlanDefinition", "ActivityDefinition")
    found = [one["status"] for kind in kinds for one in _of_type(reading, kind)]
    assert found == ["retired", "retired"]


def test_the_declared_dose_is_activity_over_half_an_hour_twice() -> None:
    """7.4 GBq over 30 min, twice, 7 to 9 weeks apart, into a vein."""
    [drug] = _of_type(_trial(), "ActivityDefinition")
    [dosage] = drug["dosage"]
    [amount] = dosage["doseAndRate"]
    gbq = {
        "value": Decimal("7.4"),
        "unit": "GBq",
        "system": "http://unitsofmeasure.org",
        "code": "GBq",
    }
    assert amount["doseQuantity"] == gbq
    assert amount["rateRatio"]["numerator"] == gbq
    assert amount["rateRatio"]["denominator"]["value"] == 30
    assert dosage["timing"]["repeat"] == {
        "count": 2,
        "frequency": 1,
        "period": 7,
        "periodMax": 9,
        "periodUnit": "wk",
    }
    assert "47625008" in _codes(dosage["route"])
    assert _codes(drug["productCodeableConcept"]) == ["V10XX04", "C95020"]
    assert "extended to 16 weeks for resolving acute toxicity" in dosage["text"]


def test_the_focus_is_the_drug_with_its_declared_codes() -> None:
    """What is studied is the intervention, in the record's name."""
    [focus] = _trial().study["focus"]
    assert (focus["text"], _codes(focus)) == ("Lutathera", ["V10XX04", "C95020"])


def test_the_design_is_a_list_of_categories_in_words() -> None:
    """Type, allocation, model and masking, each with its NCI code."""
    found = [(one["text"], *_codes(one)) for one in _trial().study["category"]]
    assert found == [
        ("Study type: interventional", "C98388"),
        ("Allocation: randomised", "C15417"),
        ("Intervention model: parallel", "C82639"),
        ("Masking: none (open label)", "C49659"),
    ]


def test_no_dose_is_read_out_of_prose() -> None:
    """The same record without the trial's declaration has no dosage, only its words."""
    text = (study_cases.MAPPINGS / "NCT05987176" / "registry.json").read_bytes()
    reading = Reading(study_cases.bundle_of(study_cases.read(text)), study_cases.terms())
    [drug] = _of_type(reading, "ActivityDefinition")
    assert "dosage" not in drug
    assert "14.8 GBq" in drug["description"]
    assert "objective" not in reading.study


def test_the_objectives_are_one_primary_and_seven_secondary() -> None:
    """Each with the record's sentence."""
    objectives = _trial().study["objective"]
    assert [_codes(one["type"])[0] for one in objectives] == ["primary"] + ["secondary"] * 7
    assert objectives[0]["extension"][0]["valueMarkdown"].startswith("The primary objective is")


def test_a_criterion_stands_in_the_page_s_words() -> None:
    """8 are included, 17 excluded, each in words; a value that is none is absent for a reason."""
    reading = _trial()
    group = reading.at(reading.study["enrollment"][0])
    said = {one["code"]["text"]: one["exclude"] for one in group["characteristic"]}
    assert list(said.values())[:25] == [False] * 8 + [True] * 17
    in_words = [one for one in group["characteristic"] if "extension" in one["code"]]
    assert len(in_words) == 14
    assert in_words[-1]["code"]["text"] == "Known hypersensitivity to somatostatin analogues"
    reason = in_words[-1]["valueCodeableConcept"]["extension"][0]["valueCode"]
    assert reason == "not-applicable"
    assert "Known hypersensitivity to somatostatin analogues" in group["text"]["div"]


def test_what_is_declared_of_a_criterion_is_computable() -> None:
    """Two limits of haemoglobin in their units, a grade by its code, a truth for pregnancy."""
    reading = _trial()
    group = reading.at(reading.study["enrollment"][0])
    values: dict[str, list[Any]] = {}
    for one in group["characteristic"]:
        value = next(item for name, item in one.items() if name.startswith("value"))
        values.setdefault(one["code"]["text"], []).append(value)
    ucum = {"system": "http://unitsofmeasure.org"}
    haemoglobin = values["Hb concentration <5.0 mmol/L (<8.0 g/dL)"]
    assert haemoglobin == [
        ucum | {"value": Decimal("5.0"), "unit": "mmol/L", "code": "mmol/L", "comparator": "<"},
        ucum | {"value": Decimal("8.0"), "unit": "g/dL", "code": "g/dL", "comparator": "<"},
    ]
    assert values["Pregnancy"] == [True]
    (status,) = values["ECOG / WHO performance status 0 or 1"]
    assert (status["low"]["value"], status["high"]["value"]) == (0, 1)
    (grade,) = values[
        "High grade neuroendocrine tumours (G3 NET, or neuroendocrine carcinoma [NEC])"
    ]
    assert _codes(grade) == ["61026006"]


def test_age_is_computable_and_sex_all_is_no_criterion() -> None:
    """18 years and more, no upper limit; no characteristic of sex; healthy volunteers excluded."""
    reading = _trial()
    group = reading.at(reading.study["enrollment"][0])
    age, healthy = group["characteristic"][-2:]
    assert age["valueRange"] == {
        "low": {"value": 18, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}
    }
    assert (healthy["valueBoolean"], healthy["exclude"]) == (True, True)


@pytest.mark.parametrize(("kind", "actual"), [("ACTUAL", True), ("ESTIMATED", False)])
def test_a_number_enrolled_is_no_number_planned(kind: str, *, actual: bool) -> None:
    """Who took part is an actual Group; who is planned belongs to the defining one."""
    reading = _reading(designModule={"enrollmentInfo": {"count": 12, "type": kind}})
    [group] = [reading.at(one) for one in reading.study["enrollment"]]
    assert (group["actual"], group["quantity"]) == (actual, 12)


def test_a_number_of_neither_kind_is_a_note() -> None:
    """Where the record does not say which, nobody does."""
    reading = _reading(designModule={"enrollmentInfo": {"count": 12}})
    assert "enrollment" not in reading.study
    assert reading.study["note"][0]["text"].startswith("Number of subjects: 12 (")


def test_a_chair_is_no_principal_investigator() -> None:
    """The registry names a study chair; R4's principal investigator stays empty."""
    reading = _trial()
    assert "principalInvestigator" not in reading.study
    parties = {
        one["name"]["valueString"]: _codes(one["role"]["valueCodeableConcept"])
        for one in reading.extensions("associatedParty")[:4]
    }
    assert parties == {
        "Imperial College London": ["lead-sponsor"],
        "The Taylor Family 2010 Charitable Trust": ["collaborator"],
        "Novartis/AAA": ["collaborator"],
        "Andrea Frilling, Prof": ["study-chair"],
    }


@pytest.mark.parametrize(("count", "named"), [(1, True), (2, False)])
def test_one_principal_investigator_is_named(count: int, *, named: bool) -> None:
    """R4 has a place for one; of two, none is chosen."""
    officials = [{"name": f"P {i}", "role": "PRINCIPAL_INVESTIGATOR"} for i in range(count)]
    study = _reading(contactsLocationsModule={"overallOfficials": officials}).study
    assert ("principalInvestigator" in study) is named


def test_a_name_is_taken_apart_only_by_declaration() -> None:
    """The chair's is declared; another's stays as it stands."""
    [chair] = _of_type(_trial(), "Practitioner")
    assert chair["name"] == [
        {
            "text": "Andrea Frilling, Prof",
            "family": "Frilling",
            "given": ["Andrea"],
            "prefix": ["Prof"],
        }
    ]
    people = {"overallOfficials": [{"name": "Yuankai SHI, Prof"}]}
    [other] = _of_type(_reading(contactsLocationsModule=people), "Practitioner")
    assert other["name"] == [{"text": "Yuankai SHI, Prof"}]


def test_an_organisation_is_written_once() -> None:
    """A sponsor that is also an official's affiliation is one Organization."""
    study = study_cases.trial("NCT05987176").study
    found = list(drafts(study, study_cases.naming(study.key), study_cases.terms()))
    names = [one.body["name"] for one in found if one.resource_type == "Organization"]
    assert names.count("Imperial College London") == 1
    assert len(names) == 4


def test_the_site_is_a_location_of_its_organisation_in_its_country() -> None:
    """A blank state is left out; the country is its ISO code."""
    reading = _trial()
    [site] = [reading.at(one) for one in reading.study["site"]]
    assert site["address"] == {"city": "London", "country": "GB"}
    assert reading.at(site["managingOrganization"])["name"] == site["name"]
    assert _codes(reading.study["location"][0]) == ["GB"]


def test_sites_that_are_called_the_same_stay_apart() -> None:
    """Two nameless sites of one city are two Locations."""
    places = [{"facility": "Research Site", "city": "Lyon", "country": "France"}] * 2
    reading = _reading(contactsLocationsModule={"locations": places})
    assert len({one["reference"] for one in reading.study["site"]}) == 2
    assert len(_of_type(reading, "Location")) == 2


def test_a_dose_that_the_record_does_not_state_is_refused() -> None:
    """A declared sentence must stand in the record, word for word."""
    study = study_cases.trial("NCT05987176").study
    drug = study.interventions[0].model_copy(update={"description": "Another dose."})
    changed = study.model_copy(update={"interventions": (drug,)})
    folders = [study_cases.MAPPINGS]
    with pytest.raises(DeclarationError) as caught:
        declared(changed, "NCT05987176", folders, Terminology.load(folders))
    assert caught.value.code == "not-in-the-record"
    assert caught.value.where == "NCT05987176/interventions.toml:Lutathera.dosage.sentences"


def test_a_declared_name_that_the_record_lacks_is_refused() -> None:
    """A misspelt name is an error, not a declaration of nothing."""
    study = study_cases.trial("NCT05987176").study.model_copy(update={"officials": ()})
    folders = [study_cases.MAPPINGS]
    with pytest.raises(DeclarationError) as caught:
        declared(study, "NCT05987176", folders, Terminology.load(folders))
    assert caught.value.code == "unknown-name"
