"""Which hospital Patient a trial subject is: found by identifier, never created, never guessed."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from netfhir.errors import DeclarationError
from netfhir.hospital import merges

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from netfhir.fhir.canonical import Json
    from netfhir.hospital.client import Stored

HEADER = ("subject", "system", "value")
_TOKENS_A_SEARCH = 50
_ELEMENTS = "identifier,active,link"

Token = tuple[str, str]


class Unresolved(StrEnum):
    """Why a subject has no Patient."""

    NOT_IN_CROSSWALK = "not-in-crosswalk"
    NO_PATIENT = "no-patient"
    AMBIGUOUS = "ambiguous-patient"
    INACTIVE = "inactive-patient"
    """Taken out of use, and no other record is said to be in its place."""
    MERGE_UNCLEAR = "merge-unclear"
    """Replaced by several, by each other, or by a record that is not to be read here."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The id of a subject's Patient, or why there is none."""

    patient_id: str = ""
    reason: Unresolved | None = None
    merged: bool = False
    """Whether the record that was found was merged into this one."""


class SearchesIdentifiers(Protocol):
    """What the look-up needs of a client."""

    def search_identifiers(
        self, resource_type: str, tokens: Sequence[Token], elements: str = ""
    ) -> list[Json]:
        """Return the resources that carry one of these identifiers."""

    def read_many(self, paths: Sequence[str]) -> list[Stored]:
        """Read each `Type/id`, in order."""


def read_crosswalk(path: Path) -> dict[str, tuple[Token, ...]]:
    """Return the identifiers (system, value) of each subject.

    Raises DeclarationError naming file and line: header, empty cell, duplicate line, two subjects
    with one identifier, no UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _collected(csv.reader(file, strict=True), path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DeclarationError(
            "crosswalk",
            where=str(path),
            found=f"a file that cannot be read ({type(error).__name__})",
            expected="a UTF-8 CSV with the header subject,system,value",
            remedy="check the path given as --crosswalk, and the file's encoding",
        ) from error


def _collected(rows: Iterator[list[str]], path: Path) -> dict[str, tuple[Token, ...]]:
    header = next(rows, [])
    if tuple(header) != HEADER:
        raise _wrong(path, 1, "another header", "exactly subject,system,value")
    owners: dict[Token, tuple[str, int]] = {}
    found: dict[str, tuple[Token, ...]] = {}
    for line, row in enumerate(rows, 2):
        if not row:
            continue
        subject, token = _cells(row, path, line)
        _claim(owners, token, (subject, line), path)
        found[subject] = (*found.get(subject, ()), token)
    return found


def _cells(row: list[str], path: Path, line: int) -> tuple[str, Token]:
    if len(row) != len(HEADER):
        raise _wrong(path, line, f"{len(row)} columns", "three: subject,system,value")
    subject, system, value = row
    empty = [name for name, cell in zip(HEADER, row, strict=True) if not cell.strip()]
    if empty:
        raise _wrong(path, line, f"nothing in {' and '.join(empty)}", "three filled cells")
    return subject, (system, value)


def _claim(
    owners: dict[Token, tuple[str, int]], token: Token, claim: tuple[str, int], path: Path
) -> None:
    subject, first_line = owners.setdefault(token, claim)
    if (subject, first_line) == claim:
        return
    found = (
        f"the same line as {first_line}"
        if subject == claim[0]
        else f"the identifier of another subject, in line {first_line}"
    )
    raise _wrong(path, claim[1], found, "each identifier once")


def _wrong(path: Path, line: int, found: str, expected: str) -> DeclarationError:
    return DeclarationError(
        "crosswalk",
        where=f"{path}:{line}",
        found=found,
        expected=expected,
        remedy="correct that line of the crosswalk; a patient is never guessed",
    )


def resolve(
    client: SearchesIdentifiers,
    crosswalk: Mapping[str, Sequence[Token]],
    subjects: Iterable[str],
) -> dict[str, Answer]:
    """Return an answer for each subject, asking the server for many identifiers at a time.

    A Patient that was merged is followed to the one in its place (`Patient.link` replaced-by).
    """
    wanted = list(dict.fromkeys(subjects))
    tokens = [token for subject in wanted for token in crosswalk.get(subject, ())]
    found: dict[str, Json] = {}
    holders = _holders(client, tokens, found)
    survivors = merges.survivors(client, found)
    return {subject: _answer(crosswalk.get(subject, ()), holders, survivors) for subject in wanted}


def lines_of(path: Path, subjects: Collection[str]) -> list[int]:
    """Return the lines of a crosswalk that was read before and that are about these subjects."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [n for n, row in enumerate(csv.reader(file), 1) if row and row[0] in subjects]


def _holders(
    client: SearchesIdentifiers, tokens: Sequence[Token], found: dict[str, Json]
) -> dict[Token, set[str]]:
    """Return the ids of the Patients that carry each token; `found` takes the Patients."""
    holders: dict[Token, set[str]] = {token: set() for token in tokens}
    for start in range(0, len(tokens), _TOKENS_A_SEARCH):
        chunk = tokens[start : start + _TOKENS_A_SEARCH]
        for patient in client.search_identifiers("Patient", chunk, _ELEMENTS):
            found[str(patient["id"])] = patient
            for token in _tokens(patient):
                if token in holders:
                    holders[token].add(str(patient["id"]))
    return holders


def _tokens(patient: Json) -> Iterator[Token]:
    for identifier in patient.get("identifier", []):
        yield str(identifier.get("system", "")), str(identifier.get("value", ""))


def _answer(
    tokens: Sequence[Token],
    holders: Mapping[Token, set[str]],
    survivors: Mapping[str, merges.Survivor],
) -> Answer:
    if not tokens:
        return Answer(reason=Unresolved.NOT_IN_CROSSWALK)
    found = set().union(*(holders[token] for token in tokens))
    ends = {survivors[patient_id] for patient_id in found}
    if len({end.patient_id for end in ends}) != 1:
        return Answer(reason=Unresolved.AMBIGUOUS if found else Unresolved.NO_PATIENT)
    (end, *_) = ends
    if not end.patient_id:
        return Answer(reason=Unresolved.MERGE_UNCLEAR)
    if not end.active:
        return Answer(reason=Unresolved.INACTIVE)
    return Answer(end.patient_id, merged=end.patient_id not in found)
