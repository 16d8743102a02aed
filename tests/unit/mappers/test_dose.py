"""A dose as MedicationAdministration, with its Medication."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from netfhir.fhir.canonical import to_bytes
from netfhir.fhir.dates import LocalTime
from netfhir.fhir.gate import Gate
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import dose
from netfhir.trial.entities import Amount, Dose
from tiny_trial import BASE, LONDON, coding, site

SITE = site()
KEY = SourceKey("TINY", "S1", "c1", "dose", "lutetium")
UNSAID = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
OURS = {"system": f"{BASE}/item/product", "code": "lutetium"}
ACTIVITY = {"value": Decimal("7.40"), "unit": "GBq", "system": "http://unitsofmeasure.org"} | {
    "code": "GBq"
}


def entity(**attributes: Any) -> Dose:
    """Return a dose of 7.40 GBq, infused within 28 minutes."""
    given: dict[str, Any] = {
        "product": "lutetium",
        "status": "completed",
        "start": LocalTime("2024-09-30", "12:10"),
        "end": LocalTime("2024-09-30", "12:38"),
        "amount": Amount(value=Decimal("7.40"), ucum="GBq", unit="GBq"),
        "zone": LONDON,
    }
    return Dose(key=KEY, origin="ex.csv:2", subject="S1", **(given | attributes))


def both(**attributes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return Medication and MedicationAdministration of a dose."""
    medication, given = dose.drafts(entity(**attributes), SITE)
    assert (medication.shared, given.shared) == (True, False)
    assert (medication.subject, given.subject) == ("", "S1")
    return medication.body, given.body


def mapped(**attributes: Any) -> dict[str, Any]:
    """Return the MedicationAdministration of a dose."""
    return both(**attributes)[1]


def test_a_dose_is_whole() -> None:
    """What was given, to whom, when, how much, and how fast; and nothing else."""
    medication, body = both(route="intravenous", cycle=1)
    assert body == {
        "resourceType": "MedicationAdministration",
        "id": SITE.naming.id(KEY),
        "identifier": [{"system": BASE, "value": "tiny|s1|c1|dose|lutetium|"}],
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy",
                "valueReference": SITE.study(),
            }
        ],
        "subject": SITE.naming.patient("S1"),
        "status": "completed",
        "medicationReference": {"reference": f"Medication/{medication['id']}"},
        "effectivePeriod": {
            "start": "2024-09-30T12:10:00+01:00",
            "end": "2024-09-30T12:38:00+01:00",
        },
        "dosage": {
            "dose": ACTIVITY,
            "route": {"coding": [coding("intravenous")], "text": "The intravenous"},
            "rateRatio": {
                "numerator": ACTIVITY,
                "denominator": {
                    "value": Decimal(28),
                    "unit": "min",
                    "system": "http://unitsofmeasure.org",
                    "code": "min",
                },
            },
        },
        "note": [{"text": "Cycle 1"}],
    }


def test_the_activity_keeps_its_digits() -> None:
    """7.40 GBq is written as 7.40."""
    assert b'"value":7.40' in to_bytes(mapped()["dosage"]["dose"])


def test_the_product_is_a_medication() -> None:
    """Its codes, its form and its lot; the key holds them, and no subject."""
    medication, _ = both(lot="LU-1", form="SOLUTION")
    assert medication == {
        "resourceType": "Medication",
        "id": SITE.naming.id(SourceKey("TINY", "", "", "medication", "lutetium/SOLUTION", "LU-1")),
        "identifier": [{"system": BASE, "value": "tiny|||medication|lutetium%2Fsolution|LU-1"}],
        "code": {"coding": [OURS, coding("lutetium")], "text": "The lutetium"},
        "form": {"text": "SOLUTION"},
        "batch": {"lotNumber": "LU-1"},
    }


def test_two_lots_are_two_medications() -> None:
    """Doses of one lot share a Medication, doses of two do not."""
    one, other, again = (both(lot=lot)[0]["id"] for lot in ("LU-1", "LU-2", "LU-1"))
    assert one == again != other


def test_two_forms_are_two_medications() -> None:
    """A product in another form is another Medication: the first one met does not decide."""
    one, other = (both(form=form)[0] for form in ("PATCH", "TABLET"))
    assert one["form"] != other["form"]
    assert one["id"] != other["id"]


def test_an_unknown_end_says_so() -> None:
    """A dose that was given has ended: when is not known."""
    period = mapped(end=None)["effectivePeriod"]
    assert period == {"start": "2024-09-30T12:10:00+01:00", "_end": UNSAID}


def test_an_unknown_start_says_so() -> None:
    """The element stands, with the reason why it has no value."""
    assert mapped(start=None)["effectivePeriod"]["_start"] == UNSAID


@pytest.mark.parametrize("missing", ["start", "end", "amount"])
def test_no_rate_without_both_times_and_an_amount(missing: str) -> None:
    """A rate is an amount over minutes: nothing is assumed for either."""
    assert "rateRatio" not in mapped(**{missing: None}).get("dosage", {})


def test_no_rate_over_an_undecided_hour() -> None:
    """An infusion across the hour that comes twice has no known duration."""
    start, end = LocalTime("2024-10-27", "01:30"), LocalTime("2024-10-27", "02:05")
    body = mapped(start=start, end=end)
    assert "rateRatio" not in body["dosage"]
    assert body["effectivePeriod"]["start"] == "2024-10-27"
    assert body["effectivePeriod"]["_start"]["extension"][0]["valueTime"] == "01:30:00"


def test_a_dose_that_was_not_given() -> None:
    """The planned day, why, and no end that nobody knows: it has none."""
    day = LocalTime("2024-10-01")
    body = mapped(status="not-done", start=day, end=None, amount=None, reason="Platelets low")
    assert (body["status"], body["statusReason"]) == ("not-done", [{"text": "Platelets low"}])
    assert body["effectivePeriod"] == {"start": "2024-10-01"}
    assert "dosage" not in body


def test_a_stopped_dose_says_why_and_how_much() -> None:
    """What was given until then is given."""
    body = mapped(status="stopped", reason="Nausea")
    assert body["dosage"]["dose"] == ACTIVITY
    assert body["statusReason"] == [{"text": "Nausea"}]


def test_the_schedule_is_the_dosages_text() -> None:
    """The source's own words for the frequency."""
    assert mapped(schedule="QD")["dosage"]["text"] == "QD"


def test_no_cycle_no_note() -> None:
    """A dose outside cycles has no note."""
    assert "note" not in mapped()


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(("2024-10-27", "01:50"), ("2024-10-27", "02:20"), id="hour-twice"),
        pytest.param(("2024-09-30", "12:10"), ("2024-09-30", ""), id="end-without-time"),
    ],
)
def test_a_period_is_of_two_instants_or_of_two_dates(
    start: tuple[str, str], end: tuple[str, str]
) -> None:
    """An instant beside a date would leave the order open: the times go beside their dates."""
    period = mapped(start=LocalTime(*start), end=LocalTime(*end))["effectivePeriod"]
    assert (period["start"], period["end"]) == (start[0], end[0])
    kept = period["_start"]["extension"][0]["valueTime"]
    assert kept == f"{start[1]}:00"
    assert not Gate().findings(mapped(start=LocalTime(*start), end=LocalTime(*end)))
