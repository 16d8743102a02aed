"""The project's documents as tests read them: their lines, tables, code blocks and commands."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = tuple(
    sorted(
        path
        for folder in (ROOT, ROOT / "docs", ROOT / "fixtures", ROOT / "benchmarks")
        for path in folder.glob("*.md")
    )
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?:^    .+\n)+", re.MULTILINE)
_MARKED = re.compile(r"<!-- (?P<mark>\w+): (?P<what>[^>]+) -->\n(?P<text>(?:.+\n?)+)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def tracked() -> list[Path]:
    """Return the files that belong to the project: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [path for name in listed if (path := ROOT / name).is_file()]


def read(name: str) -> str:
    """Return a document's text."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str | None = None) -> list[str]:
    """Return the code blocks, fenced ones of a language or all, indented ones included."""
    fenced = [body for name, body in _FENCE.findall(text) if language in (None, name)]
    return fenced if language else fenced + _INDENTED.findall(_FENCE.sub("", text))


def commands(text: str, program: str) -> Iterator[list[str]]:
    """Yield the command lines of a program in code blocks, split into words."""
    for block in blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            bare = line.strip().removeprefix(".venv/bin/")
            if bare.startswith(f"{program} "):
                yield shlex.split(bare, comments=True)


def spans(text: str) -> list[str]:
    """Return what stands in back-ticks within lines."""
    return re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))


def anchors(path: Path) -> set[str]:
    """Return the anchors that a Markdown page has, as GitHub makes them from headings."""
    headings = _HEADING.findall(_FENCE.sub("", path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@dataclass(frozen=True)
class Marked:
    """A part of a document under `<!-- mark: what -->`, down to the next blank line."""

    what: str
    text: str

    def rows(self) -> list[list[str]]:
        """Return the cells of its table, the head left out, back-ticks taken off."""
        lines = [line for line in self.text.splitlines() if line.startswith("|")][2:]
        split = (re.split(r"(?<!\\)\|", line.strip("|")) for line in lines)
        return [[cell.strip().strip("`").replace("\\|", "|") for cell in row] for row in split]


def marked(name: str, mark: str) -> list[Marked]:
    """Return the parts of a document that carry this mark."""
    found = _MARKED.finditer(read(name))
    return [Marked(part["what"], part["text"]) for part in found if part["mark"] == mark]


def named(dotted: str) -> Any:
    """Return what a dotted name stands for."""
    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)
