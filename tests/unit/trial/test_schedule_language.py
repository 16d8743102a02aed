"""What a schedule may say, and how its activities are found among the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from clock_rules import PLACE, SAID, activity, declaration, limit, window
from netfhir.errors import DeclarationError
from netfhir.fhir.dates import LocalTime
from netfhir.fhir.identity import SourceKey
from netfhir.runs import opening
from netfhir.runs.studying import prose
from netfhir.trial.entities import Amount, Dose, StateChange, Subject
from netfhir.trial.schedule.days import offset
from netfhir.trial.schedule.declared import entity_fields, load, needed, problems
from netfhir.trial.schedule.language import ScheduleFile
from netfhir.trial.schedule.occurrences import Courses

if TYPE_CHECKING:
    from pathlib import Path

    from netfhir.trial.declaration import Trial

KEY = SourceKey("TINY", "S1", "c1", "dose", "lutetium", "2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("42 d", (0, 42)), ("6 wk", (0, 42)), ("3 mo", (3, 0)), ("3 a", (36, 0)), ("-28 d", (0, -28))],
)
def test_an_offset_is_months_and_days(text: str, expected: tuple[int, int]) -> None:
    """UCUM's d and wk are days, mo and a are months; none of them is turned into the other."""
    assert offset(text) == expected


@pytest.mark.parametrize("text", ["3 m", "3 months", "42", "1.5 mo", "6wk", "3 MO", ""])
def test_what_is_no_offset_is_refused(text: str) -> None:
    """`m` is a metre in UCUM; a fraction of a month is no length of time."""
    with pytest.raises(ValueError, match="such as"):
        offset(text)


_OTHER = {"before": "1 mo", "after": "1 mo"}
REFUSED: dict[str, dict[str, Any]] = {
    "no activity `tea`": {"windows": {"w": window(activity="tea")}},
    "no activity `noon`": {"windows": {"w": window(anchor="noon")}},
    "two rules of one name": {"windows": {"w": window()}, "limits": {"w": limit()}},
    "`before` and `after`": {"windows": {"w": window(before="1 mo")}},
    "one offset only": {"windows": {"w": window(at=["3 mo", "6 mo"], **_OTHER)}},
    "belongs to match": {"windows": {"w": window(labels=["m3"])}},
    "one label for each": {
        "windows": {"w": window(at=["3 mo", "6 mo"], match="label", labels=["m3"], **_OTHER)}
    },
    "in this order": {"limits": {"l": limit(low="8")}},
    "minutes are in": {"limits": {"l": limit(measure="minutes")}},
    "names those that it belongs to": {"exclusive": {"e": SAID | {"activities": ["dose"]}}},
    "no amount and no end": {
        "activities": {"dose": activity("Dose", not_done=[PLACE | {"amount": "amount"}])}
    },
}


@pytest.mark.parametrize("complaint", REFUSED)
def test_a_rule_that_makes_no_sense_is_refused(complaint: str) -> None:
    """Told by what is wrong with it."""
    with pytest.raises(ValidationError, match=complaint):
        ScheduleFile.model_validate(declaration() | REFUSED[complaint])


# ── From facts to what took place ─────────────────────────────────────────────────────────────


def courses(*places: dict[str, Any], not_done: tuple[dict[str, Any], ...] = ()) -> Courses:
    """Return courses that look for one activity in these places."""
    declared = declaration()
    declared["activities"]["dose"] = activity("Dose", not_done=list(not_done)) | {"from": places}
    return Courses(ScheduleFile.model_validate(declared).activities)


def dose(**more: Any) -> Dose:
    """Return a dose of 30 minutes."""
    given: dict[str, Any] = {"status": "completed", "cycle": 1, "product": "lutetium"}
    given |= {
        "start": LocalTime("2024-10-27", "00:45"),
        "end": LocalTime("2024-10-27", "03:15"),
        "amount": Amount(value=7, ucum="GBq", unit="GBq"),
        "zone": "Europe/London",
    }
    return Dose(key=KEY, origin="ex.csv:2", subject="S1", **(given | more))


def test_of_a_fact_only_what_the_rules_need_is_kept() -> None:
    """Its names, its day, its amount, and its minutes: across an autumn hour that comes twice."""
    kept = courses(PLACE | {"until": "end", "amount": "amount"})
    kept.take("dose", dose())
    (found,) = kept.by_subject["S1"].found["dose"]
    assert (found.key, found.origin, str(found.when)) == (KEY, "ex.csv:2", "2024-10-27")
    assert (found.amount, found.minutes) == (Amount(value=7, ucum="GBq", unit="GBq"), 210)


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"cycle": 1}, True),
        ({"cycle": [1, 2], "status": "completed"}, True),
        ({"cycle": 2}, False),
        ({"status": ["stopped"]}, False),
        ({"key.event": "c1"}, True),
        ({"key.event": ["c2"]}, False),
        ({"key.repeat": ["2"]}, True),
    ],
)
def test_a_fact_is_an_activity_where_all_conditions_hold(where: Any, *, kept: bool) -> None:
    """One of the values of each attribute; or parts of its key."""
    found = courses(PLACE | {"where": where})
    found.take("dose", dose())
    assert bool(found.by_subject["S1"].found["dose"]) is kept


def test_what_was_not_done_is_kept_apart() -> None:
    """It is no occurrence."""
    found = courses(
        PLACE | {"where": {"status": "completed"}},
        not_done=(PLACE | {"where": {"status": "not-done"}},),
    )
    found.take("dose", dose(status="not-done", amount=None, end=None))
    course = found.by_subject["S1"]
    assert not course.found["dose"]
    assert len(course.not_done["dose"]) == 1


def test_each_state_of_a_subject_may_be_one() -> None:
    """The parts of a fact, each with its own day; the arm is the one drawn."""
    place = {"entity": "subject", "each": "states", "when": "since"}
    found = courses(place | {"where": {"state": ["off-study"]}})
    states = (
        StateChange(state="on-study", since=LocalTime("2024-09-18")),
        StateChange(state="off-study", since=LocalTime("2025-04")),
    )
    found.take(
        "subject",
        Subject(
            key=SourceKey("TINY", "S1"),
            origin="dm.csv:2",
            subject="S1",
            states=states,
            arm="a",
            actual_arm="b",
        ),
    )
    course = found.by_subject["S1"]
    assert [str(one.when) for one in course.found["dose"]] == ["2025-04"]
    assert (course.arm, course.origin) == ("a", "dm.csv:2")


# ── Against the trial ─────────────────────────────────────────────────────────────────────────


def test_the_entities_and_their_parts_are_known_by_name() -> None:
    """Attributes of a dose, and those of the states of a subject."""
    known = entity_fields()
    assert {"start", "end", "cycle"} <= known["dose"][""]
    assert known["subject"]["states"] == {"state", "since", "reason"}


_PLACE = 'entity = "{}", when = "{}", each = "{}"'


def _from(entity: str = "dose", when: str = "start", each: str = "") -> str:
    place = _PLACE.format(entity, when, each)
    return f"[activities.prrt-1]\nfrom = [{{ {place} }}]"


def overlaid(folder: Path, overlay: str) -> Trial:
    """Return the trial with a site's schedule over the shipped one."""
    path = folder / "NCT05987176" / "schedule.toml"
    path.parent.mkdir()
    path.write_text(f"override = true\n{overlay}\n", encoding="utf-8")
    return opening.trial("NCT05987176", [folder])


@pytest.mark.parametrize(
    ("overlay", "where"),
    [
        (_from(entity="tea"), "activities.prrt-1.from.entity"),
        (_from(when="tea"), "activities.prrt-1.from"),
        (_from(each="tea"), "activities.prrt-1.from.each"),
        ('[windows.cycle-1]\narms = ["c"]', "windows.cycle-1.arms"),
        ('[windows.cycle-1]\ntext = "Tea at five."', "windows.cycle-1.text"),
        ('[stops]\ntext = "Tea at five."', "stops.text"),
        ('[story]\nlaboratory = ["tea"]', "story.laboratory"),
    ],
)
def test_what_does_not_fit_the_trial_is_told_by_file_and_key(
    tmp_path: Path, overlay: str, where: str
) -> None:
    """Entities, attributes, arms, items, and sentences that the record does not have."""
    trial = overlaid(tmp_path, overlay)
    found = list(problems(trial, prose(trial)))
    assert [error.where for error in found] == [f"NCT05987176/schedule.toml:{where}"]


def test_a_concept_that_is_none_is_told_by_file_and_key(tmp_path: Path) -> None:
    """The study cannot be told without it."""
    trial = overlaid(tmp_path, '[activities.prrt-1]\nconcept = "tea"')
    with pytest.raises(DeclarationError) as caught:
        prose(trial)
    assert caught.value.where == "NCT05987176/schedule.toml:activities.prrt-1.concept"


def test_a_trial_without_a_schedule_has_none() -> None:
    """It declares no rules, so none is broken; asked for by name it is an error."""
    trial = opening.trial("CDISCPILOT01")
    assert load(trial) is None
    assert list(problems(trial, "")) == []
    with pytest.raises(DeclarationError, match="no-schedule"):
        needed(trial)
