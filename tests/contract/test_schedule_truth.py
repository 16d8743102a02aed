"""The protocol's clock over the synthetic study: what it says is what was laid down.

Beside it the traps of dates, doses and visits that the mapping standards list, each by its number.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.fhir import canonical
from netfhir.runs import mapping, opening, scheduling, story
from netfhir.runs.opening import Input
from netfhir.runs.pipeline import Selection
from netfhir.settings import DEMO_SITE_KEY
from netfhir.trial.schedule.verdicts import DEVIATING
from trial_exports import REDCAP

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.runs.scheduling import Report

#: The day of the export; nothing later is in it.
EXPORTED = date(2025, 10, 15)
TRIAL = opening.trial("NCT05987176")
#: Subject -> the rules that were broken, and how; nobody else broke any.
TRUTH = {
    "S01-004": {"cycle-2": "missing", "cumulative-activity": "below"},
    "S01-006": {
        "activity-per-cycle/prrt-2": "below",
        "infusion-minutes/prrt-2": "below",
        "cumulative-activity": "below",
    },
    "S01-014": {"cycle-2": "late"},
    "S01-015": {"cycle-1": "late"},
    "S01-017": {"visits/6-mo": "missing"},
    "S01-019": {"activity-per-cycle/prrt-1": "below"},
    "S01-021": {"infusion-minutes/prrt-1": "above"},
}
#: Subject -> what its endpoints are, by name; nobody else has an event.
EVENTS = {
    "S01-007": {"disease-free-survival", "liver-disease-free-survival"},
    "S01-022": {"disease-free-survival", "liver-disease-free-survival"},
    "S01-025": {"disease-free-survival", "liver-disease-free-survival", "overall-survival"},
}


@pytest.fixture(scope="module")
def report() -> Report:
    """Return the answers for the whole synthetic study on the day of its export."""
    return scheduling.run(TRIAL, Input("redcap", REDCAP), EXPORTED)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return the Observations of the whole study, mapped with the day of its export."""
    out = tmp_path_factory.mktemp("clock")
    site = opening.mapping_site(TRIAL, DEMO_SITE_KEY)
    mapping.run(site, Input("redcap", REDCAP, as_of=EXPORTED), out)
    lines = (out / "Observation.ndjson").read_bytes().splitlines()
    return [canonical.resource(line) for line in lines]


def of_code(written: list[dict[str, Any]], table: str) -> list[dict[str, Any]]:
    """Return the Observations with a code of one of the trial's own tables."""
    return [
        body
        for body in written
        if body["code"].get("coding", [{}])[0].get("system", "").endswith(f"/item/{table}")
    ]


def test_what_is_broken_is_what_was_laid_down(report: Report) -> None:
    """Late, missing, below and above, for these subjects and rules and no other."""
    found = {
        one.course.subject: {
            answer.rule: str(answer.verdict)
            for answer in one.answers
            if answer.verdict in DEVIATING
        }
        for one in report.subjects
    }
    assert {subject: rules for subject, rules in found.items() if rules} == TRUTH


def test_a_delay_for_a_linked_toxicity_is_in_the_window(report: Report) -> None:
    """S01-013: 84 days after cycle 1, delayed for a toxicity of that cycle."""
    (course,) = [one for one in report.subjects if one.course.subject == "S01-013"]
    (second,) = [answer for answer in course.answers if answer.rule == "cycle-2"]
    assert second.verdict == "in window"
    assert second.reason == "extended to 112 d: Toxicity that delays PRRT on record"


def test_the_first_days_of_both_windows_are_in_them(report: Report) -> None:
    """S01-026: 28 days after resection, and 49 after cycle 1."""
    (course,) = [one for one in report.subjects if one.course.subject == "S01-026"]
    told = {answer.rule: answer for answer in course.answers}
    for rule in ("cycle-1", "cycle-2"):
        assert told[rule].verdict == "in window"
        assert str(told[rule].low) == told[rule].actual


def test_the_resources_say_the_same(written: list[dict[str, Any]]) -> None:
    """One Observation a deviation, with the rule and its verdict."""
    deviations = [
        body for body in of_code(written, "finding") if "protocol-deviation" in str(body["code"])
    ]
    found: dict[str, dict[str, str]] = {}
    for body in deviations:
        rule = body["component"][0]["valueString"]
        verdict = body["valueCodeableConcept"]["coding"][0]["code"]
        found.setdefault(body["subject"]["identifier"]["value"], {})[rule] = verdict
    assert found == TRUTH


def test_the_endpoints_are_what_was_laid_down(written: list[dict[str, Any]]) -> None:
    """Events of these subjects; the others censored, or not known with the reason."""
    found: dict[str, set[str]] = {}
    for body in of_code(written, "endpoint"):
        value = body.get("valueCodeableConcept", {}).get("text")
        assert value in {"Event", "Censored"} or body["dataAbsentReason"]["text"]
        if value == "Event":
            name = body["code"]["coding"][0]["code"]
            found.setdefault(body["subject"]["identifier"]["value"], set()).add(name)
    assert found == EVENTS


def test_what_no_export_records_is_not_known(written: list[dict[str, Any]]) -> None:
    """Nobody is told free of a later treatment: the project has no form for one."""
    names = Counter(
        body.get("dataAbsentReason", {}).get("text")
        for body in of_code(written, "endpoint")
        if body["code"]["coding"][0]["code"] == "time-to-next-treatment"
    )
    assert set(names) == {"Next anticancer treatment: no export records it"}


def test_one_subject_is_told_fact_by_fact() -> None:
    """Each fact stands once, although several activities find it: the first names it."""
    chosen = Selection(frozenset({"S01-022"}))
    (told,) = story.run(TRIAL, Input("redcap", REDCAP, selection=chosen), EXPORTED)
    names = Counter(line.what for line in told.lines)
    assert names["Recurrence in the liver"] == 1
    assert names["Recurrence"] == 0
    assert names["PRRT cycle 2"] == 1
    (second,) = [line for line in told.lines if line.what == "PRRT cycle 2"]
    assert second.verdict == "in window; within limits"


def test_trap_23_a_range_is_absolute_from_its_anchor() -> None:
    """Target 42 days, range 28 to 56: not 14 each way."""
    golden = REDCAP.parents[1] / "expected" / "schedule-arm-b.json"
    plan = canonical.resource(golden.read_bytes())
    (cycle,) = [action for action in plan["action"] if action["id"] == "prrt-1"]
    (related,) = cycle["relatedAction"]
    limits = related["extension"][0]["valueRange"]
    assert (limits["low"]["value"], limits["high"]["value"]) == (28, 56)
    assert related["offsetDuration"]["value"] == 42


def test_trap_2_months_are_mo() -> None:
    """No duration of the published schedule has another unit than d and mo."""
    golden = REDCAP.parents[1] / "expected" / "schedule-arm-b.json"
    plan = canonical.resource(golden.read_bytes())
    units = {
        related["offsetDuration"]["code"]
        for action in plan["action"]
        for related in action.get("relatedAction", [])
        if "offsetDuration" in related
    }
    assert units == {"d", "mo"}


def test_trap_31_the_arms_have_different_visits(report: Report) -> None:
    """Visits every 3 months are asked of arm A alone, ten visits after PRRT of arm B alone."""
    for one in report.subjects:
        asked = {a.rule.partition("/")[0] for a in one.answers if a.verdict != "not applicable"}
        assert "visits" not in asked or one.course.arm != "b"
        assert "post-prrt" not in asked or one.course.arm != "a"
        if one.course.arm:
            assert {"a": "visits", "b": "post-prrt"}[one.course.arm] in {
                answer.rule.partition("/")[0] for answer in one.answers
            }


def test_a_site_declares_the_days_of_its_visits(tmp_path: Path) -> None:
    """An overlay adds a window with days, and changes a tolerance, without touching ours."""
    path = tmp_path / "NCT05987176" / "schedule.toml"
    path.parent.mkdir()
    path.write_text(
        "override = true\n"
        '[limits.activity-per-cycle]\nlow = "7.3"\n'
        '[windows.first-post-prrt]\ntitle = "First visit after PRRT"\n'
        'text = "In the treatment arm, the patients will have 10 study visits"\n'
        'reason = "The site\'s own plan: a week after cycle 1."\n'
        'arms = ["b"]\nactivity = "post-prrt-visit"\nanchor = "prrt-1"\n'
        'at = ["7 d"]\nearliest = "5 d"\nlatest = "11 d"\nmatch = "date"\n',
        encoding="utf-8",
    )
    trial = opening.trial("NCT05987176", [tmp_path])
    chosen = Selection(frozenset({"S01-013"}))
    (one,) = scheduling.run(trial, Input("redcap", REDCAP, selection=chosen), EXPORTED).subjects
    told = {answer.rule: answer.verdict for answer in one.answers}
    assert told["first-post-prrt"] == "in window"
    assert told["activity-per-cycle/prrt-1"] == "below"
