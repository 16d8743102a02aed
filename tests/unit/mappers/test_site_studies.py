"""The study at a site: a ResearchStudy that is part of the whole one, where it is declared."""

from __future__ import annotations

from typing import Any

import pytest

import study_cases
from netfhir.fhir.extensions import CROSS_VERSION
from netfhir.mappers.study import drafts
from netfhir.trial.declaration import Site, SiteStudy

CLINIC = {"facility": "Clinic", "city": "Lyon", "country": "France", "status": "RECRUITING"}
OTHER = {"facility": "Other", "city": "Nice", "country": "France"}


def studies(fhir: Any = "r4", **sites: Site) -> list[dict[str, Any]]:
    """Return the ResearchStudies of a study of two places, whose sites these are."""
    modules = {
        "identificationModule": {"nctId": "NCT00000001", "briefTitle": "A study"},
        "statusModule": {"overallStatus": "COMPLETED"},
        "contactsLocationsModule": {"locations": [CLINIC, OTHER]},
    }
    study = study_cases.read({"protocolSection": modules}).study
    naming, terms = study_cases.naming(study.key), study_cases.terms()
    made = drafts(study, naming, terms, fhir=fhir, sites=sites)
    bodies = [draft.in_version(fhir, CROSS_VERSION).body for draft in made]
    return [body for body in bodies if body["resourceType"] == "ResearchStudy"]


def test_no_site_has_a_study_of_its_own_unasked() -> None:
    """A site that declares none leaves the whole study alone."""
    assert len(studies(a=Site(name="Clinic"))) == 1


def test_a_sites_study_is_part_of_the_whole() -> None:
    """It has the site's code, its place, and the state that the record tells of the place."""
    whole, part = studies(a=Site(name="Clinic", study=SiteStudy()))
    assert part["partOf"] == [{"reference": f"ResearchStudy/{whole['id']}"}]
    assert part["status"] == "active"
    assert part["title"] == "A study - Clinic"
    assert [one["value"] for one in part["identifier"]] == ["nct00000001|||site-study|a|", "a"]
    assert len(part["site"]) == 1
    assert part["site"][0] in whole["site"]


def test_a_declared_status_goes_before_the_records() -> None:
    """What a site says of itself is newer than what the registry was told."""
    _, part = studies(a=Site(name="Clinic", study=SiteStudy(status="SUSPENDED")))
    assert part["status"] == "temporarily-closed-to-accrual"


def test_a_place_of_another_name_is_named() -> None:
    """The site's own name need not be the registry's."""
    own = SiteStudy(status="RECRUITING", place="Other")
    whole, part = studies(a=Site(name="Our ward", study=own))
    assert part["site"] == [whole["site"][1]]
    assert part["title"] == "A study - Our ward"


@pytest.mark.parametrize(("fhir", "status"), [("r4", "completed"), ("r5", "active")])
def test_the_state_stands_apart_from_the_status_of_the_record(fhir: Any, status: str) -> None:
    """In R5 the status is the record's, and the state is native."""
    _, part = studies(fhir, a=Site(name="Other", study=SiteStudy(status="COMPLETED")))
    assert part["status"] == status
    if fhir == "r5":
        (state,) = part["progressStatus"]
        assert state["state"]["coding"][0]["code"] == "completed"
