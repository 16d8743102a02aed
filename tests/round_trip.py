"""The trial's subject table, rebuilt from FHIR resources alone; knows no mapping of ours.

Each version is read by its own element names, so that a renamed element that was lost is missed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fixtures.NCT05987176.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = dict[str, Any]
ITEMS = "/item/"
LUTATHERA, RECURRENT = "V10XX04", {"C38155", "disease-recurrent"}
SCALES = {"1": "ECOG", "2": "WHO"}
_PROGRESS = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ResearchSubject.progress"
_LOCAL_TIME = "https://netfhir.example/StructureDefinition/local-time"
_ARMS = {"Standard of Care - Arm A": "1", "Treatment - Arm B": "2"}


@dataclass(frozen=True)
class Words:
    """What a version calls the elements that the table needs."""

    individual: str
    given: str
    """The period of an administration."""
    medication: Callable[[Json], str]
    disposition: Callable[[Json], str]
    arm: Callable[[Json, Json], str]


def _state(subject: Json) -> str:
    """Return R5's present state: the last that was entered."""
    states = [one for one in subject["progress"] if "subjectState" in one]
    return str(states[-1]["subjectState"]["coding"][0]["code"])


def _group(subject: Json, study: Json) -> str:
    wanted = subject.get("assignedComparisonGroup")
    names = {one["linkId"]: one["name"] for one in study["comparisonGroup"]}
    return _ARMS[names[wanted]] if wanted else ""


WORDS = {
    "r4": Words(
        "individual",
        "effectivePeriod",
        lambda body: str(body["medicationReference"]["reference"]),
        lambda body: str(body["status"]),
        lambda body, _: _ARMS[body["assignedArm"]] if "assignedArm" in body else "",
    ),
    "r5": Words(
        "subject",
        "occurencePeriod",
        lambda body: str(body["medication"]["reference"]["reference"]),
        _state,
        _group,
    ),
}


def rebuilt(bodies: Iterable[Json], version: str) -> dict[str, Truth]:
    """Return the table by subject number."""
    words = WORDS[version]
    by_type: dict[str, list[Json]] = defaultdict(list)
    for body in bodies:
        by_type[body["resourceType"]].append(body)
    table: dict[str, Truth] = {}
    (study,) = (one for one in by_type["ResearchStudy"] if "partOf" not in one)
    for body in by_type["ResearchSubject"]:
        number = str(body[words.individual]["identifier"]["value"])
        table[number] = Truth(words.disposition(body), words.arm(body, study))
    products = {f"Medication/{one['id']}": _codes(one["code"]) for one in by_type["Medication"]}
    for body in by_type["MedicationAdministration"]:
        if LUTATHERA in products[words.medication(body)]:
            cycle, dose = _dose(body, words)
            table[_subject(body)].doses[cycle] = dose
    for body in by_type["Observation"]:
        _observed(body, table[_subject(body)])
    return table


def _dose(body: Json, words: Words) -> tuple[int, tuple[str, str, str, str]]:
    (note,) = (one["text"] for one in body["note"] if one["text"].startswith("Cycle "))
    period = body[words.given]
    quantity = body.get("dosage", {}).get("dose")
    assert quantity is None or quantity["code"] == "GBq"
    activity = str(quantity["value"]) if quantity else ""
    times = _moment(period, "start"), _moment(period, "end")
    return int(note.removeprefix("Cycle ")), (body["status"], *times, activity)


def _observed(body: Json, told: Truth) -> None:
    table, item = _item(body["code"])
    when = _moment(body, "effectiveDateTime")
    if table == "laboratory":
        told.laboratory[when, item] = _value(body)
    elif table == "performance" and "valueInteger" in body:
        told.performance[when] = (SCALES[item], str(body["valueInteger"]))
    elif "97509-4" in _codes(body["code"]) and RECURRENT & _codes(body["valueCodeableConcept"]):
        told.recurred = min(filter(None, (told.recurred, when)))


def _value(body: Json) -> str:
    if "valueQuantity" not in body:
        assert "dataAbsentReason" in body
        return ""
    quantity = body["valueQuantity"]
    return f"{quantity.get('comparator', '')}{quantity['value']} {quantity['code']}"


def _moment(body: Json, name: str) -> str:
    """Return a local day, or day and time to the minute; "" where it is not known."""
    text = str(body.get(name, ""))
    kept = [
        one["valueTime"]
        for one in body.get(f"_{name}", {}).get("extension", ())
        if one["url"] == _LOCAL_TIME
    ]
    if kept:
        return f"{text} {kept[0][:5]}"
    return text[:16].replace("T", " ")


def _item(code: Json) -> tuple[str, str]:
    for coding in code.get("coding", ()):
        if ITEMS in coding.get("system", ""):
            return coding["system"].rpartition("/")[2], coding["code"]
    return "", ""


def _codes(concept: Json) -> set[str]:
    return {str(coding["code"]) for coding in concept.get("coding", ())}


def _subject(body: Json) -> str:
    return str(body["subject"]["identifier"]["value"])
