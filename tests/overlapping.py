"""A run in a process of its own, forked from one that has imported all: stopped, continued, ended.

`Children` begins such processes; `run` is what they do.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from netfhir.errors import NetfhirError
from netfhir.sync.sending import Pace
from small_trial import QUICK, Site, trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

LEASE_S = 0.5
OBSERVATIONS = 40
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["small_trial", "overlapping"])
_LONGEST_S = 60.0


def run(base_url: str, state: str, value: str, workers: int, lease_s: float) -> None:
    """Apply the small trial with one value; end as the command line would."""
    pace = Pace(bundle_entries=10, workers=workers, patience=QUICK)
    site = Site(Path(state), base_url, pace=pace)
    try:
        with site.run(trial(OBSERVATIONS, value)) as (apply, _):
            apply.lease_s = lease_s
            status = apply.run().exit_status
    except NetfhirError as error:
        (Path(state) / f"said-{os.getpid()}").write_text(str(error), encoding="utf-8")
        status = error.exit_status
    sys.exit(status)


@dataclass(frozen=True)
class Child:
    """One run at work."""

    process: BaseProcess
    state: Path

    @property
    def pid(self) -> int:
        """Return the process's number."""
        assert self.process.pid
        return self.process.pid

    def stop(self) -> None:
        """Stop it where it is."""
        os.kill(self.pid, signal.SIGSTOP)

    def is_stopped(self) -> bool:
        """Return whether it is stopped."""
        stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        return stat.rpartition(")")[2].split()[0] == "T"

    def go_on(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.join()

    def ended(self) -> int:
        """Wait for its end; return its exit status."""
        self.process.join(_LONGEST_S)
        assert self.process.exitcode is not None
        return self.process.exitcode

    def said(self) -> str:
        """Return the error that ended it."""
        path = self.state / f"said-{self.pid}"
        return path.read_text(encoding="utf-8") if path.is_file() else ""


@dataclass
class Children:
    """The runs of a test; those that are left at its end are killed."""

    base_url: str
    state: Path
    begun: list[Child] = field(default_factory=list)

    def run(self, value: str, workers: int = 4, lease_s: float = LEASE_S) -> Child:
        """Begin a run."""
        arguments = (self.base_url, str(self.state), value, workers, lease_s)
        process = _FORKS.Process(target=run, args=arguments)
        process.start()
        self.begun.append(Child(process, self.state))
        return self.begun[-1]

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill what is left."""
        for child in self.begun:
            child.kill()


def await_that(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + _LONGEST_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)
