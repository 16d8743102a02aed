"""What the project says of itself in its configuration: reasons, and fragments of the changelog."""

from __future__ import annotations

import re
import tomllib

from documents import ROOT, read, tracked

TYPES = {"added", "changed", "fixed", "mapping"}
_FRAGMENT = re.compile(r"(\+[a-z0-9-]+|\d+)\.(?P<type>[a-z]+)(\.\d+)?\.md")
_CODE = re.compile(r'^\s*"[A-Z]+[0-9]+",(?P<rest>.*)$')
_NOQA = re.compile(r"#\s*noqa: [A-Z0-9, ]+(?P<rest>.*)")


def test_every_rule_left_out_has_a_reason() -> None:
    """Each ruff rule that pyproject leaves out says why, on its line."""
    lint = read("pyproject.toml").partition("[tool.ruff.lint]")[2].partition("[tool.mypy]")[0]
    left_out = [found for line in lint.splitlines() if (found := _CODE.match(line))]
    configured = tomllib.loads(read("pyproject.toml"))["tool"]["ruff"]["lint"]
    by_file = configured["per-file-ignores"].values()
    ignores = [*configured["ignore"], *(code for codes in by_file for code in codes)]
    assert len(left_out) == len(ignores) > 1
    assert [f[0] for f in left_out if not re.fullmatch(r"\s*# \S.+", f["rest"])] == []


def test_every_noqa_has_a_reason() -> None:
    """Each line that is excused from a rule says why."""
    unexplained = []
    for path in tracked():
        if path.suffix != ".py" or path.name == "test_docs_project.py":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = _NOQA.search(line)
            if found and not re.fullmatch(r"- \S.+", found["rest"]):
                unexplained.append(f"{path.relative_to(ROOT)}:{number}")
    assert unexplained == []


def test_fragments_are_well_formed() -> None:
    """Each file of changelog.d is a fragment of a known type that says something in sentences."""
    fragments = [path for path in ROOT.glob("changelog.d/*") if path.name != "README.md"]
    for path in fragments:
        found = _FRAGMENT.fullmatch(path.name)
        assert found, path.name
        assert found["type"] in TYPES, path.name
        assert path.read_text(encoding="utf-8").strip().endswith("."), path.name


def test_the_changelog_knows_the_same_types() -> None:
    """The fragments may have the types that towncrier is configured for."""
    towncrier = tomllib.loads(read("pyproject.toml"))["tool"]["towncrier"]
    assert {row["directory"] for row in towncrier["type"]} == TYPES
    start = towncrier.get("start_string", "<!-- towncrier release notes start -->\n")
    assert start in read("CHANGELOG.md")
    assert {name for name in TYPES if f"`{name}`" not in read("changelog.d/README.md")} == set()
