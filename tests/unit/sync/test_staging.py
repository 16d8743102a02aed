"""Staged rows come back sorted, in waves; a key is staged once."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from netfhir.errors import StateError
from netfhir.sync.staging import Staged, Staging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    """Return an empty staging."""
    made = Staging.create(tmp_path / "staging.sqlite")
    yield made
    made.close()


def _row(kind: str, name: str, *targets: str, where: str = "f:1", subject: str = "") -> Staged:
    references = b",".join(b'{"reference":"%b"}' % target.encode() for target in targets)
    body = b'{"id":"%b","x":[%b]}' % (name.encode(), references)
    return Staged(kind, name, subject, where, body)


def _order(staging: Staging) -> list[str]:
    return [f"{row.resource_type}/{row.id}" for row in staging.rows()]


def test_rows_come_back_whole(staging: Staging) -> None:
    """What goes in comes out."""
    row = Staged("Observation", "a", "01", "lb.csv:3:ALT", b'{"id":"a"}')
    staging.add([row])
    assert list(staging.rows()) == [row]


def test_rows_are_sorted_by_type_and_id(staging: Staging) -> None:
    """Whatever order they were added in."""
    staging.add([_row("Observation", "b"), _row("Observation", "a"), _row("Group", "c")])
    assert _order(staging) == ["Group/c", "Observation/a", "Observation/b"]


def test_parents_come_in_earlier_waves(staging: Staging) -> None:
    """By the references that are there, not by a list of types."""
    staging.add([_row("A", "a", "B/b"), _row("B", "b", "C/c"), _row("C", "c"), _row("D", "d")])
    assert _order(staging) == ["C/c", "D/d", "B/b", "A/a"]
    assert [wave.resource_types for wave in staging.waves()] == [("C", "D"), ("B",), ("A",)]


def test_patients_and_strangers_are_no_parents(staging: Staging) -> None:
    """A reference to the hospital's own resources moves nothing."""
    staging.add([_row("A", "a", "Patient/p", "Practitioner/q"), _row("B", "b")])
    assert len(staging.waves()) == 1


def test_rows_of_a_type_that_refers_to_itself_go_deeper(staging: Staging) -> None:
    """A part follows its whole, through any depth."""
    staging.add([_row("S", "b", "S/c"), _row("S", "a", "S/b"), _row("S", "z", "S/a")])
    staging.add([_row("S", "c"), _row("S", "d")])
    assert _order(staging) == ["S/c", "S/d", "S/b", "S/a", "S/z"]


def test_types_that_need_each_other_come_row_by_row(staging: Staging) -> None:
    """A report refers to its lesions, and an observation to a report: what is needed goes first."""
    staging.add([_row("O", "deviation", "R/report"), _row("R", "report", "O/lesion")])
    staging.add([_row("O", "lesion", "E/e"), _row("E", "e"), _row("R", "other")])
    staging.add([_row("T", "t", "O/deviation")])
    assert _order(staging) == [
        "E/e",
        "O/lesion",
        "R/other",
        "R/report",
        "O/deviation",
        "T/t",
    ]


@pytest.mark.parametrize("kinds", [("S", "S"), ("A", "B")])
def test_rows_that_need_each_other_are_refused(staging: Staging, kinds: tuple[str, str]) -> None:
    """A circle of rows, of one type or of two: no order of sending could satisfy it."""
    one, other = kinds
    staging.add([_row(one, "a", f"{other}/b"), _row(other, "b", f"{one}/a")])
    with pytest.raises(StateError):
        staging.waves()


def test_a_key_is_staged_once(staging: Staging) -> None:
    """The second is refused, names itself and the first, and is not staged."""
    (error,) = staging.add([_row("A", "a", where="f:1"), _row("A", "a", where="f:2")])
    assert (error.code, error.where) == ("duplicate-row", "f:2")
    assert error.found == "the same key as f:1"
    assert [row.where for row in staging.rows()] == ["f:1"]


def test_a_key_is_staged_once_over_batches(staging: Staging) -> None:
    """The first may have come long before."""
    staging.add([_row("A", "a", where="f:1"), _row("A", "b", where="f:2")])
    errors = staging.add([_row("A", "c", where="f:3"), _row("A", "b", where="f:4")])
    assert [(e.where, e.found) for e in errors] == [("f:4", "the same key as f:2")]
    assert len(staging) == 3


def test_counts_and_subjects(staging: Staging) -> None:
    """By type; each subject once, the study's own rows under none."""
    staging.add([_row("A", "a", subject="02"), _row("A", "b", subject="01"), _row("B", "c")])
    assert staging.counts() == {"A": 2, "B": 1}
    assert staging.subjects() == ["01", "02"]


def test_a_row_is_found_by_its_key(staging: Staging) -> None:
    """Or there is none."""
    staging.add([_row("A", "a")])
    assert staging.find("A", "a") == _row("A", "a")
    assert staging.find("A", "b") is None


def test_it_opens_again(tmp_path: Path) -> None:
    """What was closed is read by another process as it was."""
    path = tmp_path / "staging.sqlite"
    first = Staging.create(path)
    first.add([_row("A", "a", "B/b"), _row("B", "b")])
    first.close()
    again = Staging.open(path)
    assert (len(again), _order(again)) == (2, ["B/b", "A/a"])
    again.close()


def test_creating_replaces_an_older_one(tmp_path: Path) -> None:
    """Nothing of the last run is left, and the file is its owner's alone."""
    path = tmp_path / "staging.sqlite"
    first = Staging.create(path)
    first.add([_row("A", "a")])
    first.close()
    second = Staging.create(path)
    assert list(second.rows()) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second.close()


def test_no_staging_is_a_state_error(tmp_path: Path) -> None:
    """Neither a missing file nor another one is read as an empty one."""
    with pytest.raises(StateError):
        Staging.open(tmp_path / "none.sqlite")
    (tmp_path / "other.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(StateError):
        Staging.open(tmp_path / "other.sqlite")
