"""A subject's Patient is found by identifier, or is not found; never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import DeclarationError
from netfhir.hospital.patients import Answer, Unresolved, read_crosswalk, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SYSTEM = "urn:mrn"


def _file(folder: Path, text: str) -> Path:
    path = folder / "crosswalk.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_crosswalk_is_read(tmp_path: Path) -> None:
    """Several identifiers a subject are allowed; a byte order mark does no harm."""
    path = _file(tmp_path, "\ufeffsubject,system,value\n01,urn:mrn,A\n01,urn:nhs,B\n02,urn:mrn,C\n")
    assert read_crosswalk(path) == {
        "01": (("urn:mrn", "A"), ("urn:nhs", "B")),
        "02": (("urn:mrn", "C"),),
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("subject,value\n01,A\n", 1),
        ("system,subject,value\n", 1),
        ("subject,system,value\n01,urn:mrn\n", 2),
        ("subject,system,value\n01,urn:mrn,A\n02,,B\n", 3),
        ("subject,system,value\n01,urn:mrn,A\n01,urn:mrn,A\n", 3),
        ("subject,system,value\n01,urn:mrn,A\n02,urn:mrn,A\n", 3),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, line: int) -> None:
    """Header, columns, empty cell, the same line twice, one identifier of two subjects: 78."""
    path = _file(tmp_path, text)
    with pytest.raises(DeclarationError) as caught:
        read_crosswalk(path)
    assert caught.value.where == f"{path}:{line}"


def test_an_error_tells_no_identifier(tmp_path: Path) -> None:
    """Subject numbers and identifiers stay out of messages."""
    path = _file(tmp_path, "subject,system,value\nCANARY,urn:mrn,CANARY\nX,urn:mrn,CANARY\n")
    with pytest.raises(DeclarationError) as caught:
        read_crosswalk(path)
    assert "CANARY" not in str(caught.value)


def test_a_missing_file_is_a_declaration_error(tmp_path: Path) -> None:
    """It names the file."""
    with pytest.raises(DeclarationError):
        read_crosswalk(tmp_path / "none.csv")


class _Hospital:
    """Patients by id, each with the values of its identifiers."""

    def __init__(self, patients: dict[str, Sequence[str]]) -> None:
        self._patients = patients
        self.asked: list[int] = []

    def search_identifiers(
        self, resource_type: str, tokens: Sequence[tuple[str, str]], elements: str = ""
    ) -> list[dict[str, Any]]:
        assert (resource_type, elements) == ("Patient", "identifier")
        self.asked.append(len(tokens))
        values = {value for _, value in tokens}
        return [
            {"id": patient, "identifier": [{"system": SYSTEM, "value": v} for v in held]}
            for patient, held in self._patients.items()
            if values & set(held)
        ]


def _answer(patients: dict[str, Sequence[str]], *values: str) -> Answer:
    crosswalk = {"01": tuple((SYSTEM, value) for value in values)}
    return resolve(_Hospital(patients), crosswalk, ["01"])["01"]


@pytest.mark.parametrize(
    ("patients", "values", "answer"),
    [
        ({"p": ["A"]}, ["A"], Answer("p")),
        ({"p": ["A", "B"]}, ["A", "B"], Answer("p")),
        ({"p": ["A"]}, ["A", "B"], Answer("p")),
        ({"p": ["X"]}, ["A"], Answer(reason=Unresolved.NO_PATIENT)),
        ({"p": ["A"], "q": ["A"]}, ["A"], Answer(reason=Unresolved.AMBIGUOUS)),
        ({"p": ["A"], "q": ["B"]}, ["A", "B"], Answer(reason=Unresolved.AMBIGUOUS)),
        ({"p": ["A"]}, [], Answer(reason=Unresolved.NOT_IN_CROSSWALK)),
    ],
)
def test_one_patient_or_a_reason(
    patients: dict[str, Sequence[str]], values: list[str], answer: Answer
) -> None:
    """Exactly one Patient over all identifiers is an answer, all else says why not."""
    assert _answer(patients, *values) == answer


def test_many_subjects_are_asked_for_at_once() -> None:
    """120 subjects are three searches."""
    hospital = _Hospital({f"p{n}": [str(n)] for n in range(120)})
    crosswalk = {str(n): ((SYSTEM, str(n)),) for n in range(120)}
    answers = resolve(hospital, crosswalk, crosswalk)
    assert hospital.asked == [50, 50, 20]
    assert answers["119"] == Answer("p119")
