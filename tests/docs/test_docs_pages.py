"""The pages hang together: links, lengths, generated parts, words, and no trace of one machine."""

from __future__ import annotations

import re
import runpy
from typing import TYPE_CHECKING

import pytest

from documents import DOCUMENTS, ROOT, anchors, blocks, read, tracked
from netfhir import errors

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_README = 150
#: A path of somebody's machine: below a home, or below a folder that only a checkout's owner has.
MACHINE_PATH = re.compile(r"(?<![\w/.])/(work|farm|root|home)/[\w.]")
INDEX_ADDRESS = re.compile(r"https?://[^\s\"']*(pypi|pythonhosted|npmjs|maven|crates|debian)")
INSTALL_FILES = (".lock", "package-lock.json", ".npmrc", "requirements.txt", ".toml", ".cfg")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_resolve(path: Path) -> None:
    """Each link to a page of ours leads to a file, and to a heading in it."""
    for link in _LINK.findall(path.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_is_short() -> None:
    """The README has at most 150 lines."""
    assert read("README.md").count("\n") <= LONGEST_README


def test_every_page_is_reached() -> None:
    """Each page of docs/ is linked from the README or from another page of docs/."""
    linked = {
        (path.parent / link.partition("#")[0]).resolve()
        for path in DOCUMENTS
        for link in _LINK.findall(path.read_text(encoding="utf-8"))
        if link.partition("#")[0] and "://" not in link
    } - {ROOT / "README.md"}
    assert {path for path in DOCUMENTS if path.parent.name == "docs"} <= linked


def test_generated_parts_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """`make docs` would change nothing."""
    main = runpy.run_path(str(ROOT / "tools" / "docs.py"))["main"]
    status = main(["--check"])
    assert status == 0, f"run `make docs`; {capsys.readouterr().out}"


def test_a_stale_part_is_noticed() -> None:
    """The generator replaces what stands in a part, and nothing around it."""
    generated = runpy.run_path(str(ROOT / "tools" / "docs.py"))["generated"]
    made = generated("before\n<!-- generated: commands -->\nstale\n<!-- end -->\nafter\n")
    assert "stale" not in made
    assert "| `netfhir demo` |" in made
    assert made.startswith("before\n")
    assert made.endswith("<!-- end -->\nafter\n")


def test_every_error_code_is_explained() -> None:
    """Each code that is raised anywhere in src stands in docs/errors.md."""
    kinds = "|".join(name for name in vars(errors) if name.endswith("Error"))
    raised = {
        code
        for path in (ROOT / "src").rglob("*.py")
        for code in re.findall(rf'(?:{kinds})\(\s*"([\w-]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(raised) > 1
    assert {code for code in raised if f"| `{code}` |" not in read("docs/errors.md")} == set()


def test_every_exit_status_is_explained() -> None:
    """Each status of a run stands in the README, and those of errors in errors.md."""
    rows = set(re.findall(r"^\| (\d+) \|", read("README.md"), re.MULTILINE))
    assert rows == {"0", "2", *map(str, errors.EXIT_PRECEDENCE)}
    explained = set(re.findall(r"^\| (\d+) \|", read("docs/errors.md"), re.MULTILINE))
    assert explained == {str(status) for status in errors.EXIT_PRECEDENCE} - {"70"}


def test_the_demo_in_the_readme_is_the_demo() -> None:
    """The screen that the README shows has the demo's headings, and none that are gone."""
    source = read("src/netfhir/cli/demo.py")
    headings = re.findall(r'_head\(f?"([^"{]+)', source)
    assert len(headings) > 1
    screen = next(block for block in blocks(read("README.md")) if headings[0] in block)
    shown = [line for line in screen.splitlines() if line and not line.startswith(" ")]
    assert [head for head in headings if any(line.startswith(head) for line in shown)] == headings


def test_the_sums_of_the_demo_in_the_readme_are_right() -> None:
    """In the screen that the README shows, each left side is the sum of its right side."""
    sums = re.findall(r"(?:input|planned) +(\d+) = ((?:[a-z]+ +\d+(?: \+ )?)+)", read("README.md"))
    assert len(sums) > 1
    for whole, parts in sums:
        assert int(whole) == sum(map(int, re.findall(r"\d+", parts))), parts


def test_the_layers_are_those_that_are_checked() -> None:
    """docs/design.md draws the layers in the order of the import contract."""
    contract = re.search(
        r"^layers = \[\n(.*?)^\]", read("pyproject.toml"), re.DOTALL | re.MULTILINE
    )
    assert contract
    layers = re.findall(r'"([^"]+)"', contract[1])
    drawn = next(block for block in blocks(read("docs/design.md")) if block.startswith("netfhir."))
    said = [re.split(r"\s{2,}", line)[0] for line in drawn.splitlines()]
    assert [set(line.split(" | ")) for line in said] == [
        set(layer.split(" | ")) for layer in layers
    ]


def test_no_path_of_one_machine() -> None:
    """No file of the project names a path that only one machine has."""
    assert _holding(MACHINE_PATH, tracked()) == []


def test_no_address_of_a_package_index() -> None:
    """No file that installs something names an index: whoever installs chooses it."""
    files = [path for path in tracked() if path.name.endswith(INSTALL_FILES)]
    assert ROOT / "pyproject.toml" in files
    assert _holding(INDEX_ADDRESS, files) == []


def _holding(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    found = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if pattern.search(text):
            found.append(str(path.relative_to(ROOT)))
    return found
