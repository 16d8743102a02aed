"""What differs between two bodies of one resource, element by element; knows no server.

Decimals are compared by value, and what the server owns is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfhir.fhir.canonical import Json

_OWNED_META = frozenset({"versionId", "lastUpdated", "source"})


@dataclass(frozen=True, slots=True)
class Change:
    """One element that differs: its path (`component[0].valueQuantity.value`), before and after.

    `before` or `after` is None where there is no such element.
    """

    path: str
    before: Any
    after: Any


def diff(before: Json, after: Json) -> list[Change]:
    """Return what would change if the server's `before` became our `after`, in path order."""
    return list(_differences(theirs(before, after), after, ""))


def theirs(stored: Json, ours: Json) -> Json:
    """Return a stored body without what the server owns: versions, its narrative, its own id."""
    kept = {name: value for name, value in stored.items() if name != "meta"}
    meta = {k: v for k, v in stored.get("meta", {}).items() if k not in _OWNED_META}
    if meta:
        kept["meta"] = meta
    for name in ("text", "id"):
        if name not in ours:
            kept.pop(name, None)
    return kept


def loses_precision(stored: object, ours: object) -> bool:
    """Return whether a number of ours is stored with other digits, the value being the same."""
    if isinstance(ours, dict) and isinstance(stored, dict):
        return any(loses_precision(stored.get(name), value) for name, value in ours.items())
    if isinstance(ours, list) and isinstance(stored, list):
        return any(loses_precision(s, o) for s, o in zip(stored, ours, strict=False))
    return (
        isinstance(ours, Decimal)
        and _is_number(stored)
        and Decimal(str(stored)) == ours
        and str(stored) != str(ours)
    )


def _differences(before: Any, after: Any, path: str) -> Iterator[Change]:  # noqa: ANN401 - JSON
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            inner = f"{path}.{name}" if path else name
            yield from _differences(before.get(name), after.get(name), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            yield from _differences(_at(before, index), _at(after, index), f"{path}[{index}]")
    elif not _same(before, after):
        yield Change(path, before, after)


def _at(items: list[Any], index: int) -> Any:  # noqa: ANN401 - JSON
    return items[index] if index < len(items) else None


def _same(before: object, after: object) -> bool:
    if _is_number(before) and _is_number(after):
        return Decimal(str(before)) == Decimal(str(after))
    return type(before) is type(after) and before == after


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
