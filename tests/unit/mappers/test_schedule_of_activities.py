"""The schedule of activities as PlanDefinitions and ActivityDefinitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clock_rules import SAID, schedule, window
from netfhir.fhir.gate import Gate
from netfhir.mappers import schedule_of_activities
from netfhir.mappers.study_parts import StudySite
from netfhir.runs import opening
from netfhir.runs.studying import of_trial
from netfhir.settings import DEMO_SITE_KEY
from netfhir.terminology.registry import RegistryTerms
from netfhir.trial.schedule.planned import Published

if TYPE_CHECKING:
    from netfhir.trial.schedule.language import ScheduleFile

TRIAL = opening.trial("NCT05987176")
NAMING = opening.mapping_site(TRIAL, DEMO_SITE_KEY).naming
STUDY = of_trial(TRIAL).study
TERMS = RegistryTerms.load(TRIAL.folders)
RANGE = "http://hl7.org/fhir/uv/vulcan-schedule/StructureDefinition/AcceptableOffsetRangeSoa"


def quantity(value: int, code: str) -> dict[str, Any]:
    """Return a length of time."""
    return {"value": value, "unit": code, "system": "http://unitsofmeasure.org", "code": code}


def drafted(rules: ScheduleFile) -> list[dict[str, Any]]:
    """Return the definitions of a schedule in two arms, each through the gate."""
    planned = Published(schedule=rules, arms={"a": "Arm A", "b": "Arm B"}, concepts={})
    site = StudySite(STUDY.model_copy(update={"schedule": planned}), NAMING, TERMS)
    drafts = list(schedule_of_activities.definitions(site))
    for draft in drafts:
        Gate().check(draft)
    return [draft.body for draft in drafts]


def actions(arm: int = 1, **rules: Any) -> dict[str, dict[str, Any]]:
    """Return the actions of an arm's plan by their id."""
    plans = [
        body for body in drafted(schedule(**rules)) if body["resourceType"] == "PlanDefinition"
    ]
    return {action["id"]: action for action in plans[arm]["action"]}


def related(action: dict[str, Any]) -> dict[str, Any]:
    """Return the only action that another is related to."""
    (found,) = action["relatedAction"]
    return dict(found)


def test_an_action_is_due_some_time_after_the_end_of_its_anchor() -> None:
    """The target as offset; the range absolute from the anchor, not around the target."""
    found = actions(windows={"scan": window()})
    assert set(found) == {"surgery", "scan"}
    assert related(found["scan"]) == {
        "actionId": "surgery",
        "relationship": "after-end",
        "offsetDuration": quantity(42, "d"),
        "extension": [
            {"url": RANGE, "valueRange": {"low": quantity(28, "d"), "high": quantity(56, "d")}}
        ],
    }


def test_months_are_ucum_months() -> None:
    """`mo`, never `m`, which is a metre; a year is twelve of them."""
    rule = window(at=["3 mo", "1 a"], before="1 mo", after="1 mo", match="date")
    found = actions(windows={"scan": rule})
    offsets = [related(found[name])["offsetDuration"] for name in ("scan.3-mo", "scan.12-mo")]
    assert offsets == [quantity(3, "mo"), quantity(12, "mo")]
    limits = related(found["scan.12-mo"])["extension"][0]["valueRange"]
    assert limits == {"low": quantity(11, "mo"), "high": quantity(13, "mo")}


def test_a_range_of_months_and_days_has_no_quantity() -> None:
    """14 days around 3 months are no number of either: the extension is left out."""
    rule = window(at=["3 mo"], before="14 d", after="14 d")
    assert "extension" not in related(actions(windows={"scan": rule})["scan"])


@pytest.mark.parametrize(
    ("bounds", "relationship"),
    [
        ({"latest": "0 d"}, "before-start"),
        ({"earliest": "0 d", "latest": "0 d"}, "concurrent"),
    ],
)
def test_what_is_due_at_the_anchor_itself(bounds: dict[str, str], relationship: str) -> None:
    """Before it, or with it; without an offset."""
    rule = {name: value for name, value in window().items() if name not in {"earliest", "latest"}}
    found = actions(windows={"scan": rule | {"at": ["0 d"]} | bounds})
    assert related(found["scan"]) == {"actionId": "surgery", "relationship": relationship}


def test_what_is_due_together_is_one_visit() -> None:
    """One action with an action an activity, for one offset and window from one anchor."""
    other = window(activity="dose", title="A dose")
    found = actions(windows={"scan": window(), "dose": other})
    assert set(found) == {"surgery", "scan"}
    assert found["scan"]["title"] == "42 d after Surgery"
    assert [part["title"] for part in found["scan"]["action"]] == ["Scan", "Dose"]


def test_a_planned_activity_is_itself_an_anchor() -> None:
    """It stands once, with its own offset, and others refer to it."""
    after = window(activity="dose", anchor="scan")
    found = actions(windows={"scan": window(), "dose": after})
    assert set(found) == {"surgery", "scan", "dose"}
    assert related(found["dose"])["actionId"] == "scan"


def test_the_arms_have_different_visits() -> None:
    """A rule of one arm stands in its plan alone."""
    rules = {"windows": {"scan": window(arms=["b"]), "dose": window(activity="dose")}}
    assert set(actions(0, **rules)) == {"surgery", "dose"}
    assert len(actions(1, **rules)["scan"]["action"]) == 2


def test_a_number_of_visits_has_no_days() -> None:
    """How often, after what; the record does not say when."""
    rule = SAID | {"activity": "scan", "anchor": "surgery", "expected": 10, "by": "3 a"}
    found = actions(counts={"visits": rule})["visits"]
    assert found["timingTiming"] == {"repeat": {"count": 10}}
    assert related(found) == {"actionId": "surgery", "relationship": "after-end"}


def test_each_action_leads_to_its_activity() -> None:
    """By the canonical address of an ActivityDefinition that is there."""
    bodies = drafted(schedule(windows={"scan": window()}))
    urls = {body["url"]: body for body in bodies if body["resourceType"] == "ActivityDefinition"}
    plan = bodies[-1]
    assert {action["definitionCanonical"] for action in plan["action"]} <= set(urls)
    assert {body["kind"] for body in urls.values()} == {"ServiceRequest", "MedicationRequest"}


def test_every_action_that_is_named_is_there() -> None:
    """No plan of the trial relates to an action that it does not have."""
    site = StudySite(STUDY, NAMING, TERMS)
    plans = [
        draft.body
        for draft in schedule_of_activities.definitions(site)
        if draft.resource_type == "PlanDefinition"
    ]
    assert len(plans) == 2
    for plan in plans:
        actions = plan.get("action", [])
        ids = [action["id"] for action in actions]
        assert len(set(ids)) == len(ids)
        named = {one["actionId"] for action in actions for one in action.get("relatedAction", [])}
        assert named <= set(ids)


def test_the_study_refers_to_its_schedules() -> None:
    """ResearchStudy.protocol names the plan of each arm; a study without a schedule names none."""
    site = StudySite(STUDY, NAMING, TERMS)
    assert len(schedule_of_activities.references(site)) == 2
    bare = StudySite(STUDY.model_copy(update={"schedule": None}), NAMING, TERMS)
    assert schedule_of_activities.references(bare) == []
    assert list(schedule_of_activities.definitions(bare)) == []
