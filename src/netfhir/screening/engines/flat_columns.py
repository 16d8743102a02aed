"""Which members of a resource are read, by type, and SQL for its codes, certainty and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.screening.shapes import ENDED, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODING = "STRUCT(system VARCHAR, code VARCHAR)[]"
_CONCEPT = f"STRUCT(coding {_CODING}, text VARCHAR)"
_QUANTITY = "STRUCT(value JSON, comparator VARCHAR, unit VARCHAR, code VARCHAR)"
_PERIOD = 'STRUCT(start VARCHAR, "end" VARCHAR)'
OTHER_VALUES = (
    "valueString",
    "valueBoolean",
    "valueRange",
    "valueRatio",
    "valueSampledData",
    "valueTime",
    "valueDateTime",
    "valuePeriod",
)
_OBSERVATION = {
    "valueQuantity": _QUANTITY,
    "valueInteger": "JSON",
    "valueCodeableConcept": _CONCEPT,
    "interpretation": f"{_CONCEPT}[]",
    "referenceRange": f"STRUCT(low {_QUANTITY}, high {_QUANTITY}, type {_CONCEPT})[]",
    **dict.fromkeys(OTHER_VALUES, "JSON"),
}
_END = r"(?:/_history/[A-Za-z0-9.-]+)?$"
PATIENT = r"^(?:.*/)?Patient/([A-Za-z0-9.-]{1,64})" + _END
_MEDICATION = r"^(?:.*/)?Medication/([A-Za-z0-9.-]{1,64})" + _END


def columns(kind: str, shape: Shape) -> dict[str, str]:
    """Return the members that are read and their types; DuckDB refuses other shapes."""
    found = {
        "resourceType": "VARCHAR",
        "id": "VARCHAR",
        "meta": "STRUCT(versionId VARCHAR, lastUpdated VARCHAR)",
        shape.patient: "STRUCT(reference VARCHAR)",
        **{name: _PERIOD if name.endswith("Period") else "VARCHAR" for name in shape.dates},
        **dict.fromkeys(shape.codes, _CONCEPT),
    }
    if shape.coded_status:
        found[shape.coded_status] = _CONCEPT
    else:
        found |= {"status": "VARCHAR", "doNotPerform": "BOOLEAN"}
    if shape.medication:
        found["medicationReference"] = "STRUCT(reference VARCHAR)"
    match kind:
        case "ImagingStudy":
            found["procedureCode"] = f"{_CONCEPT}[]"
        case "Observation":
            found |= _OBSERVATION
        case "Condition":
            found["clinicalStatus"] = _CONCEPT
    return found


def codes(kind: str, shape: Shape) -> str:
    """Return SQL for all codings of what the resource is about."""
    if kind == "ImagingStudy":
        return "flatten(list_transform(procedureCode, lambda x: x.coding))"
    if not shape.medication:
        return "code.coding"
    referred = f"regexp_extract(medicationReference.reference, '{_MEDICATION}', 1)"
    held = "list({'system': m.system, 'code': m.code} ORDER BY ord)"
    found = f"(SELECT {held} FROM medication AS m WHERE m.id = {referred})"  # noqa: S608 - a pattern of ours
    return f"list_concat(medicationCodeableConcept.coding, {found})"


def words(kind: str, shape: Shape) -> str:
    """Return SQL for the text of the code."""
    return "''" if kind == "ImagingStudy" else f"COALESCE({shape.codes[0]}.text, '')"


def certainty(kind: str, shape: Shape) -> str:
    """Return SQL for 0 (not so), 1 (weak) or 2 (full)."""
    full, absent = _list(shape.full), _list(shape.absent)
    if shape.coded_status:
        given = (
            f"list_filter(list_transform({shape.coded_status}.coding, "
            "lambda x: COALESCE(x.code, '')), lambda c: c <> '')"
        )
        statuses = f"CASE WHEN COALESCE(len({given}), 0) = 0 THEN ['-'] ELSE {given} END"
        return (
            f"CASE WHEN list_has_any({statuses}, {absent}) THEN 0 "
            f"WHEN list_has_any({statuses}, {full}) THEN 2 ELSE 1 END"
        )
    status = "COALESCE(NULLIF(status, ''), '-')"
    sure = "FALSE" if kind == "MedicationRequest" else f"list_contains({full}, {status})"
    return (
        f"CASE WHEN COALESCE(doNotPerform, FALSE) OR list_contains({absent}, {status}) THEN 0 "
        f"WHEN {sure} THEN 2 ELSE 1 END"
    )


def ended(kind: str) -> str:
    """Return SQL for whether the record says that it is over."""
    if kind != "Condition":
        return "FALSE"
    given = "list_transform(clinicalStatus.coding, lambda x: x.code)"
    return f"COALESCE(list_has_any({given}, {_list(ENDED)}), FALSE)"


def dates(shape: Shape) -> tuple[str, str, str, str]:
    """Return SQL for since, lo and hi of the first date that is given, and whether it is broken."""
    branches = [_date(name) for name in shape.dates]
    since, lo, hi, broken = (" ".join(parts) for parts in zip(*branches, strict=True))
    none = "CAST(NULL AS DATE)"
    return (
        f"CASE {since} ELSE {none} END",
        f"CASE {lo} ELSE {none} END",
        f"CASE {hi} ELSE {none} END",
        f"COALESCE(CASE {broken} ELSE FALSE END, FALSE)",
    )


def _date(name: str) -> tuple[str, str, str, str]:
    given = f"WHEN {name} IS NOT NULL THEN"
    if not name.endswith("Period"):
        return (
            f"{given} NULL",
            f"{given} day_lo({name})",
            f"{given} day_hi({name})",
            f"{given} day_lo({name}) IS NULL",
        )
    start, end = f"{name}.start", f'{name}."end"'
    unread = " OR ".join(f"{part} IS NOT NULL AND day_lo({part}) IS NULL" for part in (start, end))
    return (
        f"{given} day_lo({start})",
        f"{given} day_lo({end})",
        f"{given} day_hi({end})",
        f"{given} CASE WHEN {unread} THEN error('a period that is none') END",
    )


def _list(names: Iterable[str]) -> str:
    return "CAST([" + ", ".join(f"'{name}'" for name in names) + "] AS VARCHAR[])"
