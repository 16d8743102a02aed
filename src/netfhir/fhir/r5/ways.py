"""Which way each R4 element goes into R5: as it stands, renamed, or by a step; else there is none.

Compiled once for each place from the tables of both versions and the declared `ELEMENTS`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from netfhir.errors import CarryError
from netfhir.fhir import tables
from netfhir.fhir.r5.elements import ELEMENTS
from netfhir.fhir.r5.steps import Renamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netfhir.fhir.canonical import Json
    from netfhir.fhir.r5.steps import Step
    from netfhir.fhir.version import Version

_BACKBONE: Final = {"BackboneElement", "Element"}
#: Types whose JSON is the same: text of any kind, whole numbers.
_ALIKE: Final = {
    **dict.fromkeys(("canonical", "code", "id", "markdown", "oid", "uri", "url", "uuid"), "string"),
    **dict.fromkeys(("positiveInt", "unsignedInt"), "integer"),
    "SimpleQuantity": "Quantity",
}


def no_way(where: object, what: str) -> CarryError:
    """Return the error that R5 has no place for this, as far as the declared steps know."""
    return CarryError(
        "no-way-to-r5",
        where=str(where),
        found=f"{what} for which no way into R5 is declared",
        remedy="report it: it is a fault of netfhir; R4 can be written meanwhile",
    )


class Place(NamedTuple):
    """A complex element: the structure that describes it, and where in that."""

    structure: str
    at: str = ""

    def __str__(self) -> str:
        """Return the path as FHIR writes it."""
        return f"{self.structure}.{self.at}" if self.at else self.structure

    def below(self, name: str) -> Place:
        """Return the place of a backbone element in it."""
        return Place(self.structure, f"{self.at}.{name}" if self.at else name)


class Child(NamedTuple):
    """An element of a version at a place, of one type: how it stands in JSON, what is below."""

    type_name: str
    is_list: bool
    place: Place | None
    """None for a primitive and for a resource."""


class Way(NamedTuple):
    """How an R4 element goes: by which step, and the place that it and its R5 twin have."""

    step: Step
    child: Child
    r5: Place | None


def _rows(version: Version) -> Mapping[str, Json]:
    return tables.read(version, "structure")


@cache
def children(version: Version, place: Place) -> Mapping[str, Child]:
    """Return the elements right below a place, by JSON name; {} for a type without a table."""
    table = _rows(version).get(place.structure, {}).get("elements", {})
    start = f"{place.at}." if place.at else ""
    found: dict[str, Child] = {}
    for path, row in table.items():
        name = path.removeprefix(start)
        if path.startswith(start) and "." not in name:
            found |= dict(_typed(version, place, name, row))
    return found


def _typed(version: Version, place: Place, name: str, row: Json) -> Iterator[tuple[str, Child]]:
    is_list = row.get("max", "1") != "1"
    if "same" in row:
        structure, _, at = row["same"].partition(".")
        yield name, Child("BackboneElement", is_list, Place(structure, at))
    for types in row.get("types", ()):
        code = types[0]
        json_name = name.replace("[x]", code[0].upper() + code[1:])
        below = place.below(name) if code in _BACKBONE else _datatype(version, code)
        yield json_name, Child(code, is_list, below)


def _datatype(version: Version, code: str) -> Place | None:
    known = _rows(version).get(code)
    return Place(code) if known and known["kind"] == "complex-type" else None


@cache
def ways(r4: Place, r5: Place) -> Mapping[str, Way]:
    """Return the way of each R4 element at a place that stands at `r5` in R5, by JSON name.

    A name that is not in the result has no way.
    """
    declared = dict(_spelled(r4))
    twins = children("r5", r5)
    found: dict[str, Way] = {}
    for name, child in children("r4", r4).items():
        step = declared.get(name)
        if isinstance(step, Renamed):
            twin = twins.get(step)
            found[name] = Way(step, child, twin.place if twin else None)
        elif step is not None:
            found[name] = Way(step, child, _place_of(child, twins.get(name), r5, name))
        elif name in twins and _is_alike(child, twins[name]):
            found[name] = Way(Renamed(name), child, twins[name].place)
    return found


def is_r5_alone(name: str, r4: Place, r5: Place) -> bool:
    """Say whether only R5 has the element: then a mapper has written it for R5."""
    return name in children("r5", r5) and name not in children("r4", r4)


def _spelled(r4: Place) -> Iterator[tuple[str, Step]]:
    """Yield the declared steps of a place by JSON name, a choice once for each of its types."""
    names = children("r4", r4)
    for name, step in ELEMENTS.get(str(r4), {}).items():
        stem = name.removesuffix("[x]")
        if stem == name or not isinstance(step, Renamed):
            yield name, step
            continue
        for json_name in names:
            rest = json_name.removeprefix(stem)
            if rest != json_name and rest[:1].isupper():
                yield json_name, Renamed(step.removesuffix("[x]") + rest)


def _place_of(child: Child, twin: Child | None, r5: Place, name: str) -> Place | None:
    """Return where what a step turns stands in R5: its own datatype, or a backbone's place."""
    if child.place is None or child.type_name not in _BACKBONE:
        return child.place
    if twin is not None and twin.type_name in _BACKBONE:
        return twin.place
    return r5.below(name)


def _is_alike(child: Child, twin: Child) -> bool:
    one = _ALIKE.get(child.type_name, child.type_name)
    other = _ALIKE.get(twin.type_name, twin.type_name)
    return one == other and child.is_list == twin.is_list
