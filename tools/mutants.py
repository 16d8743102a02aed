"""`make mutants`: changes plan, ledger states and reply classifier one place at a time.

Every change should make a test fail. Writes `docs/mutants.md`; fails below the share asked for, and
where `tests/mutants.toml` has no reason for a change that no test noticed, or one for none.
`--read` writes the document of the last run, after the reasons were edited.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "mutants"
COPIED = ("pyproject.toml", "src", "tests", "fixtures", "mappings")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "target", "node_modules")
REASONS = ROOT / "tests" / "mutants.toml"
DOCUMENT = ROOT / "docs" / "mutants.md"
LEAST_SHARE = 90.0
KILLED = frozenset({"killed", "timeout"})
UNFINISHED = frozenset({"not checked", "check was interrupted by user"})
#: Characters shown before and behind what was changed, at least: words are shown whole.
AROUND = 12
_NAME = re.compile(r"(?P<module>[\w.]+)\.x(?:ǁ(?P<kind>\w+)ǁ|_)(?P<function>\w+)__mutmut_\d+")


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change that no test noticed."""

    module: str
    function: str
    change: str
    """What stood there and what was put in its place."""

    def __str__(self) -> str:
        """Return the line that `tests/mutants.toml` gives a reason for."""
        return f"{self.module} {self.function}: {self.change}"


@dataclass(frozen=True, slots=True)
class Module:
    """What became of the mutants of one module."""

    path: str
    mutants: int
    survivors: list[Survivor]

    @property
    def killed(self) -> int:
        """Return how many made a test fail, or never end."""
        return self.mutants - len(self.survivors)


def prepare() -> None:
    """Copy what the tests need to a folder of its own: mutmut writes beside what it reads."""
    shutil.rmtree(WORK, ignore_errors=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, WORK / name, ignore=LEFT_OUT)
        else:
            WORK.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, WORK / name)


def run() -> int:
    """Run mutmut; return its status."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    mutmut = Path(sys.executable).parent / "mutmut"
    return subprocess.run([mutmut, "run"], cwd=WORK, env=environment, check=False).returncode


def modules() -> Iterator[Module]:
    """Yield what became of each module that is mutated."""
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    with contextlib.chdir(WORK):
        for path in configured["only_mutate"]:
            data = SourceFileMutationData(path=path)
            data.load()
            became = {
                name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()
            }
            if not became or UNFINISHED & set(became.values()):
                raise SystemExit(f"{path}: the run did not end; see build/mutants")
            survived = [name for name, status in became.items() if status not in KILLED]
            yield Module(path, len(became), [survivor(name, path) for name in survived])


def survivor(name: str, path: str) -> Survivor:
    """Return a mutant as a person reads it."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise SystemExit(f"a mutant of another name than expected: {name}")
    function = f"{found['kind']}.{found['function']}" if found["kind"] else found["function"]
    lines = get_diff_for_mutant(name, path=path).splitlines()[2:]
    before, after = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
    )
    return Survivor(path.removeprefix("src/netfhir/"), function, changed(before, after))


def changed(before: str, after: str) -> str:
    """Return the parts of two lines that differ, with the words that stand around them."""
    head = _same(before, after)
    tail = _same(before[head:][::-1], after[head:][::-1])
    start = before.rfind(" ", 0, max(0, head - AROUND)) + 1
    end = before[::-1].rfind(" ", 0, max(0, tail - AROUND)) + 1
    shown = [line[start : len(line) - end].strip() for line in (before, after)]
    return f"{shown[0]} → {shown[1]}"


def _same(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def reasons() -> dict[str, str]:
    """Return the reason of each survivor, by the line that names it."""
    tables = tomllib.loads(REASONS.read_text("utf-8"))["reason"]
    return {line: table["why"] for table in tables for line in table["survivors"]}


def document(found: Iterable[Module], why: Mapping[str, str]) -> str:
    """Return the page: the figures of each module, and every survivor with its reason."""
    found = list(found)
    rows = [
        *(_figures(f"`{m.path.removeprefix('src/netfhir/')}`", [m]) for m in found),
        _figures("together", found),
    ]
    survivors = Counter(s for module in found for s in module.survivors)
    listed = [
        f"| `{s.module}` | `{s.function}` | {_code(s.change)} | {count} | {why.get(str(s), '')} |"
        for s, count in survivors.items()
    ]
    return "\n".join([*_HEAD, *rows, *_MIDDLE, *listed, ""])


def _figures(name: str, found: Iterable[Module]) -> str:
    found = list(found)
    mutants, killed = sum(m.mutants for m in found), sum(m.killed for m in found)
    return (
        f"| {name} | {mutants} | {killed} | {mutants - killed} | {100 * killed / mutants:.1f} % |"
    )


def _code(change: str) -> str:
    return " → ".join(f"`{part}`" for part in change.replace("|", r"\|").split(" → "))


_HEAD = (
    "# What the tests notice",
    "",
    "Written by `make mutants`; the reasons stand in `tests/mutants.toml`. Each mutant is the",
    "program with one small change in the plan, the states of the ledger or the classifier of",
    "replies; it is killed when a test fails, or never ends. mutmut changes the bodies of",
    "functions: not tables of a module, nor functions with a decorator.",
    "",
    "| module | mutants | killed | survived | killed |",
    "|---|--:|--:|--:|--:|",
)
_MIDDLE = (
    "",
    "## What survives, and why",
    "",
    "| module | function | change | times | why no test can or need tell |",
    "|---|---|---|--:|---|",
)


def complaints(found: Iterable[Module], why: Mapping[str, str]) -> list[str]:
    """Return what is wrong: too small a share of a module, or a reason too few or too many."""
    found = list(found)
    survived = {str(s) for module in found for s in module.survivors}
    low = [m for m in found if 100 * m.killed < LEAST_SHARE * m.mutants]
    return [
        *(f"{m.path}: less than {LEAST_SHARE:.0f} % are killed" for m in low),
        *(f"without a reason: {line}" for line in sorted(survived - why.keys())),
        *(f"a reason for no survivor: {line}" for line in sorted(why.keys() - survived)),
    ]


def main(arguments: list[str]) -> int:
    """Run, write the document, and return 1 if anything is wrong."""
    if arguments != ["--read"]:
        prepare()
        if status := run():
            return status
    found, why = list(modules()), reasons()
    DOCUMENT.write_text(document(found, why), encoding="utf-8")
    wrong = complaints(found, why)
    print("\n".join([*(_figures(m.path, [m]) for m in found), _figures("together", found), *wrong]))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
