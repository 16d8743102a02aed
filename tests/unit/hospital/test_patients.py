"""A subject's Patient is found by identifier, or is not found; never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netfhir.errors import DeclarationError
from netfhir.hospital.client import Stored
from netfhir.hospital.patients import Answer, Unresolved, lines_of, read_crosswalk, resolve

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
        assert (resource_type, elements) == ("Patient", "identifier,active,link")
        self.asked.append(len(tokens))
        values = {value for _, value in tokens}
        return [
            {"id": patient, "identifier": [{"system": SYSTEM, "value": v} for v in held]}
            for patient, held in self._patients.items()
            if values & set(held)
        ]

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        raise AssertionError(paths)


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


class _Merging:
    """Patients by id; those that no search finds are read."""

    def __init__(self, *patients: dict[str, Any]) -> None:
        self.patients = {body["id"]: body for body in patients}

    def search_identifiers(
        self, _type: str, tokens: Sequence[tuple[str, str]], _elements: str = ""
    ) -> list[dict[str, Any]]:
        return [body for body in self.patients.values() if body.get("token") in tokens]

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        return [Stored(self.patients.get(path.partition("/")[2])) for path in paths]


def _patient(name: str, *replaced_by: str, **more: Any) -> dict[str, Any]:
    links = [{"other": {"reference": r}, "type": "replaced-by"} for r in replaced_by]
    identifier = [{"system": SYSTEM, "value": more.pop("mrn", "")}]
    token = (SYSTEM, identifier[0]["value"])
    return {"id": name, "identifier": identifier, "link": links, "token": token, **more}


def _answered(*patients: dict[str, Any]) -> Answer:
    return resolve(_Merging(*patients), {"01": ((SYSTEM, "A"),)}, ["01"])["01"]


def test_a_merged_patient_is_followed() -> None:
    """By replaced-by to the end of the chain, through records that no search found."""
    first = _patient("p1", "Patient/p2", mrn="A", active=False)
    chain = (first, _patient("p2", "Patient/p3"), _patient("p3"))
    assert _answered(*chain) == Answer("p3", merged=True)


def test_a_merge_makes_two_records_one() -> None:
    """Both carry the identifier; one replaces the other: not ambiguous, and not merged from it."""
    both = (_patient("p1", "Patient/p2", mrn="A"), _patient("p2", mrn="A"))
    assert _answered(*both) == Answer("p2")


@pytest.mark.parametrize(
    "links",
    [
        ("Patient/p1",),
        ("Patient/p2", "Patient/p3"),
        ("https://elsewhere.example/Patient/p2",),
        ("Patient/nobody",),
        ("Patient/p4",),
    ],
)
def test_an_unclear_merge_is_parked(links: tuple[str, ...]) -> None:
    """Replaced by itself, by two, by one elsewhere, by nobody, or in a circle."""
    circle = (_patient("p4", "Patient/p5"), _patient("p5", "Patient/p4"))
    first = _patient("p1", *links, mrn="A")
    answer = _answered(first, _patient("p2"), _patient("p3"), *circle)
    assert answer == Answer(reason=Unresolved.MERGE_UNCLEAR)


def test_an_inactive_patient_is_parked() -> None:
    """Out of use and replaced by none: nobody to write about; silence on `active` is no word."""
    assert _answered(_patient("p1", mrn="A", active=False)).reason is Unresolved.INACTIVE
    assert _answered(_patient("p1", mrn="A")) == Answer("p1")


def test_other_links_are_not_followed() -> None:
    """`replaces`, `refer` and `seealso` say nothing of where to write."""
    link = [{"other": {"reference": "Patient/p2"}, "type": "replaces"}]
    assert _answered(_patient("p1", mrn="A", link=link), _patient("p2")) == Answer("p1")


def test_the_lines_of_subjects_are_found(tmp_path: Path) -> None:
    """By number, for a message that names nobody."""
    path = _file(tmp_path, "subject,system,value\n01,urn:mrn,A\n02,urn:mrn,B\n01,urn:x,C\n")
    assert lines_of(path, {"01"}) == [2, 4]
