"""docs/traps.md: each trap has its number and a test that exists."""

from __future__ import annotations

import ast
import re

import pytest

from documents import ROOT, read

ROWS = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", read("docs/traps.md"), re.MULTILINE)
NAMED = [
    (number, *name.split("::")) for number, cell in ROWS for name in cell.strip("` ").split("`, `")
]


def test_every_trap_stands_once() -> None:
    """The numbers are those of the list of traps, 1 to 31."""
    assert [int(number) for number, _ in ROWS] == list(range(1, 32))


@pytest.mark.parametrize(("number", "file", "name"), NAMED)
def test_the_test_of_a_trap_exists(number: str, file: str, name: str) -> None:
    """A test that was renamed or taken away is missed here."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert name in tests, number
