"""What a screening proposes: who, why, and what is to be asked; nobody is decided about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import DeclarationError, FormatError
from netfhir.fhir.identity import SiteKey
from netfhir.screening import proposals
from netfhir.screening.proposals.proposal import Proposals, read
from netfhir.trial.naming import Naming

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
KEY = SiteKey(b"the published test key")
NAMING = Naming("T1", "https://trial.example/facts", "https://trial.example/subjects", KEY)
CRITERIA = ("I1", "E1")


def verdict(patient: str, criterion: str, status: str, **more: Any) -> Json:
    """Return a row of verdicts.ndjson."""
    row = {"patient": patient, "criterion": criterion, "status": status, "cause": None}
    return {**row, "evidence": [], "resolves_on": None, "question": None, **more}


def candidate(patient: str, rank: int | None, outcome: str = "undecided", **more: Any) -> Json:
    """Return a row of candidates.ndjson."""
    row = {"patient": patient, "outcome": outcome, "rank": rank}
    return {**row, "deciding": [], "questions": [], **more}


EVIDENCE = {"type": "Observation", "id": "o1", "version": "1", "value": "7.40"}
QUESTION = {"criterion": "E1", "question": "Order an albumin."}


def screening(folder: Path, *, rank: int | None = 1, trial: str = "T1") -> Path:
    """Write a screening of three patients: one proposed, one excluded, one not to be screened."""
    counts = dict.fromkeys(("met", "not-met", "unknown", "not-applicable"), 0)
    funnel = {
        "trial": trial,
        "as_of": "2026-05-04",
        "criteria_digest": "0123456789abcdef",
        "outcomes": {"candidate": 0, "undecided": 12, "excluded": 1},
        "criteria": {key: counts | {"met": 20, "not-met": 9, "unknown": 3} for key in CRITERIA},
    }
    asked = {"questions": [QUESTION], "deciding": ["E1"]} if rank else {"deciding": ["I1"]}
    rows = [
        candidate("pat-1", rank, **asked),
        candidate("pat-2", None, "excluded", deciding=["I1"]),
        candidate("pat-3", None),
    ]
    open_ = {"cause": "no-data", "question": "Order an albumin.", "resolves_on": "2026-06-01"}
    verdicts = [
        verdict("pat-1", "I1", "met", evidence=[EVIDENCE]),
        verdict("pat-1", "E1", "unknown", **open_) if rank else verdict("pat-1", "E1", "not-met"),
        verdict("pat-2", "I1", "not-met"),
        verdict("pat-2", "E1", "not-met"),
        *(verdict("pat-3", key, "unknown", cause="not-consented") for key in CRITERIA),
    ]
    folder.mkdir(exist_ok=True)
    (folder / "funnel.json").write_text(json.dumps(funnel))
    (folder / "candidates.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "verdicts.ndjson").write_text("".join(json.dumps(row) + "\n" for row in verdicts))
    return folder


def proposed(folder: Path, *written: tuple[str, str], enrolled: str = "") -> Proposals:
    """Read a screening; `written` are the resources that an earlier run wrote."""
    known = {"pat-1": enrolled} if enrolled else {}
    return read(
        folder,
        NAMING,
        small_cells=5,
        was_written=lambda kind, name: (kind, name) in written,
        enrolled=known,
    )


def bodies(given: Proposals) -> dict[str, list[Json]]:
    """Return the resources by type."""
    found: dict[str, list[Json]] = {}
    for draft in proposals.drafts(given):
        found.setdefault(draft.resource_type, []).append(draft.body)
    return found


def subject_of(patient: str) -> tuple[str, str]:
    """Return type and id of a patient's ResearchSubject."""
    made = Proposals(NAMING, {}, (), 5, lambda *_: False)
    return "ResearchSubject", made.subject_id(patient)


def task_of(patient: str, criterion: str) -> tuple[str, str]:
    """Return type and id of a patient's Task."""
    made = Proposals(NAMING, {}, (), 5, lambda *_: False)
    return "Task", NAMING.id(made.key(patient, criterion))


def test_only_who_is_ranked_is_written(tmp_path: Path) -> None:
    """The excluded are counted in the funnel, and nowhere named."""
    found = bodies(proposed(screening(tmp_path)))
    (subject,) = found["ResearchSubject"]
    assert subject["status"] == "candidate"
    assert subject["individual"] == {"reference": "Patient/pat-1"}
    assert "pat-2" not in json.dumps(found)
    assert "pat-3" not in json.dumps(found)


def test_keys_do_not_hold_the_patients_id(tmp_path: Path) -> None:
    """An identifier names the patient by a keyed digest alone."""
    found = bodies(proposed(screening(tmp_path)))
    values = [
        one["value"] for rows in found.values() for body in rows for one in body["identifier"]
    ]
    assert len(values) == len(set(values)) == 6
    assert not any("pat-1" in value for value in values)


def test_a_question_is_a_task_with_its_day(tmp_path: Path) -> None:
    """It is about the candidate, names the criterion, and is due when time gives the answer."""
    (task,) = bodies(proposed(screening(tmp_path)))["Task"]
    assert task["description"] == "E1: Order an albumin."
    assert (task["status"], task["intent"]) == ("requested", "proposal")
    assert task["restriction"] == {"period": {"end": "2026-06-01"}}
    assert task["input"][0]["valueString"] == "E1"


def test_a_question_that_was_answered_is_completed(tmp_path: Path) -> None:
    """A Task of an earlier run stays, as completed."""
    given = proposed(screening(tmp_path), task_of("pat-1", "I1"))
    tasks = bodies(given)["Task"]
    assert {task["status"] for task in tasks} == {"requested", "completed"}


def test_a_lost_candidate_is_flagged_not_dropped(tmp_path: Path) -> None:
    """Who was written and is not ranked now stays on the list, flagged, and is to be reviewed."""
    found = bodies(proposed(screening(tmp_path, rank=None), subject_of("pat-1")))
    (entry,) = found["List"][0]["entry"]
    assert entry["flag"]["coding"][0]["code"] == "no-longer-matches"
    assert entry["flag"]["text"] == "No longer matches: I1"
    assert found["ResearchSubject"][0]["status"] == "candidate"
    assert [task["code"]["coding"][0]["code"] for task in found["Task"]] == ["review-candidate"]
    assert "member" not in found["Group"][0]


def test_a_candidate_who_matches_again_needs_no_review(tmp_path: Path) -> None:
    """The Task of the review is completed."""
    given = proposed(screening(tmp_path), subject_of("pat-1"), task_of("pat-1", "review"))
    assert "completed" in {task["status"] for task in bodies(given)["Task"]}
    assert "flag" not in bodies(given)["List"][0]["entry"][0]


def test_who_refuses_later_is_no_longer_written(tmp_path: Path) -> None:
    """A patient who may not be screened gets nothing, written before or not."""
    assert "pat-3" not in json.dumps(bodies(proposed(screening(tmp_path), subject_of("pat-3"))))


def test_who_is_in_the_trial_is_linked(tmp_path: Path) -> None:
    """The list leads to the trial's own subject."""
    found = bodies(proposed(screening(tmp_path), enrolled="nsubject"))
    (entry,) = found["List"][0]["entry"]
    assert entry["item"] == {"reference": "ResearchSubject/nsubject"}
    assert entry["flag"]["coding"][0]["code"] == "enrolled"
    assert "ResearchSubject" not in found


def test_the_list_has_recruits_shape(tmp_path: Path) -> None:
    """Its user interface finds it by code, and follows the first extension to the study."""
    (body,) = bodies(proposed(screening(tmp_path)))["List"]
    assert (body["status"], body["mode"]) == ("current", "working")
    assert {coding["code"] for coding in body["code"]["coding"]} == {"screening-recommendations"}
    assert body["code"]["coding"][0]["system"].endswith("/CodeSystem/screening-list-type")
    assert body["extension"][0]["valueReference"]["reference"].startswith("ResearchStudy/")
    assert body["entry"][0]["item"]["reference"].startswith("ResearchSubject/")


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    """Nobody proposed is told as such."""
    (body,) = bodies(proposed(screening(tmp_path, rank=None)))["List"]
    assert "entry" not in body
    assert body["emptyReason"]["coding"][0]["code"] == "nilknown"


def test_a_report_holds_verdicts_and_evidence(tmp_path: Path) -> None:
    """One group a criterion, one of four populations counts 1."""
    report = bodies(proposed(screening(tmp_path)))["MeasureReport"][0]
    counted = {
        group["code"]["coding"][0]["code"]: [
            population["code"]["coding"][0]["code"]
            for population in group["population"]
            if population["count"]
        ]
        for group in report["group"]
    }
    assert counted == {"I1": ["met"], "E1": ["unknown"]}
    assert report["evaluatedResource"] == [{"reference": "Observation/o1"}]


def test_small_counts_of_the_funnel_are_masked(tmp_path: Path) -> None:
    """A count below the smallest is not told, nor is one from which it would follow."""
    report = bodies(proposed(screening(tmp_path)))["MeasureReport"][-1]
    told = {
        group["code"]["coding"][0]["code"]: {
            population["code"]["coding"][0]["code"]: population.get("count")
            for population in group["population"]
        }
        for group in report["group"]
    }
    assert told["I1"] == {"met": 20, "not-met": None, "unknown": None, "not-applicable": 0}
    assert told["outcome"] == {"candidate": 0, "undecided": None, "excluded": None}


def test_another_trials_screening_is_refused(tmp_path: Path) -> None:
    """FormatError, which names the folder."""
    with pytest.raises(FormatError, match="for another trial"):
        proposed(screening(tmp_path, trial="T2"))


@pytest.mark.parametrize("name", ["funnel.json", "candidates.ndjson", "verdicts.ndjson"])
def test_an_incomplete_screening_is_refused(tmp_path: Path, name: str) -> None:
    """FormatError where a file is not there."""
    (screening(tmp_path) / name).unlink()
    with pytest.raises(FormatError, match="no-screening"):
        proposed(tmp_path)


def test_nothing_is_written_without_a_smallest_count(tmp_path: Path) -> None:
    """What the hospital may be told is declared, not assumed."""
    with pytest.raises(DeclarationError, match="small_cells"):
        read(
            screening(tmp_path), NAMING, small_cells=None, was_written=lambda *_: False, enrolled={}
        )
