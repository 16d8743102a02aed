"""Which members of a resource are read, by type, and SQL for its codes, certainty and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfhir.screening.shapes import ENDED, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODING = "STRUCT(system VARCHAR, code VARCHAR)[]"
CONCEPT = f"STRUCT(coding {_CODING}, text VARCHAR)"
META = "STRUCT(versionId VARCHAR, lastUpdated VARCHAR)"
_QUANTITY = "STRUCT(value JSON, comparator VARCHAR, unit VARCHAR, code VARCHAR)"
PERIOD = 'STRUCT(start VARCHAR, "end" VARCHAR)'
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
    "valueCodeableConcept": CONCEPT,
    "interpretation": f"{CONCEPT}[]",
    "referenceRange": f"STRUCT(low {_QUANTITY}, high {_QUANTITY}, type {CONCEPT})[]",
    **dict.fromkeys(OTHER_VALUES, "JSON"),
}
_END = r"(?:/_history/[A-Za-z0-9.-]+)?$"
_PATIENT = r"^(?:.*/)?Patient/([A-Za-z0-9.-]{1,64})" + _END
_PLAIN = r"^Patient/[A-Za-z0-9.-]{1,64}$"
_MEDICATION = r"^(?:.*/)?Medication/([A-Za-z0-9.-]{1,64})" + _END


def columns(kind: str, shape: Shape) -> dict[str, str]:
    """Return the members that are read and their types; DuckDB refuses other shapes."""
    found = {
        "resourceType": "VARCHAR",
        "id": "VARCHAR",
        "meta": META,
        shape.patient: "STRUCT(reference VARCHAR)",
        **{name: PERIOD if name.endswith("Period") else "VARCHAR" for name in shape.dates},
        **dict.fromkeys(shape.codes, CONCEPT),
    }
    if shape.coded_status:
        found[shape.coded_status] = CONCEPT
    else:
        found |= {"status": "VARCHAR", "doNotPerform": "BOOLEAN"}
    if shape.medication:
        found["medicationReference"] = "STRUCT(reference VARCHAR)"
    match kind:
        case "ImagingStudy":
            found["procedureCode"] = f"{CONCEPT}[]"
        case "Observation":
            found |= _OBSERVATION
        case "Condition":
            found["clinicalStatus"] = CONCEPT
    return found


def patient(reference: str) -> str:
    """Return SQL for the id of a patient that is referred to, or an empty text."""
    return (
        f"CASE WHEN regexp_matches({reference}, '{_PLAIN}') THEN substr({reference}, 9) "
        f"ELSE COALESCE(regexp_extract({reference}, '{_PATIENT}', 1), '') END"
    )


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


def moment(shape: Shape) -> str:
    """Return SQL for the first date that is given (of a period, its end), as it is written."""
    pairs = (
        f"WHEN {name} IS NOT NULL THEN {name}" + ('."end"' if name.endswith("Period") else "")
        for name in shape.dates
    )
    return f"CASE {' '.join(pairs)} END"


def since(shape: Shape) -> str:
    """Return SQL for the first day of a period, where that is the first date that is given."""
    pairs = (
        f"WHEN {name} IS NOT NULL THEN "
        + (f"day_lo({name}.start)" if name.endswith("Period") else "NULL")
        for name in shape.dates
    )
    return f"CASE {' '.join(pairs)} ELSE CAST(NULL AS DATE) END"


def broken(shape: Shape, lo: str) -> str:
    """Return SQL for whether the date cannot be read; a period that is none is an error."""
    pairs = (f"WHEN {name} IS NOT NULL THEN {_broken(name, lo)}" for name in shape.dates)
    return f"CASE {' '.join(pairs)} ELSE FALSE END"


def _broken(name: str, lo: str) -> str:
    if not name.endswith("Period"):
        return f"{lo} IS NULL"
    parts = (f"{name}.start", f'{name}."end"')
    unread = " OR ".join(f"{part} IS NOT NULL AND day_lo({part}) IS NULL" for part in parts)
    return f"CASE WHEN {unread} THEN error('a period that is none') ELSE FALSE END"


def _list(names: Iterable[str]) -> str:
    return "CAST([" + ", ".join(f"'{name}'" for name in names) + "] AS VARCHAR[])"
