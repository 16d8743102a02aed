"""What of the registry page must not appear in FHIR, in R4 and in R5."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import study_cases
from netfhir import mappers
from netfhir.fhir.extensions import CROSS_VERSION
from netfhir.mappers.study import drafts
from trial_coverage import resource

if TYPE_CHECKING:
    from netfhir.fhir.version import Version

BOTH = pytest.mark.parametrize("fhir", ["r4", "r5"])


def _written(fhir: Version) -> list[dict[str, Any]]:
    """Return what the record of the trial becomes in a version."""
    study = study_cases.trial("NCT05987176").study
    naming, terms = study_cases.naming(study.key), study_cases.terms()
    found = drafts(study, naming, terms, fhir=fhir)
    return [one.in_version(fhir, CROSS_VERSION).body for one in found]


def _study(fhir: Version) -> dict[str, Any]:
    [study] = [one for one in _written(fhir) if one["resourceType"] == "ResearchStudy"]
    return study


def _characteristics(fhir: Version) -> list[dict[str, Any]]:
    found = [one.get("characteristic", []) for one in _written(fhir)]
    return [one for listed in found for one in listed]


@BOTH
def test_results_that_are_pending_are_no_element(fhir: Version) -> None:
    """The page says that there are none yet: no result, and no word of it."""
    study = _study(fhir)
    assert "result" not in study
    assert "ResearchStudy.result" not in json.dumps(study, default=str)


@BOTH
def test_a_reason_that_the_page_lacks_is_not_inferred(fhir: Version) -> None:
    """One subject was enrolled; that accrual was low is nobody's word."""
    assert {"reasonStopped", "whyStopped"} & _study(fhir).keys() == set()


@BOTH
def test_a_page_without_keywords_gives_none(fhir: Version) -> None:
    """Conditions are no keywords."""
    assert "keyword" not in _study(fhir)


@BOTH
def test_an_age_without_a_maximum_has_no_high(fhir: Version) -> None:
    """18 years and more: the range is open."""
    ages = [one for one in _characteristics(fhir) if one["code"].get("text") == "Age"]
    assert [set(one["valueRange"]) for one in ages] == [{"low"}]


@BOTH
def test_both_sexes_are_no_criterion(fhir: Version) -> None:
    """ALL leaves nobody out: no characteristic names a sex or a gender."""
    named = [one["code"].get("text", "").lower() for one in _characteristics(fhir)]
    assert len(named) > 25
    assert {text for text in named if text in {"sex", "gender"}} == set()


@BOTH
def test_a_site_without_a_status_has_none(fhir: Version) -> None:
    """A blank is no status, and the study's own is not the site's."""
    [site] = [one for one in _written(fhir) if one["resourceType"] == "Location"]
    assert "status" not in site


@BOTH
def test_related_trials_of_the_page_are_dropped(fhir: Version) -> None:
    """The page lists other trials; the study names no other and is part of none."""
    study = _study(fhir)
    assert {"partOf", "relatedArtifact"} & study.keys() == set()
    numbers = [one["value"] for one in study["identifier"] if one["value"].startswith("NCT")]
    assert numbers == ["NCT05987176"]


@BOTH
def test_a_patient_is_referred_to_and_never_written(fhir: Version) -> None:
    """No mapper emits a Patient; a subject refers to the hospital's by its number alone."""
    assert "Patient" not in {kind for kinds in mappers.emitted().values() for kind in kinds}
    subject = resource("subject-arm-b-on-intervention", fhir)
    patient = subject["individual" if fhir == "r4" else "subject"]
    assert patient.keys() == {"type", "identifier"}
    assert patient["type"] == "Patient"
