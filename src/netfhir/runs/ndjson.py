"""Resources as files, one a type, readable by their owner alone."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write(resources: Iterable[tuple[str, bytes]], out: Path) -> dict[str, int]:
    """Write each (type, body) as a line of `<Type>.ndjson`; return how many of each type.

    The folder is made with mode 0700; files of types from an earlier run are removed.
    """
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in out.glob("[A-Z]*.ndjson"):
        old.unlink()
    counts: dict[str, int] = {}
    with ExitStack() as files:
        opened: dict[str, BinaryIO] = {}
        for resource_type, body in resources:
            if resource_type not in opened:
                path = out / f"{resource_type}.ndjson"
                opened[resource_type] = files.enter_context(private(path))
            opened[resource_type].write(body + b"\n")
            counts[resource_type] = counts.get(resource_type, 0) + 1
    return counts


def private(path: Path) -> BinaryIO:
    """Open an empty file for writing that its owner alone may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(descriptor, "wb")
