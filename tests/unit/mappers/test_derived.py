"""Deviations and endpoints as Observations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from netfhir.fhir.dates import LocalTime
from netfhir.fhir.gate import Gate
from netfhir.fhir.identity import SourceKey
from netfhir.mappers import deviation, endpoint
from netfhir.trial.derived import Deviation, Endpoint
from netfhir.trial.entities import Amount, Link
from tiny_trial import BASE, LONDON, site

SITE = site()
DOSE = SourceKey("TINY", "S1", "c1", "dose", "lutetium")
SEEN = SourceKey("TINY", "S1", "m3", "lab", "cga")
OWN = SourceKey("TINY", "S1", form="subject")
FROM = Link(element="derivedFrom", to="measurement", key=SEEN)
COMMON: dict[str, Any] = {"origin": "ex.csv:2", "subject": "S1", "zone": LONDON, "version": "1"}


def deviated(**more: Any) -> dict[str, Any]:
    """Return the Observation of a late dose."""
    given: dict[str, Any] = {
        "key": DOSE._replace(form="deviation", item="cycle-1"),
        "status": "final",
        "rule": "cycle-1",
        "title": "Cycle 1 after resection",
        "kind": "late",
        "occurred": LocalTime("2024-10-15"),
        "links": (Link(element="focus", to="dose", key=DOSE),),
        "low": LocalTime("2024-09-16"),
        "high": LocalTime("2024-10-14"),
        "actual": LocalTime("2024-10-15"),
        "reason": "no extension",
    }
    (draft,) = deviation.drafts(Deviation(**(COMMON | given | more)), SITE)
    Gate().check(draft)
    return draft.body


def components(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the components by their code."""
    return {
        one["code"]["coding"][0]["code"]: {
            name: value for name, value in one.items() if name != "code"
        }
        for one in body["component"]
    }


def test_a_deviation_says_what_was_expected_and_what_was_found() -> None:
    """The rule, both ends of the window, the day on record, why, and the version of the rules."""
    assert components(deviated()) == {
        "rule-id": {"valueString": "cycle-1"},
        "expected-low": {"valueDateTime": "2024-09-16"},
        "expected-high": {"valueDateTime": "2024-10-14"},
        "actual": {"valueDateTime": "2024-10-15"},
        "reason": {"valueString": "no extension"},
        "derivation-version": {"valueString": "1"},
    }


def test_a_deviation_leads_to_what_deviated() -> None:
    """Its focus is the dose, its code and category are the trial's own."""
    body = deviated()
    assert body["focus"] == [SITE.naming.reference("MedicationAdministration", DOSE)]
    own = {"code": "protocol-deviation", "display": "Protocol deviation"}
    assert body["code"]["coding"] == [{"system": f"{BASE}/item/finding", **own}]
    assert body["category"][0]["coding"] == [{"system": f"{BASE}/item/category", **own}]
    assert body["valueCodeableConcept"]["coding"][0]["code"] == "late"
    assert body["effectiveDateTime"] == "2024-10-15"


def test_amounts_keep_digits_and_unit() -> None:
    """4.60 GBq below 6.66 GBq."""
    low = Amount(value=Decimal("6.66"), ucum="GBq", unit="GBq")
    actual = Amount(value=Decimal("4.60"), ucum="GBq", unit="GBq")
    found = components(deviated(kind="below", low=low, high=None, actual=actual))
    assert "expected-high" not in found
    assert str(found["actual"]["valueQuantity"]["value"]) == "4.60"
    assert found["expected-low"]["valueQuantity"]["code"] == "GBq"


def test_what_is_missing_has_no_focus() -> None:
    """Nor an actual value."""
    body = deviated(kind="missing", links=(), actual=None)
    assert "focus" not in body
    assert "actual" not in components(body)


def test_a_deviation_that_a_person_recorded_keeps_the_persons_words() -> None:
    """No verdict of a rule, no version of ours; the severity is its concept."""
    body = deviated(
        kind="", rule="VISIT", title="Visit at home", version="", severity="high", low=None
    )
    assert body["valueCodeableConcept"] == {"text": "Visit at home"}
    found = components(body)
    assert found["rule-id"] == {"valueString": "VISIT"}
    assert found["severity"]["valueCodeableConcept"]["text"] == "The high"
    assert "derivation-version" not in found


def ended(**more: Any) -> dict[str, Any]:
    """Return the Observation of a recurrence as endpoint."""
    given: dict[str, Any] = {
        "key": OWN._replace(form="endpoint", item="dfs"),
        "status": "final",
        "endpoint": "dfs",
        "title": "Disease-free survival",
        "outcome": "event",
        "event": "Recurrence",
        "when": LocalTime("2025-08-20"),
        "days": 336,
        "links": (FROM,),
    }
    (draft,) = endpoint.drafts(Endpoint(**(COMMON | given | more)), SITE)
    Gate().check(draft)
    return draft.body


def test_an_endpoint_says_event_when_and_after_how_many_days() -> None:
    """And which event, by which version of its derivation."""
    body = ended()
    assert body["code"]["coding"][0] == {
        "system": f"{BASE}/item/endpoint",
        "code": "dfs",
        "display": "Disease-free survival",
    }
    assert body["valueCodeableConcept"]["coding"][0]["code"] == "event"
    assert body["effectiveDateTime"] == "2025-08-20"
    found = components(body)
    days = {"value": 336, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
    assert found["time-since-randomisation"] == {"valueQuantity": days}
    assert found["event-type"] == {"valueString": "Recurrence"}
    assert found["derivation-version"] == {"valueString": "1"}


def test_an_endpoint_is_derived_from_what_it_follows_from() -> None:
    """An Observation by derivedFrom; the subject's record, which R4 does not allow there, focus."""
    body = ended(links=(FROM, Link(element="derivedFrom", to="subject", key=OWN)))
    assert body["derivedFrom"] == [SITE.naming.reference("Observation", SEEN)]
    assert body["focus"] == [SITE.naming.reference("ResearchSubject", OWN)]


def test_a_partial_date_has_no_number_of_days() -> None:
    """The month stands, the days have their reason."""
    body = ended(when=LocalTime("2025-08"), days=None, reason="a partial date")
    assert body["effectiveDateTime"] == "2025-08"
    absent = components(body)["time-since-randomisation"]["dataAbsentReason"]
    assert absent["text"] == "a partial date"


def test_an_endpoint_that_is_not_known_says_why() -> None:
    """No value, no day, and no number of days."""
    body = ended(outcome=None, event="", when=None, days=None, links=(), reason="no visit")
    assert body["dataAbsentReason"]["text"] == "no visit"
    assert "valueCodeableConcept" not in body
    assert "effectiveDateTime" not in body
    assert set(components(body)) == {"derivation-version"}


def test_a_competing_event_is_told_beside() -> None:
    """In the declaration's words."""
    body = ended(outcome="censored", event="", competing="Recurrence elsewhere")
    assert components(body)["competing-type"] == {"valueString": "Recurrence elsewhere"}
