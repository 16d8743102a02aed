"""Facts to staged resources: every fact is accounted for."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import RecordError
from netfhir.fhir.dates import LocalTime
from netfhir.fhir.draft import Draft
from netfhir.fhir.gate import Gate
from netfhir.fhir.identity import SourceKey
from netfhir.runs.pipeline import Account, Pipeline, Selection
from netfhir.sync.staging import Staging
from netfhir.trial.entities import Amount, Dose, Surgery
from tiny_trial import site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netfhir.sources.assemble import Fact

SITE = site()


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    """Return an empty staging."""
    opened = Staging.create(tmp_path / "staging.sqlite")
    yield opened
    opened.close()


def pipeline(staging: Staging, selection: Selection | None = None) -> Pipeline:
    """Return a pipeline into this staging."""
    return Pipeline(SITE, Gate(), staging, selection or Selection())


def dose(number: int, **attributes: Any) -> Dose:
    """Return a dose of one lot."""
    key = SourceKey("TINY", "S1", "c", "dose", "lutetium", str(number))
    given: dict[str, Any] = {
        "key": key,
        "origin": f"ex.csv:{number}",
        "subject": "S1",
        "product": "lutetium",
        "status": "completed",
        "start": LocalTime("2024-09-30"),
        "lot": "L1",
        "amount": Amount(value=Decimal("7.40"), ucum="GBq", unit="GBq"),
    }
    return Dose(**(given | attributes))


def surgery(subject: str, row: int = 2) -> Surgery:
    """Return a resection."""
    return Surgery(
        key=SourceKey("TINY", subject, "op", "surgery", "resection"),
        origin=f"op.csv:{row}",
        subject=subject,
        status="completed",
        procedure="resection",
        performed=LocalTime("2024-08-19"),
    )


def reversed_period(number: int) -> Dose:
    """Return a dose that ends before it starts, which the gate refuses (per-1)."""
    return dose(number, end=LocalTime("2024-09-01"))


def test_a_mapped_fact_is_staged(staging: Staging) -> None:
    """One fact, its resources, and the sums."""
    account = pipeline(staging).facts(iter([("dose", dose(1))]))
    assert staging.counts() == {"Medication": 1, "MedicationAdministration": 1}
    assert (account.input, account.mapped) == (Counter(dose=1), Counter(dose=1))
    assert account.balanced()


def test_what_several_facts_share_is_staged_once(staging: Staging) -> None:
    """Two doses of a lot bring one Medication."""
    account = pipeline(staging).facts(("dose", dose(n)) for n in (1, 2))
    assert staging.counts() == {"Medication": 1, "MedicationAdministration": 2}
    assert account.rejects == []


def test_a_rejection_is_counted(staging: Staging) -> None:
    """A fact that could not be read is input, and rejected."""
    lost = RecordError("bad-date", where="ex.csv:9:FROM")
    told: list[tuple[str, Fact]] = [("dose", lost), ("dose", dose(1))]
    account = pipeline(staging).facts(iter(told))
    assert (account.input["dose"], account.mapped["dose"], account.rejected["dose"]) == (2, 1, 1)
    assert account.rejects == [lost]
    assert account.balanced()


def test_what_the_gate_refuses_is_rejected_whole(staging: Staging) -> None:
    """A fact with one invalid resource leaves none, and its place is named."""
    account = pipeline(staging).facts(iter([("dose", reversed_period(4))]))
    assert staging.counts() == {}
    assert account.rejected == Counter(dose=1)
    assert account.rejects[0].where == "ex.csv:4"
    assert account.rejects[0].code.startswith("gate:")


def test_a_rejected_fact_takes_nothing_from_the_next(staging: Staging) -> None:
    """The Medication that a rejected dose would have brought comes with the next dose."""
    account = pipeline(staging).facts(iter([("dose", reversed_period(1)), ("dose", dose(2))]))
    assert staging.counts() == {"Medication": 1, "MedicationAdministration": 1}
    assert account.balanced()


def test_a_second_fact_of_a_key_is_rejected(staging: Staging) -> None:
    """The first one stands; the second names its own place and the first one's."""
    facts = [("surgery", surgery("S1")), ("surgery", surgery("S1", row=7))]
    account = pipeline(staging).facts(iter(facts))
    assert staging.counts() == {"Procedure": 1}
    (error,) = account.rejects
    assert (error.code, error.where, error.found) == (
        "duplicate-row",
        "op.csv:7",
        "the same key as op.csv:2",
    )
    assert account.balanced()


def test_a_second_fact_is_rejected_however_late(staging: Staging) -> None:
    """Facts are staged in batches: a key of an earlier one counts."""
    facts = [("surgery", surgery(f"S{n}", n)) for n in range(1001)]
    account = pipeline(staging).facts(iter([*facts, ("surgery", surgery("S0", 5000))]))
    assert staging.counts() == {"Procedure": 1001}
    assert [error.where for error in account.rejects] == ["op.csv:5000"]
    assert account.balanced()


def test_the_study_is_one_fact(staging: Staging) -> None:
    """Whatever number of resources the registry record gives."""
    run = pipeline(staging)
    code = {"code": {"text": "A product"}}
    bodies = {name: {"resourceType": "Medication", "id": name} | code for name in ("a", "b")}
    run.study([Draft("Medication", name, body, "registry.json") for name, body in bodies.items()])
    assert (run.account.input, run.account.mapped) == (Counter(study=1), Counter(study=1))
    assert staging.counts() == {"Medication": 2}


def test_a_fact_of_a_subject_not_taken_is_no_input(staging: Staging) -> None:
    """It is counted apart, and not staged."""
    selection = Selection(frozenset({"S2"}))
    facts = [("surgery", surgery(subject)) for subject in ("S1", "S2", "S3")]
    account = pipeline(staging, selection).facts(iter(facts))
    assert (account.input, account.left_out) == (Counter(surgery=1), Counter(surgery=2))
    assert [row.subject for row in staging.rows()] == ["S2"]


def test_a_limit_takes_the_first_subjects_met() -> None:
    """Those already taken stay taken."""
    selection = Selection(limit=2)
    assert [selection.takes(s) for s in ("S1", "S2", "S3", "S1")] == [True, True, False, True]


def test_names_and_a_limit_both_hold() -> None:
    """Among the named ones, the first few."""
    selection = Selection(frozenset({"S2", "S3"}), limit=1)
    assert [selection.takes(s) for s in ("S1", "S2", "S3")] == [False, True, False]


def test_without_a_selection_all_are_taken() -> None:
    """The default is the whole export."""
    assert Selection().takes("anybody")


def test_sums_that_are_off_are_seen() -> None:
    """A fact that is neither mapped nor rejected unbalances the account."""
    account = Account(input=Counter(dose=2), mapped=Counter(dose=1))
    assert not account.balanced()
    account.reject("dose", RecordError("x", where="y"))
    assert account.balanced()
