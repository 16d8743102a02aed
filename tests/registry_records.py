"""Registry records for tests: the real ones, and one made by the schema for every enum value.

A made record has every field that the schema knows, once, so that nothing of it can be dropped
unseen; each differs from the others in one value of one enum.
"""

from __future__ import annotations

import copy
import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SCHEMA = "registry/ctg-oas-v2.yaml"
_TEXTS = {"date": "2024-08-02"}
_SPECIAL = {"PartialDate": "2024-08", "NormalizedTime": "6 Months"}
_SCALARS: dict[str, Any] = {"integer": 3, "number": 1.5, "boolean": True}
_ELIGIBILITY = "Inclusion Criteria:\n\n1. Adults\n\nExclusion Criteria:\n\n1. Platelets \\<75x109/L"


class Place(NamedTuple):
    """Where an enum stands in a record."""

    path: tuple[str | int, ...]
    enum: str
    values: tuple[str, ...]


@dataclass
class Schema:
    """The schemas of the API, by name."""

    schemas: Mapping[str, Any]
    places: list[Place] = field(default_factory=list)

    @classmethod
    def load(cls, shared_data: Path) -> Schema:
        """Read the OpenAPI document."""
        text = (shared_data / _SCHEMA).read_text(encoding="utf-8")
        return cls(yaml.load(text, Loader=yaml.CSafeLoader)["components"]["schemas"])

    def sample(self, name: str = "Study") -> Any:
        """Return a value of that schema with every field; the enums' places are kept."""
        self.places = []
        return self._sample({"$ref": f"#/{name}"}, ())

    def _sample(self, schema: Mapping[str, Any], path: tuple[str | int, ...]) -> Any:
        name = schema.get("$ref", "").rpartition("/")[2]
        schema = self.schemas[name] if name else schema
        if name in _SPECIAL:
            return _SPECIAL[name]
        if "enum" in schema:
            self.places.append(Place(path, name, tuple(schema["enum"])))
            return schema["enum"][0]
        if schema["type"] == "array":
            return [self._sample(schema["items"], (*path, 0))]
        if schema["type"] == "object":
            fields = schema.get("properties", {})
            return {key: self._sample(below, (*path, key)) for key, below in fields.items()}
        return self._scalar(schema, path)

    def _scalar(self, schema: Mapping[str, Any], path: tuple[str | int, ...]) -> Any:
        if schema["type"] != "string":
            return _SCALARS[schema["type"]]
        if "pattern" in schema:
            return "6 Months"
        words = f"Words of {path[-1] if isinstance(path[-1], str) else path[-2]}"
        return _TEXTS.get(schema.get("format", ""), words)


def made(shared_data: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and record: one for each value of each enum at each place."""
    schema = Schema.load(shared_data)
    base = _joined(schema.sample())
    for place in schema.places:
        for value in place.values:
            name = ".".join(part for part in place.path if isinstance(part, str))
            yield f"{name}={value}", _with(base, place.path, value)


def _joined(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with what joins its parts, and a NCT number that could be."""
    protocol = record["protocolSection"]
    protocol["identificationModule"] |= {"nctId": "NCT00000001", "nctIdAliases": ["NCT00000002"]}
    protocol["eligibilityModule"]["eligibilityCriteria"] = _ELIGIBILITY
    arms = protocol["armsInterventionsModule"]
    arms["armGroups"][0]["interventionNames"] = [f"Any: {arms['interventions'][0]['name']}"]
    arms["interventions"][0]["armGroupLabels"] = [arms["armGroups"][0]["label"]]
    protocol["contactsLocationsModule"]["locations"][0]["country"] = "France"
    protocol["referencesModule"]["seeAlsoLinks"][0]["url"] = "https://trial.example/page"
    return record


def _with(base: dict[str, Any], path: tuple[str | int, ...], value: str) -> dict[str, Any]:
    record = copy.deepcopy(base)
    place: Any = record
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return record


def real(shared_data: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and text of the records that others wrote."""
    for path in sorted((shared_data / "registry").glob("NCT*.json*")):
        content = path.read_bytes()
        yield path.name, gzip.decompress(content) if path.suffix == ".gz" else content


def protocol_of(text: bytes) -> dict[str, Any]:
    """Return the protocol section of the only study of a document."""
    value = json.loads(text)
    value = value.get("studies", value) if isinstance(value, dict) else value
    study = value[0] if isinstance(value, list) else value
    section: dict[str, Any] = study["protocolSection"]
    return section
