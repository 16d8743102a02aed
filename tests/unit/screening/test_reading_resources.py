"""Resources as facts: certainty, codes with their systems, results, dates, and what is wrong."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest

from hospital_records import reader
from netfhir.screening.digits import decimal
from netfhir.screening.facts import Fact, Gap, newest
from netfhir.screening.members import patient_of
from netfhir.screening.people import consent, person

LOINC = "http://loinc.org"
ATC = "http://www.whocc.no/atc"


def body(kind: str, system: str, code: str, **members: Any) -> dict[str, Any]:
    """Return a resource of patient p."""
    shape: dict[str, Any] = {
        "resourceType": kind,
        "id": "1",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": system, "code": code}]},
    }
    return shape | members


def only(resource: dict[str, Any]) -> Fact:
    """Return the only fact of a resource."""
    (found,) = reader().facts(resource, {})
    assert isinstance(found, Fact)
    return found


def test_a_code_counts_with_its_system_alone() -> None:
    """2106-3 is a pregnancy test in LOINC and a race in CDC's system."""
    assert only(body("Observation", LOINC, "2106-3")).concept == "pregnancy-test"
    race = body("Observation", "urn:oid:2.16.840.1.113883.6.238", "2106-3")
    assert reader().facts(race, {}) == [Gap("p", "Observation", "local-code-unmapped")]


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
def test_what_is_not_so_is_out(status: str) -> None:
    """An entry made in error is no fact and no gap, and it takes back what earlier copies said."""
    found = reader().facts(body("Observation", LOINC, "718-7", status=status), {})
    assert [getattr(one, "gone", None) for one in found] == [True]
    before = replace(cast("Fact", found[0]), version="1", gone=False)
    after = replace(cast("Fact", found[0]), version="2")
    assert newest([before]) == [before]
    assert newest([before, after]) == newest([after, before]) == []


@pytest.mark.parametrize(("verification", "weak"), [("confirmed", False), ("provisional", True)])
def test_a_suspicion_is_weak(verification: str, *, weak: bool) -> None:
    """A provisional diagnosis is recorded, not certain; a refuted one is out."""
    status = {"coding": [{"code": verification}]}
    cm = "http://hl7.org/fhir/sid/icd-10-cm"
    assert only(body("Condition", cm, "C7A.012", verificationStatus=status)).weak is weak
    refuted = {"coding": [{"code": "refuted"}]}
    found = reader().facts(body("Condition", cm, "C7A.012", verificationStatus=refuted), {})
    assert newest([one for one in found if isinstance(one, Fact)]) == []


def test_an_order_is_weak() -> None:
    """A MedicationRequest shows that it was ordered, not that it was given."""
    code = {"coding": [{"system": ATC, "code": "L01EG02"}]}
    order = body("MedicationRequest", "", "", status="active", medicationCodeableConcept=code)
    assert only(order).weak


def test_a_medication_is_found_by_its_reference() -> None:
    """In its own resource, or contained."""
    given = body("MedicationAdministration", "", "", status="completed")
    referred = given | {"medicationReference": {"reference": "Medication/m"}}
    (fact,) = reader().facts(referred, {"m": [(ATC, "L01EG02")]})
    assert isinstance(fact, Fact)
    assert fact.concept == "tumour-medicine"
    inside = {"resourceType": "Medication", "id": "x"}
    inside["code"] = {"coding": [{"system": ATC, "code": "L01EG02"}]}  # type: ignore[assignment]
    contained = given | {"medicationReference": {"reference": "#x"}, "contained": [inside]}
    assert only(contained).concept == "tumour-medicine"


@pytest.mark.parametrize(
    ("members", "number", "defect"),
    [
        ({"valueQuantity": {"value": 7.4, "code": "g/dL"}}, Decimal("7.4"), ""),
        ({"valueQuantity": {"value": "<5", "code": "g/dL"}}, None, "data-error"),
        ({"valueQuantity": {"value": True, "code": "g/dL"}}, None, "data-error"),
        ({"valueQuantity": {"unit": "g/dL"}}, None, "no-data"),
        ({"valueString": "7.4"}, None, "data-error"),
        ({"valueCodeableConcept": {"coding": [{"code": "low"}]}}, None, "local-code-unmapped"),
        ({"dataAbsentReason": {"coding": [{"code": "error"}]}}, None, "no-data"),
        (
            {"valueQuantity": {"value": 7.4}, "effectiveDateTime": "yesterday"},
            Decimal("7.4"),
            "data-error",
        ),
    ],
)
def test_a_result_that_is_none_is_a_defect(
    members: dict[str, Any], number: Decimal | None, defect: str
) -> None:
    """Text where a number stands, a missing value, a local answer: never taken for absence."""
    fact = only(body("Observation", LOINC, "718-7", **members))
    assert (fact.number, fact.defect) == (number, defect)


@pytest.mark.parametrize(
    ("given", "unit"), [("K/uL", "10*3/uL"), ("10^9/L", "10*9/L"), ("10*9/L", "10*9/L"), ("x", "x")]
)
def test_a_unit_is_respelt_by_declaration_only(given: str, unit: str) -> None:
    """K/uL would be kelvin in UCUM."""
    quantity = {"value": 2, "unit": given}
    assert only(body("Observation", LOINC, "6690-2", valueQuantity=quantity)).unit == unit


@pytest.mark.parametrize(
    ("ranges", "high"),
    [
        ([{"high": {"value": 21, "unit": "umol/L"}}], Decimal(21)),
        ([{"high": {"value": 21}}], Decimal(21)),
        ([{"high": {"value": 1.2, "unit": "mg/dL"}}], None),
        ([{"high": {"value": 21}}, {"high": {"value": 17}}], None),
        (
            [
                {"high": {"value": 21}},
                {"high": {"value": 5}, "type": {"coding": [{"code": "therapeutic"}]}},
            ],
            Decimal(21),
        ),
        ([], None),
    ],
)
def test_a_range_is_the_result_s_own(ranges: list[dict[str, Any]], high: Decimal | None) -> None:
    """The only normal range, in the unit of the result; of two nobody knows which is meant."""
    quantity = {"value": 9, "code": "umol/L"}
    found = body("Observation", LOINC, "14631-6", valueQuantity=quantity, referenceRange=ranges)
    assert only(found).high == high


def test_a_wrong_shape_is_a_gap() -> None:
    """A coding that is no list leaves the resource unread, and known to be unread."""
    wrong = body("Observation", LOINC, "718-7") | {"code": {"coding": {"system": LOINC}}}
    assert reader().facts(wrong, {}) == [Gap("p", "Observation", "data-error")]


def test_a_period_that_lasts_has_no_end() -> None:
    """A treatment since January is still going on."""
    code = {"coding": [{"system": ATC, "code": "L01EG02"}]}
    lasting = {"medicationCodeableConcept": code, "effectivePeriod": {"start": "2026-01-10"}}
    fact = only(body("MedicationStatement", "", "", status="active", **lasting))
    assert (str(fact.since), fact.lo, fact.hi) == ("2026-01-10", None, None)


@pytest.mark.parametrize(
    ("reference", "patient"),
    [
        ("Patient/a-1", "a-1"),
        ("https://h.example/fhir/Patient/a/_history/2", "a"),
        ("Group/a", ""),
        ("Patient/", ""),
    ],
)
def test_a_reference_names_a_patient(reference: str, patient: str) -> None:
    """Relative or absolute, with or without a version."""
    assert patient_of({"subject": {"reference": reference}}, "subject") == patient


def test_numbers_are_exact() -> None:
    """195.48 stays 195.48; what is too large or no number is none."""
    assert decimal(195.48) == Decimal("195.48")
    assert [decimal(given) for given in (True, "5", None, 1e400, 10**30)] == [None] * 5


def test_a_birth_date_that_is_none_is_left_out() -> None:
    """A Patient is read as far as it can be."""
    assert person({"id": "p", "birthDate": "May"}).born_lo is None
    assert person({"id": "p", "deceasedDateTime": "2026"}).deceased


SCOPE = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]
}


def test_a_consent_that_cannot_be_read_is_a_refusal() -> None:
    """About research and of a wrong shape: nobody is screened by mistake."""
    broken = consent({"status": "active", "scope": SCOPE, "provision": []})
    assert broken is not None
    assert not broken.permit
    over = consent({"status": "inactive", "scope": SCOPE})
    assert over is not None
    assert not over.stands
    assert consent({"status": "active", "scope": {"coding": [{"code": "treatment"}]}}) is None
