"""One resource for each distinct shape: its type, its element paths, its codes and units.

A validator judges two resources of one shape alike but for their values, which the gate judges one
by one; so one of each is what a server is asked about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from netfhir.fhir import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netfhir.fhir.canonical import Json

Shape: TypeAlias = "frozenset[str]"

#: Elements whose text is a code, or says what kind of code, unit or extension it is.
_CODES: Final = ("code", "intent", "kind", "status", "system", "type", "unit", "url")
#: The value of any other element, in a line of NDJSON: without it, lines of one form are equal.
_VALUE: Final = re.compile(
    rb'("(?!(?:' + "|".join(_CODES).encode() + rb')")\w+":)(?:"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)'
)


def shape(body: Json) -> Shape:
    """Return the shape of a resource: its paths, those of codes with the code."""
    return frozenset(_parts(body, str(body["resourceType"])))


def _parts(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            coded = name in _CODES and isinstance(item, str) and _is_code(path, item)
            yield from _parts(item, f"{path}.{name}={item}" if coded else f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item, path)
    else:
        yield path


def _is_code(path: str, item: str) -> bool:
    """Say whether the text is of a closed set: a canonical's URL or a page's is not."""
    return path.count(".") > 0 or not item.startswith("http")


class OneOfEach:
    """Keeps the first resource of each shape that it is shown."""

    def __init__(self) -> None:
        """Know none."""
        self.kept: dict[Shape, Json] = {}
        self._forms: set[bytes] = set()

    def see(self, lines: Iterable[bytes]) -> None:
        """Keep those whose shape is new; lines of a form that was seen are not looked into."""
        for line in lines:
            form = _VALUE.sub(rb"\1", line)
            if form not in self._forms:
                self._forms.add(form)
                body = canonical.resource(line)
                self.kept.setdefault(shape(body), body)

    @property
    def resources(self) -> list[Json]:
        """Return what was kept."""
        return list(self.kept.values())
