"""What the gate remembers never changes what it says."""

from __future__ import annotations

import copy
import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netfhir.fhir import canonical
from netfhir.fhir.gate import Gate
from netfhir.fhir.structure import Structure
from netfhir.fhir.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Place = tuple[str | int, ...]

VALUES: list[Any] = [
    *("x", "", " ", "has space", "final", "2024-02-30", "2024-05-01", "2024-05-01T10:00:00Z"),
    *("Patient/1", "Organization/1", "#nope", "urn:uuid:1", "http://x.example/y", "mg/dl", "UNK"),
    *(5, 0, -1, Decimal("7.40"), True, None, [], {}, ["x"], [None]),
    *({"text": "x"}, {"reference": "Encounter/1"}, {"value": Decimal("1.0"), "code": "mg"}),
]


@pytest.fixture(scope="module")
def warm() -> Gate:
    """Return a gate that goes through all examples and remembers them."""
    return Gate()


@pytest.fixture(scope="module")
def structure() -> Structure:
    """Return one structure, for shapes are numbers of its elements."""
    return Structure("r4")


@pytest.fixture(scope="module")
def examples(shared_data: Path) -> list[dict[str, Any]]:
    """Return the official Observations."""
    path = shared_data / "fhir" / "r4-examples" / "Observation.ndjson"
    return [canonical.resource(line) for line in path.read_text("utf-8").splitlines()]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Yield where each element below a value stands."""
    rows: Any = ()
    if isinstance(value, dict):
        rows = value.items()
    elif isinstance(value, list):
        rows = enumerate(value)
    for name, item in rows:
        yield (*place, name)
        yield from places(item, (*place, name))


def parent(body: Any, place: Place) -> Any:
    """Return what holds the element at a place."""
    for name in place[:-1]:
        body = body[name]
    return body


def edited(data: st.DataObject, body: dict[str, Any]) -> dict[str, Any]:
    """Return the resource after one to three random edits."""
    body = copy.deepcopy(body)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(sorted(places(body), key=repr)))
        holder, name = parent(body, place), place[-1]
        match data.draw(st.sampled_from(["delete", "replace", "add", "extend"])):
            case "delete" if len(body) > 1:
                del holder[name]
            case "add" if isinstance(holder, dict):
                holder[f"{name}x"] = data.draw(st.sampled_from(VALUES))
            case "extend" if isinstance(holder, dict):
                holder[f"_{name}"] = {"extension": [{"url": "https://x.example/e"}]}
            case _:
                holder[name] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
    return body


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_known_shape_changes_no_verdict(
    warm: Gate, examples: list[dict[str, Any]], data: st.DataObject
) -> None:
    """A gate that has seen much says of any edit what a new one says."""
    body = edited(data, data.draw(st.sampled_from(examples)))
    assert warm.findings(body) == Gate().findings(body)


def skeleton(value: Any) -> Any:
    """Return names, order and kinds of a resource, without its values."""
    if isinstance(value, dict):
        kind = value.get("resourceType")
        return (kind, *((name, skeleton(item)) for name, item in value.items()))
    if isinstance(value, list):
        return [skeleton(item) for item in value]
    return value is None


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_shape_stands_for_the_structure(
    structure: Structure, examples: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Two resources whose structure holds have one shape if, and only if, they differ in values."""
    original = data.draw(st.sampled_from(examples))
    bodies = [original, edited(data, original), edited(data, original)]
    walks = [Walk(structure) for _ in bodies]
    for walk, body in zip(walks, bodies, strict=True):
        walk.run(body)
    whole = [place for place, walk in enumerate(walks) if not walk.findings]
    for one, other in itertools.combinations(whole, 2):
        is_alike = skeleton(bodies[one]) == skeleton(bodies[other])
        assert (walks[one].shape == walks[other].shape) == is_alike


@settings(max_examples=100, deadline=None)
@given(
    value=st.decimals(allow_nan=False, allow_infinity=False, places=4),
    code=st.sampled_from(["mg/dL", "10*9/L", "%"]),
)
def test_decimals_pass_untouched(warm: Gate, value: Decimal, code: str) -> None:
    """The gate passes every decimal and leaves its digits as they are."""
    body = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": code},
    }
    before = canonical.to_bytes(body)
    assert warm.findings(body) == []
    assert canonical.to_bytes(body) == before


@settings(max_examples=200, deadline=None)
@given(
    body=st.recursive(
        st.sampled_from(VALUES),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["resourceType", "code", "contained", "extension", "url", "text"]),
                inner | st.sampled_from(["Observation", "Patient", "Bundle"]),
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_makes_it_stumble(warm: Gate, body: Any) -> None:
    """Whatever JSON comes, the gate answers with findings, never with an exception."""
    assert isinstance(warm.findings(body), list)
