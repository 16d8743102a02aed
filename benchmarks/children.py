"""Processes that a benchmark starts: a command with what it used, and the null server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netfhir import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Used:
    """What a finished child used: CPU of user and system, and its peak resident memory."""

    cpu_s: float
    peak_mb: float


def used_by(command: Sequence[str], *, allowed: Sequence[int] = (0,)) -> Used:
    """Run a netfhir command to its end, its output unread. Raises SystemExit if it fails."""
    netfhir = str(Path(sys.executable).parent / "netfhir")
    told = subprocess.run(
        [sys.executable, str(_HERE / "measured.py"), netfhir, *command],
        capture_output=True,
        env=os.environ | {settings.SITE_KEY: settings.DEMO_SITE_KEY.decode()},
        check=False,
    )
    if told.returncode not in allowed:
        raise SystemExit(f"netfhir {command[0]} failed:\n{told.stderr.decode()}")
    found = json.loads(told.stdout)
    return Used(found["cpu_s"], found["peak_mb"])


@contextmanager
def null_server() -> Iterator[str]:
    """Yield the base address of a null server in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, str(_HERE / "null_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with server:
        if server.stdout is None or server.stdin is None:
            raise SystemExit("the null server has no pipes")
        yield server.stdout.readline().decode().strip()
        server.stdin.close()
