"""`make check`: format, lint, types, layers, tests, with the minutes of each step.

Tests run folder by folder, so that the time of each is seen; each of the two processes starts the
servers that its files need.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CODE = ("src", "tests", "tools", "fixtures", "benchmarks", "setup.py")
PARALLEL = ("-n", "2", "--dist", "loadfile")
STEPS: dict[str, list[str]] = {
    "format": ["ruff", "format", "--quiet", "--check", *CODE],
    "lint": ["ruff", "check", "--quiet", *CODE],
    "types": ["mypy"],
    "layers": ["lint-imports"],
    "tests/unit": ["pytest", "-q", *PARALLEL, "tests/unit"],
    "tests/docs": ["pytest", "-q", "tests/docs"],
    "tests/contract": ["pytest", "-q", *PARALLEL, "tests/contract"],
    "tests/property": ["pytest", "-q", *PARALLEL, "tests/property"],
    "tests/e2e": ["pytest", "-q", *PARALLEL, "tests/e2e"],
    "tests/servers": ["pytest", "-q", *PARALLEL, "tests/servers"],
}


def main() -> int:
    """Run every step, even after a failure; return 1 if any failed."""
    times: dict[str, tuple[float, int]] = {}
    for name, (tool, *arguments) in STEPS.items():
        print(f"── {name}", flush=True)
        begun = time.monotonic()
        status = subprocess.run([BIN / tool, *arguments], cwd=ROOT, check=False).returncode
        times[name] = (time.monotonic() - begun, status)
    print("── in all")
    for name, (seconds, status) in times.items():
        print(f"  {name:<16} {seconds / 60:5.1f} min  {'ok' if not status else 'FAILED'}")
    total = sum(seconds for seconds, _ in times.values())
    print(f"  {'together':<16} {total / 60:5.1f} min")
    return int(any(status for _, status in times.values()))


if __name__ == "__main__":
    sys.exit(main())
