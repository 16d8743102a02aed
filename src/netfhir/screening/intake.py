"""From files to facts, line by line: what could not be read is counted, and stays a gap."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netfhir.errors import FormatError
from netfhir.screening.digits import Written
from netfhir.screening.facts import Consent, Fact, Gap, Person, Record, order
from netfhir.screening.files import Source, Tally, lines, missing, sources
from netfhir.screening.members import Json, patient_of
from netfhir.screening.people import consent, person
from netfhir.screening.reading import Reader, medication_codes
from netfhir.screening.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from netfhir.screening.concept_sets import Code

Item = Person | Fact | Gap | tuple[str, Consent]


class _DuplicateKeyError(ValueError):
    """A JSON object that names a member twice."""


@dataclass(slots=True)
class Intake:
    """Reads the files of one export with one reader."""

    reader: Reader
    tally: Tally = field(default_factory=Tally)
    medications: dict[str, list[Code]] = field(default_factory=dict)
    only: str = ""
    """Keep what bears on this patient alone."""
    every: bool = False
    """Name resources that say nothing too: they may take back what earlier copies said."""

    def items(self, source: Source) -> Iterator[Item]:
        """Yield what a file holds."""
        for number, line in lines(source, self.tally):
            body, kind = self._body(source, number, line)
            if body is None:
                yield from self._lost(source, kind, line)
                continue
            self.tally.resources[kind] += 1
            for item in self._read(body, kind, source, number):
                if not self.only or _whose(item) in ("", self.only):
                    yield item

    def _body(self, source: Source, number: int, line: bytes) -> tuple[Json | None, str]:
        """Return the resource of a line and its type; no resource where it cannot be read."""
        name = source.path.name
        try:
            body = json.loads(
                line, object_pairs_hook=_once, parse_constant=_refuse, parse_float=Written
            )
        except _DuplicateKeyError:
            self.tally.problem("duplicate-key", name, number)
            return None, source.type
        except (ValueError, RecursionError):
            self.tally.problem("broken-line", name, number)
            return None, source.type
        if isinstance(body, dict) and type(body.get("id")) is int:
            body["id"] = str(body["id"])
        kind = body.get("resourceType") if isinstance(body, dict) else None
        if not isinstance(kind, str) or not isinstance(body.get("id"), str) or not body["id"]:
            self.tally.problem("no-type-or-id", name, number)
            return None, source.type
        return body, kind

    def _lost(self, source: Source, kind: str, line: bytes) -> Iterator[Gap]:
        """Yield the gap that an unreadable line leaves: of its patient, if that can be told."""
        if kind == "Consent":
            raise FormatError(
                "unreadable-consent",
                where=source.path.name,
                found="a line that cannot be read",
                expected="Consents that can all be read: one of them may be a refusal",
                remedy="export the Consents again, or mend the line",
            )
        patient = _patient_by_force(line, kind)
        for one in [kind] if kind else [*SHAPES]:
            yield Gap(patient, one, "data-error")

    def _read(self, body: Json, kind: str, source: Source, number: int) -> Iterator[Item]:
        if kind == "Patient":
            found = person(body)
            yield found
            if "birthDate" in body and found.born_lo is None:
                self.tally.problem("malformed", source.path.name, number)
                yield Gap(found.id, "Patient", "data-error")
        elif kind == "Consent":
            decision = consent(body)
            if decision is not None:
                yield patient_of(body, "patient"), decision
        elif kind == "Medication":
            self.medications[body["id"]] = medication_codes(body)
        elif kind in SHAPES:
            yield from self._clinical(body, kind, source, number)

    def _clinical(self, body: Json, kind: str, source: Source, number: int) -> Iterator[Item]:
        name = source.path.name
        if not patient_of(body, SHAPES[kind].patient):
            self.tally.problem("no-patient", name, number)
            yield Gap("", kind, "data-error")
            return
        if self.every:
            yield self.reader.passed(body)
        for item in self.reader.facts(body, self.medications):
            if isinstance(item, Gap) and item.cause == "data-error":
                self.tally.problem("malformed", name, number)
            if isinstance(item, Fact) and item.defect == "data-error":
                self.tally.problem("unreadable-value", name, number)
            yield item


def export(folder: Path, intake: Intake) -> Iterator[Item]:
    """Yield what all files of an export hold, Medications first: others refer to them."""
    found = sources(folder)
    for kind in missing(folder, intake.tally):
        yield Gap("", kind, "data-error")
    for source in sorted(found, key=lambda one: one.type != "Medication"):
        yield from intake.items(source)


def records(items: Iterable[Item], tally: Tally) -> dict[str, Record]:
    """Gather items by patient, in order of ids; what belongs to nobody is counted."""
    people: dict[str, Record] = {}
    others: list[Fact | Gap | tuple[str, Consent]] = []
    for item in items:
        if not isinstance(item, Person):
            others.append(item)
        elif item.id not in people:
            people[item.id] = Record(item)
        else:
            tally.problem("duplicate-patient", "Patient")
            if order(people[item.id].person) < order(item):
                people[item.id].person = item
    for other in others:
        _assign(other, people, tally)
    return {key: people[key] for key in sorted(people)}


def _assign(
    item: Fact | Gap | tuple[str, Consent], people: dict[str, Record], tally: Tally
) -> None:
    whose = _whose(item)
    if isinstance(item, Gap) and not whose:
        for record in people.values():
            record.gaps.append(item)
    elif whose not in people:
        if isinstance(item, Fact) and not item.gone:
            tally.problem("unknown-patient", item.type)
    elif isinstance(item, Gap):
        people[whose].gaps.append(item)
    elif isinstance(item, Fact):
        people[whose].facts.append(item)
    else:
        people[whose].consents.append(item[1])


def _whose(item: Item) -> str:
    match item:
        case Person():
            return item.id
        case Fact() | Gap():
            return item.patient
        case (patient, _):
            return patient


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError
    return {name: value for name, value in found.items() if value is not None}


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _patient_by_force(line: bytes, kind: str) -> str:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return (
        patient_of(body, SHAPES[kind].patient) if isinstance(body, dict) and kind in SHAPES else ""
    )
