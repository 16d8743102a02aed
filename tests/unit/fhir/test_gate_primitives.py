"""The gate's primitives: values that a FHIR primitive can and cannot have."""

from __future__ import annotations

from decimal import Decimal

import pytest

from netfhir.fhir.gate import Gate


@pytest.fixture(scope="module")
def gate() -> Gate:
    """Return one gate for the module."""
    return Gate()


def found(gate: Gate, type_name: str, value: object) -> list[str]:
    """Return the rules that a value of a primitive type breaks, in an extension of a Group."""
    name = f"value{type_name[0].upper()}{type_name[1:]}"
    extension = {"url": "https://x.example/e", name: value}
    body = {"resourceType": "Group", "type": "person", "actual": True, "extension": [extension]}
    return [finding.rule for finding in gate.findings(body)]


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("base64Binary", "QQ=="),
        ("canonical", "http://x.example/q|1.0"),
        ("code", "a b"),
        ("date", "2024"),
        ("date", "2024-02-29"),
        ("dateTime", "2024-08"),
        ("dateTime", "2024-08-02T10:20:00+02:00"),
        ("dateTime", "2016-12-31T23:59:60Z"),
        ("decimal", 5),
        ("decimal", Decimal("7.40")),
        ("decimal", Decimal("1E+3")),
        ("id", "A.-1"),
        ("instant", "2024-08-02T10:20:00.123Z"),
        ("integer", -5),
        ("markdown", "*x*\n\n- y"),
        ("oid", "urn:oid:1.2.3"),
        ("positiveInt", 1),
        ("string", "tab\tand\nline"),
        ("time", "10:20:00"),
        ("unsignedInt", 0),
        ("uri", "urn:ietf:rfc:3986"),
        ("url", "mailto:a@x.example"),
        ("uuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
        ("uuid", "urn:uuid:c757873d-ec9a-1326-a141-556f43239520"),
    ],
)
def test_a_value_of_the_type_passes(gate: Gate, type_name: str, value: object) -> None:
    """What the specification allows passes."""
    assert found(gate, type_name, value) == []


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("base64Binary", "QQ="),
        ("base64Binary", "Q*=="),
        ("canonical", "Questionnaire/x"),
        ("canonical", "#nothing"),
        ("code", " a"),
        ("code", "a  b"),
        ("date", "2024-02-30"),
        ("date", "2023-02-29"),
        ("date", "2024-13"),
        ("date", "0000"),
        ("date", "24-01-01"),
        ("date", "2024-08-02T10:20:00Z"),
        ("dateTime", "2024-08-02T10:20:00"),
        ("dateTime", "2024-08-02T10:20Z"),
        ("dateTime", "2024-08-02T24:00:00Z"),
        ("dateTime", "2024-08-02T10:20:00+15:00"),
        ("dateTime", "2024-08-UN"),
        ("decimal", Decimal("NaN")),
        ("id", "has space/slash"),
        ("id", "a" * 65),
        ("instant", "2024-05-01"),
        ("integer", 2**31),
        ("oid", "urn:oid:x"),
        ("positiveInt", 0),
        ("positiveInt", -1),
        ("string", " \t"),
        ("string", "bell\x07"),
        ("time", "24:00:00"),
        ("unsignedInt", -1),
        ("uri", "has space"),
        ("uri", "urn:oid:x"),
        ("uri", "urn:uuid:1"),
        ("uuid", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"),
    ],
)
def test_a_value_that_cannot_be_is_refused(gate: Gate, type_name: str, value: object) -> None:
    """The rule is named for the type."""
    assert found(gate, type_name, value) == [type_name]


@pytest.mark.parametrize(
    ("type_name", "value"),
    [("boolean", 1), ("integer", True), ("integer", Decimal("1.0")), ("date", 2024)],
)
def test_a_value_of_another_json_kind_is_refused(gate: Gate, type_name: str, value: object) -> None:
    """Kinds are not converted: true is no number, 2024 no date."""
    assert found(gate, type_name, value) == ["json-kind"]
