"""Reads a resource as facts: the meaning that every engine has to match.

Everything is taken as it stands, or not at all: a member of the wrong shape makes the resource a
gap (`data-error`), a result that is no number makes the fact a defect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from netfhir.screening import members
from netfhir.screening.days import days
from netfhir.screening.digits import decimal
from netfhir.screening.facts import Cause, Fact, Gap, bare
from netfhir.screening.shapes import ENDED, SHAPES, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from netfhir.screening.concept_sets import Code, ConceptSets, Row
    from netfhir.screening.members import Json

_MEDICATION = re.compile(r"(?:.*/)?Medication/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]+)?\Z")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads resources by what the concept sets ask for and how units are spelt."""

    sets: ConceptSets
    spellings: Mapping[str, str]
    by_code: dict[Code, list[Row]] = field(init=False)
    systems: frozenset[str] = field(init=False)
    words: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Spread the sets out for look-up."""
        object.__setattr__(self, "by_code", self.sets.by_code())
        object.__setattr__(self, "systems", self.sets.systems)
        object.__setattr__(self, "words", self.sets.by_words())

    def facts(self, body: Json, medications: Mapping[str, list[Code]]) -> list[Fact | Gap]:
        """Return the facts of a clinical resource, or the gap that it leaves.

        `medications` holds the codes of Medication resources, by id.
        """
        kind = cast("str", body["resourceType"])
        shape = SHAPES[kind]
        patient = members.patient_of(body, shape.patient)
        try:
            weak = _weak(body, kind, shape)
            codes = _codes(body, shape, medications)
            if weak is not None and not any(code[0] in self.systems for code in codes):
                return [Gap(patient, kind, "local-code-unmapped", self._meant(body, shape))]
            rows = self._rows(codes, kind)
            if not rows:
                return []
            base = self._base(body, kind, shape, patient)
            if weak is None:
                return [replace(base, concept=row.concept, defect="", gone=True) for row in rows]
            return [self._result(replace(base, weak=weak), body, row) for row in rows]
        except members.ShapeError:
            return [Gap(patient, kind, "data-error")]

    def passed(self, body: Json) -> Fact:
        """Return that there is such a resource, of no set: it takes back what copies said."""
        kind, meta = body["resourceType"], body.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        return Fact(
            members.patient_of(body, SHAPES[kind].patient),
            "",
            kind,
            body["id"],
            version=str(meta.get("versionId", "")),
            updated=str(meta.get("lastUpdated", "")),
            gone=True,
        )

    def _meant(self, body: Json, shape: Shape) -> str:
        """Return the set that the text of a code names in one of its words; else nothing."""
        value = body.get(shape.codes[0])
        text = value.get("text") if isinstance(value, dict) else None
        return self.words.get(text.strip().lower(), "") if isinstance(text, str) else ""

    def _rows(self, codes: list[Code], kind: str) -> list[Row]:
        """Return one row for each set that a coding belongs to, in order of the sets' names."""
        found: dict[str, Row] = {}
        for code in codes:
            for row in self.by_code.get(code, ()):
                if kind in self.sets.sets[row.concept].types:
                    found.setdefault(row.concept, row)
        for key, one in self.sets.sets.items():
            if one.all_of and set(one.all_of) <= set(found):
                found[key] = replace(found[one.all_of[0]], concept=key)
        return [found[key] for key in sorted(found)]

    def _base(self, body: Json, kind: str, shape: Shape, patient: str) -> Fact:
        meta = members.member(body, "meta")
        fact = Fact(
            patient,
            "",
            kind,
            members.text(body, "id"),
            version=members.text(meta, "versionId"),
            updated=members.text(meta, "lastUpdated"),
            ended=kind == "Condition"
            and bool(members.bare_codes(body, "clinicalStatus") & {*ENDED}),
        )
        return _dated(fact, body, shape)

    def _result(self, base: Fact, body: Json, row: Row) -> Fact:
        fact = replace(base, concept=row.concept, code=row.code[1])
        unitless = self.sets.sets[row.concept].unitless
        if row.number is not None:
            return replace(fact, number=bare(row.number), unit="1" if unitless else "")
        if fact.type != "Observation":
            return fact
        if "valueQuantity" in body:
            return self._quantity(fact, body, unitless=unitless)
        if "valueInteger" in body:
            number = decimal(body["valueInteger"])
            unit = "1" if unitless else ""
            return replace(fact, number=number, unit=unit, defect=_worse(fact, number))
        return self._answer(fact, body)

    def _quantity(self, fact: Fact, body: Json, *, unitless: bool) -> Fact:
        quantity = members.member(body, "valueQuantity")
        number = decimal(quantity.get("value"))
        unit = self._unit(quantity) or ("1" if unitless else "")
        low, high = self._range(body, unit)
        defect = _worse(fact, number)
        if "value" not in quantity:
            defect = fact.defect or "no-data"
        return replace(
            fact,
            number=number,
            comparator=members.text(quantity, "comparator"),
            unit=unit,
            low=low,
            high=high,
            defect=defect,
        )

    def _unit(self, quantity: Json) -> str:
        given = members.text(quantity, "code") or members.text(quantity, "unit")
        return self.spellings.get(given, given)

    def _range(self, body: Json, unit: str) -> tuple[Decimal | None, Decimal | None]:
        """Return the only normal range, if it is in the unit of the result (or names none)."""
        ranges = [
            one
            for one in members.items(body, "referenceRange")
            if "type" not in one or members.bare_codes(one, "type") == {"normal"}
        ]
        if len(ranges) != 1:
            return None, None
        low, high = members.member(ranges[0], "low"), members.member(ranges[0], "high")
        if {self._unit(low), self._unit(high)} - {"", unit}:
            return None, None
        return decimal(low.get("value")), decimal(high.get("value"))

    def _answer(self, fact: Fact, body: Json) -> Fact:
        given = members.codings(body, "valueCodeableConcept") + members.list_codings(
            body, "interpretation"
        )
        for code in given:
            if (fact.concept, code) in self.sets.answers:
                number = self.sets.answers[fact.concept, code]
                defect: Cause = "no-data"
                if number is None:
                    return replace(fact, code=code[1], defect=fact.defect or defect)
                return replace(fact, code=code[1], number=bare(number), unit="1")
        if "valueCodeableConcept" in body:
            return replace(fact, defect=fact.defect or "local-code-unmapped")
        other = any(name.startswith("value") for name in body)
        return replace(fact, defect=fact.defect or ("data-error" if other else "no-data"))


def medication_codes(body: Json) -> list[Code]:
    """Return the codes of a Medication; none where its shape is wrong."""
    try:
        return members.codings(body, "code")
    except members.ShapeError:
        return []


def _worse(fact: Fact, number: Decimal | None) -> Any:  # noqa: ANN401 - a cause or ""
    return fact.defect or ("data-error" if number is None else "")


def _weak(body: Json, kind: str, shape: Shape) -> bool | None:
    """Return whether it is weak; None where the resource says that it is not so."""
    if body.get("doNotPerform") is True:
        return None
    if shape.coded_status:
        statuses = members.bare_codes(body, shape.coded_status)
    else:
        statuses = {members.text(body, shape.status)} - {""}
    statuses = statuses or {"-"}
    if statuses & set(shape.absent):
        return None
    return kind == "MedicationRequest" or not statuses & set(shape.full)


def _codes(body: Json, shape: Shape, medications: Mapping[str, list[Code]]) -> list[Code]:
    found: list[Code] = []
    for member in shape.codes:
        value = body.get(member)
        found += (
            members.list_codings(body, member)
            if isinstance(value, list)
            else members.codings(body, member)
        )
    if shape.medication and "medicationReference" in body:
        found += _referred(body, medications)
    return found


def _referred(body: Json, medications: Mapping[str, list[Code]]) -> list[Code]:
    reference = members.text(members.member(body, "medicationReference"), "reference")
    if reference.startswith("#"):
        return [
            code
            for inner in members.items(body, "contained")
            if inner.get("id") == reference[1:]
            for code in members.codings(inner, "code")
        ]
    found = _MEDICATION.match(reference)
    return medications.get(found[1], []) if found else []


def _dated(fact: Fact, body: Json, shape: Shape) -> Fact:
    member = next((name for name in shape.dates if name in body), None)
    if member is None:
        return fact
    if not member.endswith("Period"):
        found = days(members.text(body, member))
        return (
            replace(fact, lo=found.lo, hi=found.hi) if found else replace(fact, defect="data-error")
        )
    start, end = members.period(members.member(body, member))
    return replace(
        fact,
        since=start.lo if start else None,
        lo=end.lo if end else None,
        hi=end.hi if end else None,
    )
