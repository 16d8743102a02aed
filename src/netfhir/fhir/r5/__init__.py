"""An R4 body as R5: renamed, rebuilt where R5 builds otherwise, and extensions made native.

Mappers write R4; where the meaning differs between the versions they write R5's own elements, which
pass as they stand. Nothing is dropped: an element for which no way is known raises `CarryError`,
which is a fault of the program, not of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfhir.fhir.r5.native import is_native, native
from netfhir.fhir.r5.steps import Day, Inside, Renamed
from netfhir.fhir.r5.systems import rewritten
from netfhir.fhir.r5.ways import Place, is_r5_alone, no_way, ways

if TYPE_CHECKING:
    from netfhir.fhir.canonical import Json
    from netfhir.fhir.r5.ways import Way


def turned(body: Json) -> Json:
    """Return a resource in R5; raises `CarryError` for what has no place in it."""
    found: Json = rewritten(_resource(body))
    return found


def _resource(body: Json) -> Json:
    place = Place(body["resourceType"])
    head = {name: body[name] for name in ("resourceType", "id") if name in body}
    rest = {name: value for name, value in body.items() if name not in head}
    return head | _object(rest, place, place)


def _object(value: Json, r4: Place, r5: Place) -> Json:
    """Return an object, which stands at `r4` in R4 and at `r5` in R5."""
    known = ways(r4, r5)
    result: Json = {}
    for name, item in sorted(value.items()):
        if name in {"extension", "modifierExtension"}:
            _merge(result, _extensions(name, item, r5), r5)
        elif name == "contained":
            result[name] = [_resource(inner) for inner in item]
        elif (way := known.get(name.removeprefix("_"))) is not None:
            _merge(result, _carried(name, item, way, r5), r5)
        elif is_r5_alone(name.removeprefix("_"), r4, r5):
            _merge(result, {name: item}, r5)
        else:
            raise no_way(f"{r4}.{name}", "an R4 element")
    return result


def _carried(name: str, item: Any, way: Way, r5: Place) -> Json:  # noqa: ANN401 - any element
    """Return the R5 elements that an R4 element becomes."""
    mark = "_" if name.startswith("_") else ""
    inner = item if mark else _inner(item, way)
    if isinstance(way.step, Renamed):
        return {f"{mark}{way.step}": inner}
    if isinstance(way.step, Inside):
        return {way.step.name: {f"{mark}{way.step.part}": inner}}
    if isinstance(way.step, Day):
        return {f"{mark}{way.step}": inner if mark else inner.partition("T")[0]}
    if mark:
        raise no_way(f"{r5}.{name}", "an extended primitive")
    try:
        return way.step(inner)
    except (KeyError, ValueError) as error:
        where = f"{r5}.{name}"
        raise no_way(where, "a value that R5 has not") from error


def _inner(item: Any, way: Way) -> Any:  # noqa: ANN401 - any element
    r4, r5 = way.child.place, way.r5
    if r4 is None or r5 is None:
        return item
    if isinstance(item, list):
        return [part if part is None else _object(part, r4, r5) for part in item]
    return _object(item, r4, r5)


def _extensions(name: str, items: list[Json], r5: Place) -> Json:
    result: Json = {}
    for one in items:
        _merge(result, native(one, r5) if is_native(one) else {name: [one]}, r5)
    return result


def _merge(result: Json, elements: Json, r5: Place) -> None:
    """Add elements: lists are joined, objects filled; two values of one element are a fault."""
    for name, value in elements.items():
        there = result.get(name)
        if there is None:
            result[name] = value
        elif isinstance(there, list) and isinstance(value, list):
            result[name] = [*there, *value]
        elif isinstance(there, dict) and isinstance(value, dict):
            result[name] = dict(there)
            _merge(result[name], value, r5)
        elif there != value:
            raise no_way(f"{r5}.{name}", "a second value")
