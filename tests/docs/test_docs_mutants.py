"""The page of the mutation tests: its figures are high enough, and every survivor has a reason."""

from __future__ import annotations

import re
import runpy
import tomllib

from documents import ROOT, read

TOOL = runpy.run_path(str(ROOT / "tools" / "mutants.py"))
_FIGURES = re.compile(
    r"^\| `?([\w/.]+)`? \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) % \|$", re.MULTILINE
)


def test_nine_of_ten_are_killed() -> None:
    """In each module that pyproject names, and together; the figures add up."""
    rows = {row[0]: tuple(map(int, row[1:4])) for row in _FIGURES.findall(read("docs/mutants.md"))}
    total = rows.pop("together")
    configured = tomllib.loads(read("pyproject.toml"))["tool"]["mutmut"]["only_mutate"]
    assert list(rows) == [path.removeprefix("src/netfhir/") for path in configured]
    assert tuple(map(sum, zip(*rows.values(), strict=True))) == total
    for mutants, killed, survived in [*rows.values(), total]:
        assert mutants == killed + survived
        assert killed >= 0.9 * mutants


def test_each_survivor_has_its_reason() -> None:
    """Each line of tests/mutants.toml is a row of the page, and no row is without a reason."""
    table = read("docs/mutants.md").partition("## What survives")[2]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    for line, why in TOOL["reasons"]().items():
        name, _, change = line.partition(": ")
        module, _, function = name.partition(" ")
        place = f"| `{module}` | `{function}` | {TOOL['_code'](change)} |"
        assert sum(row.startswith(place) and row.endswith(f"| {why} |") for row in rows) == 1, line
    assert len(rows) == len(TOOL["reasons"]())


def test_what_is_wrong_is_said() -> None:
    """Too few killed, a reason too few, a reason too many."""
    survivor = TOOL["Survivor"]("sync/a.py", "plan", "x → y")
    found = [TOOL["Module"]("src/netfhir/sync/a.py", 9, [survivor])]
    assert TOOL["complaints"](found, {"sync/b.py f: x → y": "why"}) == [
        "src/netfhir/sync/a.py: less than 90 % are killed",
        "without a reason: sync/a.py plan: x → y",
        "a reason for no survivor: sync/b.py f: x → y",
    ]
    found = [TOOL["Module"]("src/netfhir/sync/a.py", 10, [survivor])]
    assert TOOL["complaints"](found, {str(survivor): "why"}) == []


def test_a_change_is_shown_with_its_surroundings() -> None:
    """What differs, and whole words around it, of the line as it was and as it became."""
    before = f"return {'word ' * 9}(one, {'word ' * 9}"
    shown = TOOL["changed"](before, before.replace("one", "two"))
    assert shown == "word word word (one, word word word → word word word (two, word word word"
