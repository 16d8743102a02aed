"""Rules without a window: amounts, durations, order, and what an arm may have."""

from __future__ import annotations

import pytest

from clock_rules import SAID, amount, answer, answers, course, limit, one, schedule, verdict
from netfhir.trial.entities import Amount
from netfhir.trial.schedule.verdicts import Verdict

PER_DOSE = schedule(limits={"amount": limit()})


@pytest.mark.parametrize(
    ("value", "ucum", "expected"),
    [
        ("6.66", "GBq", Verdict.WITHIN_LIMITS),
        ("6.65", "GBq", Verdict.BELOW),
        ("8.14", "GBq", Verdict.WITHIN_LIMITS),
        ("8.15", "GBq", Verdict.ABOVE),
        ("1", "GBq", Verdict.BELOW),
        ("0.99", "GBq", Verdict.IMPLAUSIBLE),
        ("10", "GBq", Verdict.ABOVE),
        ("10.01", "GBq", Verdict.IMPLAUSIBLE),
        ("7400", "MBq", Verdict.WITHIN_LIMITS),
        ("7.4", "MBq", Verdict.IMPLAUSIBLE),
        ("200", "mCi", Verdict.WITHIN_LIMITS),
        ("200", "GBq", Verdict.IMPLAUSIBLE),
    ],
)
def test_an_amount_against_its_limits(value: str, ucum: str, expected: Verdict) -> None:
    """Both limits belong; a unit has its exact factor; what no cycle has is implausible."""
    subject = course(one("dose", "2024-09-30", amount=amount(value, ucum)))
    assert verdict(PER_DOSE, subject) is expected


def test_a_converted_amount_is_exact() -> None:
    """200 mCi are 7.400 GBq, without a trace of binary fractions."""
    found = answer(PER_DOSE, course(one("dose", "2024-09-30", amount=amount("200", "mCi"))))
    assert found.actual == "7.400"


@pytest.mark.parametrize(
    "given",
    [
        None,
        amount("7.4", "Gy"),
        amount("7.4", "kBq"),
        Amount(value=7, ucum="GBq", unit="GBq", comparator="<"),
    ],
)
def test_an_amount_that_cannot_be_compared(given: Amount | None) -> None:
    """No amount, a dose absorbed, a unit without a factor, a comparator: not evaluable, and why."""
    found = answer(PER_DOSE, course(one("dose", "2024-09-30", amount=given)))
    assert found.verdict is Verdict.NOT_EVALUABLE
    assert found.reason


MINUTES = schedule(
    limits={
        "minutes": SAID
        | {"activities": ["dose"], "measure": "minutes", "unit": "min"}
        | {"nominal": "30", "low": "20", "high": "40"}
    }
)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (19, Verdict.BELOW),
        (20, Verdict.WITHIN_LIMITS),
        (40, Verdict.WITHIN_LIMITS),
        (41, Verdict.ABOVE),
        (None, Verdict.NOT_EVALUABLE),
    ],
)
def test_an_infusion_against_its_duration(minutes: int | None, expected: Verdict) -> None:
    """An infusion without an end has no duration."""
    assert verdict(MINUTES, course(one("dose", "2024-09-30", minutes=minutes))) is expected


TOTAL = schedule(
    limits={
        "total": limit(
            activities=["dose", "scan"],
            measure="total",
            nominal="14.8",
            low="13.32",
            high="16.28",
            plausible_low=None,
            plausible_high=None,
        )
    }
)


def given(*values: str | None) -> list[object]:
    """Return a first and a second dose of these amounts."""
    names = ("dose", "scan")
    return [
        one(name, "2024-09-30", amount=amount(value) if value else None)
        for name, value in zip(names, values, strict=False)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), Verdict.NOT_YET_DUE),
        (("7.4",), Verdict.NOT_YET_DUE),
        (("7.4", "7.4"), Verdict.WITHIN_LIMITS),
        (("7.4", "4.6"), Verdict.BELOW),
        (("8.2", "8.2"), Verdict.ABOVE),
        (("16.3",), Verdict.ABOVE),
        (("7.4", None), Verdict.NOT_EVALUABLE),
        (("16.3", None), Verdict.ABOVE),
    ],
)
def test_a_total_is_too_little_only_when_no_more_can_come(
    values: tuple[str | None, ...], expected: Verdict
) -> None:
    """Too much is too much at once; an unknown part leaves the rest open."""
    assert verdict(TOTAL, course(*given(*values))) is expected  # type: ignore[arg-type]


def test_a_part_that_was_not_given_completes_the_total() -> None:
    """A second dose recorded as not done leaves the first alone: below."""
    subject = course(*given("7.4"), not_done=(one("scan", "2024-11-25"),))  # type: ignore[arg-type]
    assert verdict(TOTAL, subject) is Verdict.BELOW


ORDER = schedule(orders={"order": SAID | {"activities": ["dose"], "not_before": "surgery"}})


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2024-08-18", Verdict.NOT_ALLOWED),
        ("2024-08-19", Verdict.IN_WINDOW),
        ("2024-08", Verdict.NOT_EVALUABLE),
        ("2024-07", Verdict.NOT_ALLOWED),
        (None, Verdict.NOT_EVALUABLE),
    ],
)
def test_a_dose_before_surgery(day: str | None, expected: Verdict) -> None:
    """Not allowed the day before; on the same day the dates do not tell."""
    subject = course(one("surgery", "2024-08-19"), one("dose", day))
    assert verdict(ORDER, subject) is expected


def test_a_dose_without_any_surgery_cannot_be_placed() -> None:
    """Not evaluable, and why."""
    found = answer(ORDER, course(one("dose", "2024-09-30")))
    assert (found.verdict, found.reason) == (Verdict.NOT_EVALUABLE, "Surgery: not on record")


EXCLUSIVE = schedule(exclusive={"own": SAID | {"arms": ["b"], "activities": ["dose"]}})


@pytest.mark.parametrize(
    ("arm", "expected"),
    [("a", [Verdict.NOT_ALLOWED]), ("b", []), (None, [Verdict.NOT_EVALUABLE])],
)
def test_a_dose_of_arm_b_for_a_subject_of_arm_a(arm: str | None, expected: list[Verdict]) -> None:
    """Not allowed; without a drawn arm nobody can say."""
    subject = course(one("dose", "2024-09-30"), arm=arm)
    assert [found.verdict for found in answers(EXCLUSIVE, subject)] == expected
