"""Rows of the mapping whose rule is to emit nothing: nothing is, in R4 and in R5."""

from __future__ import annotations

from typing import Any

import pytest

import study_cases

every_version = pytest.mark.parametrize("fhir", ["r4", "r5"])


def resources(fhir: Any, kind: str, **modules: Any) -> list[dict[str, Any]]:
    """Return the resources of a type: of the trial, or of a record with these modules."""
    if modules:
        names = {"nctId": "NCT00000001", "briefTitle": "A study"}
        status = {"overallStatus": "RECRUITING"}
        record = {"identificationModule": names, "statusModule": status} | modules
        read = study_cases.read({"protocolSection": record, "hasResults": True})
    else:
        read = study_cases.trial("NCT05987176")
    bodies = [entry["resource"] for entry in study_cases.bundle_of(read, fhir)["entry"]]
    return [body for body in bodies if body["resourceType"] == kind]


@every_version
def test_results_pending_is_nothing(fhir: Any) -> None:
    """Absence of results is not a code, and results that are there are not carried."""
    for study in (*resources(fhir, "ResearchStudy"), *resources(fhir, "ResearchStudy", x={})):
        assert "result" not in study


@every_version
def test_no_keyword_is_made_up(fhir: Any) -> None:
    """A page without keywords has none."""
    assert all("keyword" not in study for study in resources(fhir, "ResearchStudy"))


@every_version
def test_an_arm_without_intervention_has_no_activity(fhir: Any) -> None:
    """No intervention named "standard of care" is invented."""
    (protocol,) = [
        body
        for body in resources(fhir, "PlanDefinition")
        if "|protocol|" in str(body["identifier"])
    ]
    first, second = protocol["action"]
    assert "action" not in first
    assert len(second["action"]) == 1
    assert [one["title"] for one in resources(fhir, "ActivityDefinition")] == ["Lutathera"]


@every_version
def test_no_upper_age_is_made_up(fhir: Any) -> None:
    """A range without a maximum is open."""
    values = [
        one["valueRange"]
        for group in resources(fhir, "Group")
        for one in group.get("characteristic", ())
        if one["code"]["text"] == "Age"
    ]
    assert [sorted(value) for value in values] == [["low"]]


@every_version
def test_all_sexes_are_no_criterion(fhir: Any) -> None:
    """ALL excludes nobody, and is not a classifier of ours either."""
    texts = [
        one["code"]["text"]
        for group in resources(fhir, "Group")
        for one in group.get("characteristic", ())
    ]
    assert "Sex" not in texts
    assert all("classifier" not in study for study in resources(fhir, "ResearchStudy"))


@every_version
def test_a_blank_state_and_a_blank_site_status_are_left_out(fhir: Any) -> None:
    """The place has neither, and no status of recruitment is put into Location.status."""
    (place,) = resources(fhir, "Location")
    assert "state" not in place["address"]
    assert {"status", "operationalStatus"} & place.keys() == set()


@every_version
def test_the_responsible_sponsor_has_no_element_of_its_own(fhir: Any) -> None:
    """R4 has no element for it: the party stands beside the sponsor, as one more role."""
    (study, *_) = resources(fhir, "ResearchStudy")
    parties = str(study.get("extension")) + str(study.get("associatedParty"))
    assert parties.count("Responsible party: sponsor") == 1


@every_version
def test_nobody_is_called_principal_investigator_unasked(fhir: Any) -> None:
    """A study chair is none; R5 has the role among the parties alone."""
    for study in resources(fhir, "ResearchStudy"):
        assert "principalInvestigator" not in study


@every_version
def test_page_furniture_is_dropped(fhir: Any) -> None:
    """Related trials of the page are no part of the record."""
    assert all("relatedArtifact" not in study for study in resources(fhir, "ResearchStudy"))
