"""Every registry record, real or made for one enum value, becomes valid FHIR and survives."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]  # it brings no types
import pytest
import yaml

import registry_records
import study_cases
import study_reading
from netfhir.errors import FormatError
from netfhir.fhir.gate import Gate
from netfhir.sources.record_tree import leaves, plain_path
from study_cases import MAPPINGS, TRIALS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netfhir.fhir.version import Version
    from netfhir.sources.registry import Remark, StudyRecord

REAL = ("NCT00184067", "NCT02663973", "NCT03934567", "NCT04267848", "NCT05147467")


@cache
def _real(shared_data: Path) -> dict[str, bytes]:
    return {name.partition(".")[0]: text for name, text in registry_records.real(shared_data)}


@cache
def _made(shared_data: Path) -> dict[str, dict[str, Any]]:
    return dict(registry_records.made(shared_data))


def _reading(record: StudyRecord) -> study_reading.Reading:
    return study_reading.Reading(study_cases.bundle_of(record), study_cases.terms())


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str) and value["reference"][0] != "#":
            yield value["reference"]
        for below in value.values():
            yield from _references(below)
    elif isinstance(value, list):
        for below in value:
            yield from _references(below)


def _closed(schema: Any) -> Any:
    """Return the schema with every object closed to fields that it does not list."""
    if isinstance(schema, dict):
        closed = {key: _closed(below) for key, below in schema.items()}
        return closed | {"additionalProperties": False} if "properties" in schema else closed
    return [_closed(below) for below in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("trial", TRIALS)
def test_a_trial_s_record_has_the_shape_of_the_api(shared_data: Path, trial: str) -> None:
    """`registry.json` fits the schema `Study`, with no field that it lacks and real dates."""
    text = (shared_data / "registry" / "ctg-oas-v2.yaml").read_text(encoding="utf-8")
    document = _closed(yaml.load(text, Loader=yaml.CSafeLoader))
    schema = {"$ref": "#/components/schemas/Study", "components": document["components"]}
    checker = jsonschema.FormatChecker(["date"])
    record = json.loads((MAPPINGS / trial / "registry.json").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(schema, format_checker=checker).validate(record)
    record["protocolSection"]["statusModule"]["lastUpdateSubmitDate"] = "2026-02-30"
    record["protocolSection"]["statusModul"] = {}
    errors = list(jsonschema.Draft4Validator(schema, format_checker=checker).iter_errors(record))
    assert len(errors) == 2


def test_every_field_of_the_trial_s_record_stands_on_the_page(shared_data: Path) -> None:
    """A text of registry.json is a text of the page, but for what its README names."""
    page = " ".join((shared_data / "NCT05987176-registry-page.txt").read_text("utf-8").split())
    record = json.loads((MAPPINGS / "NCT05987176" / "registry.json").read_text("utf-8"))
    said = [" ".join(text.split()) for text in _texts(record)]
    assert [text for text in said if text not in page] == ["ACTUAL", "Drug: Lutathera"]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for below in value.values() if isinstance(value, dict) else []:
        yield from _texts(below)
    for below in value if isinstance(value, list) else []:
        yield from _texts(below)


@pytest.mark.parametrize("name", REAL)
def test_a_real_record_survives(shared_data: Path, name: str) -> None:
    """What a clinician knows a study by is read back from the FHIR alone."""
    text = _real(shared_data)[name]
    reading = study_reading.Reading(
        study_cases.bundle_of(study_cases.read(text)), study_cases.terms()
    )
    expected = study_reading.of_record(registry_records.protocol_of(text))
    assert expected.number == name
    assert reading.essence() == expected


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_s_record_survives(name: str) -> None:
    """So it is for the two trials that are shipped."""
    text = (MAPPINGS / name / "registry.json").read_bytes()
    reading = study_reading.Reading(
        study_cases.bundle_of(study_cases.trial(name)), study_cases.terms()
    )
    assert reading.essence() == study_reading.of_record(registry_records.protocol_of(text))


def test_every_made_record_survives(shared_data: Path) -> None:
    """So it is for a record of every value of every enum of the schema."""
    made = _made(shared_data)
    assert len(made) > 250
    for name, record in made.items():
        reading = _reading(study_cases.read(record))
        assert reading.essence() == study_reading.of_record(record["protocolSection"]), name


@pytest.mark.parametrize("fhir", ["r4", "r5"])
def test_every_record_passes_the_gate(shared_data: Path, fhir: Version) -> None:
    """No resource of any study is refused by the gate, nor lacks a way into R5."""
    gate, judged = Gate(fhir), 0
    for name, bundle in study_cases.bundles(shared_data, fhir):
        for entry in bundle["entry"]:
            assert gate.findings(entry["resource"]) == [], name
            judged += 1
    assert judged > 3000


@pytest.mark.parametrize("fhir", ["r4", "r5"])
def test_a_bundle_holds_what_it_refers_to(shared_data: Path, fhir: Version) -> None:
    """Every reference leads to an entry, and no two entries have one name."""
    for name, bundle in study_cases.bundles(shared_data, fhir):
        found = [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle["entry"]]
        assert len(found) == len(set(found)), name
        assert set(_references(bundle)) <= set(found), name
        assert all(
            e["fullUrl"].endswith(one) for e, one in zip(bundle["entry"], found, strict=True)
        )


def test_every_value_of_an_enum_is_mapped_or_named(shared_data: Path) -> None:
    """No value of the schema is unknown: each is mapped, or its module is named in a warning."""
    for name, record in _made(shared_data).items():
        read = study_cases.read(record)
        assert {remark.code for remark in read.remarks} <= {"not-carried", "lossy-value"}, name
    schema = registry_records.Schema.load(shared_data)
    schema.sample()
    tables = study_cases.terms().tables
    carried = [place for place in schema.places if place.enum in tables]
    assert {place.enum for place in carried} >= {"Status", "Phase", "AgencyClass", "OfficialRole"}
    for place in carried:
        assert set(place.values) <= set(tables[place.enum]), place.enum


def _named(remarks: tuple[Remark, ...]) -> set[str]:
    return {remark.where.partition(":")[2] for remark in remarks}


def test_nothing_is_dropped_silently(shared_data: Path) -> None:
    """A field whose words are not in the FHIR is named in a warning."""
    record = next(iter(_made(shared_data).values()))
    read = study_cases.read(record)
    fhir = json.dumps(study_cases.bundle_of(read), default=str, ensure_ascii=False)
    named = _named(read.remarks)
    for leaf in leaves(record):
        path = plain_path(leaf)
        if not any(path.startswith(one) for one in named):
            value = _at(record, leaf)
            assert not str(value).startswith("Words of") or str(value) in fhir, path


def _at(record: Any, leaf: str) -> Any:
    for step in leaf.replace("[", ".[").split("."):
        record = record[int(step[1:-1])] if step.startswith("[") else record[step]
    return record


def test_a_field_that_the_schema_lacks_is_named(shared_data: Path) -> None:
    """A field that nobody knows is warned of, by its path."""
    record = registry_records.protocol_of(_real(shared_data)["NCT02663973"])
    assert "locations_nested" in record["contactsLocationsModule"]
    read = study_cases.read(_real(shared_data)["NCT02663973"])
    unknown = {one.where.split(".")[-1] for one in read.remarks if one.code == "unknown-field"}
    assert unknown == {"facility", "city", "state", "country", "lat", "lon"}


def test_a_value_that_the_schema_lacks_is_named_and_left_out(shared_data: Path) -> None:
    """An unknown value of an enum is warned of with its path, and stands for nothing."""
    record = next(iter(_made(shared_data).values()))
    record["protocolSection"]["designModule"]["designInfo"]["allocation"] = "BY_LOT"
    read = study_cases.read(record)
    assert read.study.design.allocation == ""
    [remark] = [one for one in read.remarks if one.code == "unmapped-value"]
    assert remark.where == "record.json:protocolSection.designModule.designInfo.allocation"
    assert "BY_LOT" in remark.found


@pytest.mark.parametrize("trial", TRIALS)
def test_mapping_twice_gives_equal_bytes(trial: str) -> None:
    """The same record gives the same Bundle."""
    one, other = (study_cases.bundle_of(study_cases.trial(trial)) for _ in range(2))
    assert one == other


def _twisted(base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the record with each of its leaves, or lists of them, replaced by another kind."""
    for leaf in leaves(base["protocolSection"]):
        for wrong in ({"a": 1}, ["a"], 7, None):
            record = json.loads(json.dumps(base))
            parent, _, name = leaf.rpartition(".")
            _at(record["protocolSection"], parent)[name.partition("[")[0]] = wrong
            yield record


def _fault(record: dict[str, Any]) -> str:
    """Return where the record is refused, "" if it is mapped."""
    try:
        study_cases.bundle_of(study_cases.read(record))
    except FormatError as error:
        return error.where
    return ""


def test_a_twisted_record_is_mapped_or_refused_by_its_path(shared_data: Path) -> None:
    """Every leaf replaced by an object, a list, a number or null: no crash, and the path named."""
    faults = {_fault(record) for record in _twisted(next(iter(_made(shared_data).values())))}
    assert len(faults) > 50
    assert {where.partition(".")[0] for where in faults - {""}} == {"record"}
    assert all(":protocolSection." in where for where in faults - {""})
