"""Where the trial's registry page and entities stand in FHIR: read `docs/coverage.toml`, check it.

A path leads through a resource: `a.b` takes a member, `a[n]` an item, `a(end)` the items whose
`url`, `code`, `system` or `linkId` is `end` or ends with it after `/`, `.` or `-`; `a[*]` all. Each
way is tried; a path that ends nowhere has no value.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
TRIAL = ROOT / "fixtures" / "NCT05987176"
TABLE = ROOT / "docs" / "coverage.toml"
SECTIONS = {"registry": "registry page", "entity": "entity of the trial"}
_STEP = re.compile(r"(?P<name>\w+)(?:\[(?P<item>\d+|\*)\]|\((?P<end>[^()]+)\))?")
_DOTS = re.compile(r"\.(?![^()]*\))")
_NAMES = ("url", "code", "system", "linkId")


@dataclass(frozen=True)
class Place:
    """One golden, and the paths at which it shows a row in R4 and in R5."""

    golden: str
    r4: str
    r5: str

    def values(self, fhir: str) -> list[Any]:
        """Return what stands at the path in a version, empty if nothing does."""
        return values(resource(self.golden, fhir), self.r4 if fhir == "r4" else self.r5)


@dataclass(frozen=True)
class Row:
    """A row of the reference: where it is shown, or the test that nothing is emitted."""

    section: str
    name: str
    fixture: str = ""
    places: tuple[Place, ...] = ()
    test: str = ""
    """Test id, `file::function`, of what no golden can show."""
    nothing: str = ""
    """Test id of the rule that nothing is emitted."""
    why: str = ""
    local: str = ""
    """What has a local code, because no standard code was found or may be shipped."""
    gap: str = ""

    def tests(self) -> list[str]:
        """Return the tests that the row names."""
        return [name for name in (self.test, self.nothing) if name]


def rows() -> list[Row]:
    """Return the rows of `docs/coverage.toml` in their order."""
    return [_row(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["row"]]


def _row(row: str, shown: list[list[str]] | None = None, **rest: str) -> Row:
    places = tuple(Place(*one) for one in shown or [])
    return Row(name=row, places=places, **rest)


def resource(golden: str, fhir: str) -> Any:
    """Return a golden in a version."""
    below = "expected" if fhir == "r4" else f"expected/{fhir}"
    return json.loads((TRIAL / below / f"{golden}.json").read_bytes())


def values(body: Any, path: str) -> list[Any]:
    """Return the values at the end of a path, none of them empty."""
    found = [body]
    for step in _DOTS.split(path):
        found = [value for one in found for value in _after(one, step)]
    return [value for value in found if value not in (None, "", [], {})]


def _after(body: Any, step: str) -> Iterator[Any]:
    way = _STEP.fullmatch(step)
    if way is None:
        raise ValueError(step)
    value = body.get(way["name"]) if isinstance(body, dict) else None
    if not isinstance(value, list):
        if value is not None and not way["item"] and not way["end"]:
            yield value
    elif way["end"]:
        yield from (one for one in value if _ends(one, way["end"]))
    elif way["item"] == "*":
        yield from value
    elif way["item"]:
        yield from value[int(way["item"]) :][:1]
    else:
        yield value


def _ends(item: Any, end: str) -> bool:
    said = [item.get(name) for name in _NAMES] if isinstance(item, dict) else []
    pattern = re.compile(rf"(.*[/.-])?{re.escape(end)}")
    return any(isinstance(text, str) and pattern.fullmatch(text) for text in said)


def table(section: str) -> str:
    """Return the rows of a section as a table."""
    head = SECTIONS[section]
    lines = [f"| {head} | fixture | golden | R4 | R5 |", "|---|---|---|---|---|"]
    lines += [_line(row) for row in rows() if row.section == section]
    return "\n".join(lines)


def _line(row: Row) -> str:
    cells = [row.name, f"`{row.fixture}`" if row.fixture else "none"]
    if row.gap:
        cells += [f"gap: {row.gap}", "", ""]
    elif row.nothing:
        cells += [f"nothing is emitted: {row.why}; `{row.nothing}`", "nothing", "nothing"]
    else:
        cells += [_listed([place.golden for place in row.places]) + _remarks(row)]
        cells += [_listed([_of(place, place.r4, "r4") for place in row.places])]
        cells += [_listed([_of(place, place.r5, "r5") for place in row.places])]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _of(place: Place, path: str, fhir: str) -> str:
    return f"{resource(place.golden, fhir)['resourceType']}.{path}"


def _listed(names: list[str]) -> str:
    return " ".join(f"`{name}`" for name in dict.fromkeys(names))


def _remarks(row: Row) -> str:
    local = f"; local code: {row.local}" if row.local else ""
    test = f"; {row.why}: `{row.test}`" if row.test else ""
    return local + test
