"""A run that is asked to end: the first signal in order, the second at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Request, Response

    from command_line import Flow

WORKERS = 4
"""How many bundles may be in flight."""
SOURCE = Path(__file__).resolve().parents[2] / "src"


@dataclass
class Gate:
    """A fault that holds a write back until it is let go."""

    arrived: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _request: Request, process: Callable[[], Response]) -> Response:
        """Wait, then handle the request."""
        self.arrived.set()
        assert self.go.wait(60)
        return process()


@pytest.fixture
def gate(flow: Flow) -> Gate:
    """Return a gate before the first write."""
    made = Gate()
    flow.store.faults.append(made)
    return made


def _begun(flow: Flow, gate: Gate) -> subprocess.Popen[str]:
    """Begin an apply as a process, and wait until its first write has arrived."""
    given = ("--format", "redcap", "--source", flow.export.path, "--server", flow.store.base_url)
    where = ("--crosswalk", flow.crosswalk.path, "--state", flow.state, "--json")
    process = subprocess.Popen(
        [sys.executable, "-m", "netfhir", "apply", flow.trial, *map(str, (*given, *where))],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert gate.arrived.wait(60)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_ends_in_order(flow: Flow, gate: Gate, number: int) -> None:
    """What is in flight is settled, the rest is pending: 75, and the next run goes on."""
    with _begun(flow, gate) as process:
        process.send_signal(number)
        gate.go.set()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    document = json.loads(out)
    assert document["summary"]["balanced"] is True
    assert document["summary"]["outcomes"].keys() <= {"acknowledged", "pending"}
    assert document["open"] == 0
    assert [error["code"] for error in document["stopped_by"]] == ["interrupted"]
    assert 1 <= len(flow.store.writes) <= WORKERS
    assert flow("apply").status == 0
    assert flow("verify").status == 0


def test_the_second_signal_ends_at_once(flow: Flow, gate: Gate) -> None:
    """What is in flight stays open, and the next run settles it."""
    with _begun(flow, gate) as process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        while process.poll() is None:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM
    gate.go.set()
    ran = flow("apply", "--json")
    assert ran.status == 0
    assert ran.document["resumed"] > 0
    assert flow("verify").status == 0
