"""A screening as it was written to files, narrowed to those whom it proposes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from netfhir.errors import DeclarationError, FormatError
from netfhir.fhir.draft import Draft
from netfhir.fhir.identity import derived_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.identity import SourceKey
    from netfhir.trial.naming import Naming

_NOT_CONSENTED = "not-consented"


@dataclass(frozen=True, slots=True)
class Person:
    """A patient who is proposed, or was: the row of candidates.ndjson, and the verdicts."""

    patient: str
    outcome: str
    rank: int | None
    deciding: tuple[str, ...]
    questions: tuple[tuple[str, str], ...]
    """Criterion and question, the cheapest first."""
    verdicts: tuple[Json, ...]
    enrolled: str = ""
    """The id of the trial's own ResearchSubject, once the patient is in the trial."""

    @property
    def matches(self) -> bool:
        """Return whether the screening proposes the patient now."""
        return self.rank is not None


@dataclass(frozen=True, slots=True)
class Proposals:
    """Everything that the resources are made of; `was_written` knows what stood there before."""

    naming: Naming
    funnel: Json
    people: tuple[Person, ...]
    small_cells: int
    """Counts from 1 to below this are not told."""
    was_written: Callable[[str, str], bool]
    """Whether an earlier run wrote a resource of this type and id."""

    @property
    def as_of(self) -> str:
        """Return the day of the screening."""
        return str(self.funnel["as_of"])

    @property
    def system(self) -> str:
        """Return the system of the codes that are ours."""
        return f"{self.naming.base}/screening"

    def key(self, patient: str, item: str = "") -> SourceKey:
        """Return a key that names the patient by a keyed digest of the id alone."""
        digest = derived_id(self.naming.site_key, "Patient", patient)
        return self.naming.key(digest, form="screening", item=item)

    def subject_id(self, patient: str) -> str:
        """Return the id of the patient's ResearchSubject of the screening."""
        return self.naming.id(self.key(patient))

    def subject(self, person: Person) -> dict[str, str]:
        """Return the reference to the ResearchSubject: the trial's own, once there is one."""
        return {
            "reference": f"ResearchSubject/{person.enrolled or self.subject_id(person.patient)}"
        }

    def study(self) -> dict[str, str]:
        """Return the reference to the study."""
        return self.naming.reference("ResearchStudy", self.naming.key(form="study"))

    def draft(self, resource_type: str, key: SourceKey, body: Json) -> Draft:
        """Return a draft under its key; `where` names the kind of thing, and nobody."""
        whole: Json = {
            "resourceType": resource_type,
            "id": self.naming.id(key),
            "identifier": [self.naming.identifier(key)],
            **body,
        }
        return Draft(resource_type, whole["id"], whole, f"screening:{resource_type}/{whole['id']}")

    def concept(self, code: str, text: str = "") -> Json:
        """Return a concept of ours."""
        found: Json = {"coding": [{"system": self.system, "code": code}]}
        return {**found, "text": text} if text else found


def read(
    folder: Path,
    naming: Naming,
    *,
    small_cells: int | None,
    was_written: Callable[[str, str], bool],
    enrolled: dict[str, str],
) -> Proposals:
    """Read what `netfhir screen` wrote; `enrolled` is patient -> id of the trial's subject.

    Raises FormatError where the folder holds no whole screening of this trial, and
    DeclarationError where the trial does not say how small a count may be told.
    """
    if small_cells is None:
        raise DeclarationError(
            "missing-declaration",
            where="trial.toml:screening.small_cells",
            found="no smallest count that may be told",
            expected="a whole number, as the hospital's information governance asks",
            remedy="declare it in the site's overlay",
        )
    funnel = _funnel(folder, naming)
    draft = Proposals(naming, funnel, (), small_cells, was_written)
    chosen = {
        row["patient"]: row for row in _rows(folder, "candidates.ndjson") if _is_told(row, draft)
    }
    verdicts: dict[str, list[Json]] = {patient: [] for patient in chosen}
    for row in _rows(folder, "verdicts.ndjson"):
        if row["patient"] in verdicts:
            verdicts[row["patient"]].append(row)
    people = tuple(
        _person(row, verdicts[patient], enrolled.get(patient, ""))
        for patient, row in chosen.items()
        if all(verdict["cause"] != _NOT_CONSENTED for verdict in verdicts[patient])
    )
    return Proposals(naming, funnel, people, small_cells, was_written)


def _is_told(row: Json, proposals: Proposals) -> bool:
    """Tell whether a patient is proposed now, or was by an earlier run."""
    return row["rank"] is not None or proposals.was_written(
        "ResearchSubject", proposals.subject_id(row["patient"])
    )


def _person(row: Json, verdicts: list[Json], enrolled: str) -> Person:
    return Person(
        row["patient"],
        row["outcome"],
        row["rank"],
        tuple(row["deciding"]),
        tuple((one["criterion"], one["question"]) for one in row["questions"]),
        tuple(verdicts),
        enrolled,
    )


def _funnel(folder: Path, naming: Naming) -> Json:
    try:
        funnel: Any = orjson.loads((folder / "funnel.json").read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise _no_screening(folder, "no funnel.json that can be read") from error
    if not isinstance(funnel, dict) or "criteria_digest" not in funnel:
        raise _no_screening(folder, "a funnel.json of another kind")
    if funnel["trial"] != naming.study:
        raise _no_screening(folder, "a screening for another trial")
    return funnel


def _rows(folder: Path, name: str) -> Iterator[Json]:
    path = folder / name
    if not path.is_file():
        raise _no_screening(folder, f"no {name}")
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


def _no_screening(folder: Path, found: str) -> FormatError:
    return FormatError(
        "no-screening",
        where=folder.name,
        found=found,
        expected="the folder that `netfhir screen` wrote for this trial",
        remedy="screen again, and name that folder with --screening",
    )
