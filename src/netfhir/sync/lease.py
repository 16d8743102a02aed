"""The lease on a ledger: who may write, until when, and a fence that grows with each holder.

The lock of the operating system ends with its process, but a stopped process keeps it, and some
shared folders do not have it. So the ledger names its holder too, and each commit that matters
asks whether the fence is still ours. The holder measures its own time on a clock that nobody sets;
others go by the time of day that it left. Where the two disagree, the fence decides.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import insert, select, update

from netfhir.clock import elapsed_s
from netfhir.errors import NetfhirError, OverlapError
from netfhir.sync.schema import LEASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

#: How long a holder that says nothing more is believed to be at work.
LEASE_S = 60.0
#: Parts of a lease: when it is renewed, and when sending stops unless it was.
_RENEW = 1 / 4
_ENOUGH = 2 / 3
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process, so described that another one of the same machine can tell whether it lives."""

    pid: int
    started: str
    """Of the process, in the kernel's ticks."""
    place: str
    """The machine's boot and the process's namespace; empty where the system does not say."""
    since: str

    @classmethod
    def here(cls, since: str) -> Holder:
        """Return this process."""
        return cls(os.getpid(), _start_of(os.getpid()), _place(), since)

    @classmethod
    def parsed(cls, text: str) -> Holder:
        """Return the holder that a lease names."""
        return cls(**json.loads(text))

    def __str__(self) -> str:
        """Return what a lease keeps."""
        return json.dumps(asdict(self), sort_keys=True)

    def is_gone(self) -> bool:
        """Return whether it surely ended; of another machine's process nothing is sure."""
        return self.place == _place() != "" and _start_of(self.pid) != self.started


@dataclass(slots=True)
class Lease:
    """What a holder knows of its own."""

    fence: int
    length_s: float
    renewed_at: float

    def is_short(self) -> bool:
        """Return whether too little of it is left to send anything."""
        return elapsed_s() - self.renewed_at > self.length_s * _ENOUGH


def take(connection: Connection, holder: Holder, until: tuple[float, float], least: int) -> int:
    """Take the lease from now until then; return the fence, greater than `least` and any before.

    Raises OverlapError (75) while another holder's lease lasts.
    """
    now_s, expires_at = until
    row = connection.execute(select(LEASE)).one_or_none()
    if row is not None and row.expires_at > now_s:
        other = Holder.parsed(row.holder)
        if not other.is_gone():
            raise _leased(other, row.expires_at - now_s)
    fence = max(row.fence if row else 0, least) + 1
    values = {"holder": str(holder), "fence": fence, "expires_at": expires_at}
    made = update(LEASE) if row else insert(LEASE)
    connection.execute(made.values(id=1, **values))
    return fence


def check(connection: Connection, fence: int) -> None:
    """Raise OverlapError (75) if another run has taken the lease since."""
    row = connection.execute(select(LEASE)).one_or_none()
    if row is None or row.fence != fence:
        raise OverlapError(
            "lease-lost",
            where="ledger",
            found="another run has taken this state over",
            expected="the lease that this run began with",
            remedy="nothing more is sent; let the other run end, then run again",
        )


def extend(connection: Connection, fence: int, expires_at: float) -> None:
    """Renew the lease, or end it with 0. Raises OverlapError (75) if it is another's by now."""
    check(connection, fence)
    connection.execute(update(LEASE).values(expires_at=expires_at))


class Begins(Protocol):
    """What holding a lease needs of a ledger."""

    def start_run(self, lease_s: float) -> int:
        """Take the lease, and note that a run begins."""

    def renew(self) -> None:
        """Renew the lease."""


@contextmanager
def running(ledger: Begins, stop: threading.Event, length_s: float = LEASE_S) -> Iterator[None]:
    """Begin a run, and renew its lease every quarter; set `stop` where that cannot be done.

    The reason is told by the next commit, which finds the same. Raises OverlapError (75).
    """
    ledger.start_run(length_s)
    done = threading.Event()

    def beat() -> None:
        while not done.wait(length_s * _RENEW):
            try:
                ledger.renew()
            except NetfhirError:
                stop.set()
                return

    thread = threading.Thread(target=beat, name="netfhir-lease", daemon=True)
    thread.start()
    try:
        yield
    except NetfhirError:
        stop.set()
        raise
    finally:
        done.set()
        thread.join()


def _leased(other: Holder, left_s: float) -> OverlapError:
    return OverlapError(
        "leased",
        where="ledger",
        found=f"process {other.pid} holds this state since {other.since}",
        expected="one run at a time of a trial at a server",
        remedy=f"wait for it to end; if it is dead already, for {left_s:.0f} s",
    )


def _place() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """Return when a process started; "" of one that is not there."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[19]
