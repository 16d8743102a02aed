"""The parts of a reply's entry, in all the spellings that servers use."""

from __future__ import annotations

import pytest

from netfhir.hospital.replies import path_of, status_of, version_of


@pytest.mark.parametrize(
    ("text", "status"),
    [("201 Created", 201), ("200", 200), ("Created", None), ("", None), ("2000", None)],
)
def test_a_status_is_read_from_its_text(text: str, status: int | None) -> None:
    """The number leads; anything else is no status."""
    assert status_of({"status": text}) == status


def test_a_missing_status_is_none() -> None:
    """No status is no success."""
    assert status_of({}) is None


@pytest.mark.parametrize(
    "location",
    [
        "Observation/n1",
        "Observation/n1/_history/3",
        "https://fhir.example/r4/Observation/n1/_history/3",
    ],
)
def test_a_location_is_absolute_or_relative(location: str) -> None:
    """With or without base and version."""
    assert path_of(location) == "Observation/n1"


@pytest.mark.parametrize("location", ["", None, "n1", "observation/n1", "Observation/n1?x=1"])
def test_what_is_no_location_has_no_path(location: str | None) -> None:
    """It is not guessed at."""
    assert path_of(location) == ""


@pytest.mark.parametrize(
    ("response", "resource", "version"),
    [
        ({"etag": 'W/"3"'}, None, "3"),
        ({"etag": '"3"'}, None, "3"),
        ({"etag": "3", "location": "Observation/n1/_history/4"}, None, "3"),
        ({"location": "Observation/n1/_history/4"}, None, "4"),
        ({}, {"meta": {"versionId": "5"}}, "5"),
        ({}, {"meta": {}}, ""),
        ({"location": "Observation/n1"}, None, ""),
    ],
)
def test_a_version_is_by_etag_then_location_then_meta(
    response: dict[str, str], resource: dict[str, object] | None, version: str
) -> None:
    """The first that is there; empty without any."""
    assert version_of(response, resource) == version
