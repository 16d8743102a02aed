"""The files of a bulk export: which there are, what an export's manifest promised, and their lines.

NDJSON, plain or gzip, in any number of files a type. Lines are read one at a time, so that memory
does not grow with the file.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from netfhir.errors import FormatError
from netfhir.screening.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = (*SHAPES, "Patient", "Consent", "Medication")
"""The resource types that bear on screening; files of others are passed by."""
LONGEST = 64 * 1024 * 1024
USUAL = 16 * 1024 * 1024
"""Bytes of a line: more is given up on, and less than this is usual."""
_NAME = re.compile(r"(?P<type>[A-Z][A-Za-z]+)(?:[._-].*)?\.ndjson(?:\.gz)?\Z")
_MANIFEST = "manifest.json"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Source:
    """One file, and the type that its name promises (empty: told by its lines)."""

    path: Path
    type: str


@dataclass(slots=True)
class Tally:
    """What was read, and what was wrong with it: by code and file, with the first line."""

    resources: Counter[str] = field(default_factory=Counter)
    problems: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str], int] = field(default_factory=dict)

    def problem(self, code: str, file: str, line: int = 0) -> None:
        """Count a problem."""
        self.problems[code, file] += 1
        self.first.setdefault((code, file), line)

    def rows(self) -> list[dict[str, Any]]:
        """Return the problems in order, as they stand in funnel.json."""
        return [
            {"code": code, "file": file, "count": count, "first_line": self.first[code, file]}
            for (code, file), count in sorted(self.problems.items())
        ]


def sources(folder: Path, *, partial: bool = False) -> list[Source]:
    """Return the files that bear on screening, in order.

    FormatError where no Patients are, unless it holds only what changed (`partial`).
    """
    found = []
    for path in sorted(folder.rglob("*.ndjson*")) if folder.is_dir() else []:
        named = _NAME.match(path.name)
        if path.is_file() and path.name.endswith((".ndjson", ".ndjson.gz")):
            kind = named["type"] if named else ""
            if kind in READ or not named:
                found.append(Source(path, kind))
    known = any(source.type in ("Patient", "") for source in found)
    if not known and not (partial and folder.is_dir()):
        raise FormatError(
            "no-patients",
            where=folder.name,
            found="no Patient.ndjson" if folder.is_dir() else "no such folder",
            expected="a folder with the NDJSON files of a bulk export, Patient among them",
            remedy="name the folder of the export with --data",
        )
    return found


def missing(folder: Path, tally: Tally) -> Iterator[str]:
    """Yield the type of each file that the export's manifest names and the folder lacks."""
    path = folder / _MANIFEST
    if not path.is_file():
        return
    try:
        outputs = json.loads(path.read_bytes())["output"]
        promised = [(str(one["type"]), str(one["url"]).rsplit("/", 1)[-1]) for one in outputs]
    except (ValueError, KeyError, TypeError):
        tally.problem("unreadable-manifest", _MANIFEST)
        yield from READ
        return
    held = {file.name.removesuffix(".gz") for file in folder.rglob("*.ndjson*")}
    for kind, name in promised:
        if name.removesuffix(".gz") not in held and kind in READ:
            tally.problem("missing-file", name)
            yield kind


def lines(source: Source, tally: Tally) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that hold something, with their number; a file that breaks off is counted."""
    name = source.path.name
    try:
        with _opened(source.path) as file:
            number = 0
            while line := file.readline(LONGEST):
                number += 1
                if number == 1 and line.startswith(_BOM):
                    tally.problem("byte-order-mark", name, 1)
                    line = line[len(_BOM) :]
                if len(line) == LONGEST:
                    _skip(file)
                    line = b"{"
                if line.strip():
                    yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        tally.problem("broken-file", name, number)
        yield number + 1, b"{"


def _opened(path: Path) -> BinaryIO:
    if path.name.endswith(".gz"):
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def _skip(file: BinaryIO) -> None:
    """Read to the end of a line that is too long, in pieces."""
    while (piece := file.readline(LONGEST)) and not piece.endswith(b"\n"):
        pass
