"""A circuit breaker: a server in trouble is left alone, and asked now and then whether it is well.

Source: section "Reliability" of the server notes: half of twenty calls, or five connections in a
row; then one call at a time.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from netfhir.clock import elapsed_s
from netfhir.errors import TemporaryError

_CALLS = 20
_SHARE = 0.5
_UNANSWERED = 5
#: The wait doubles up to this many times the first one, and so often a probe may fail.
_LONGEST = 8
_PROBES = 12
CODE = "server-in-trouble"


@dataclass(slots=True)
class Breaker:
    """Of one server, shared by all workers; closed while calls go through."""

    first_wait_s: float
    """Before the first probe."""
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=_CALLS))
    """Whether each of the last calls failed."""
    _unanswered: int = 0
    _failed_probes: int | None = None
    """None while it is closed."""
    _probing: bool = False
    _open_until: float = 0.0
    _where: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def await_turn(self, stop: threading.Event) -> None:
        """Return when a call may be made.

        Raises TemporaryError once no probe found the server well, or the run is stopped.
        """
        while (wait_s := self._wait_s()) > 0:
            if stop.wait(wait_s):
                raise self._given_up()

    def note(self, error: TemporaryError | None) -> None:
        """Take in how a call ended; None if the server answered as a well one does."""
        failed = error is not None and (error.code == "no-answer" or error.code[:5] == "http-")
        with self._lock:
            self._unanswered = self._unanswered + 1 if failed and _is_silent(error) else 0
            self._where = error.where if error is not None else self._where
            if self._failed_probes is not None:
                self._probed(failed=failed)
                return
            self._recent.append(failed)
            full = len(self._recent) == _CALLS and sum(self._recent) >= _CALLS * _SHARE
            if full or self._unanswered >= _UNANSWERED:
                self._failed_probes = 0
                self._open_until = elapsed_s() + self.first_wait_s

    def _probed(self, *, failed: bool) -> None:
        self._probing = False
        if not failed:
            self._failed_probes = None
            self._recent.clear()
            return
        self._failed_probes = (self._failed_probes or 0) + 1
        wait_s = self.first_wait_s * min(2**self._failed_probes, _LONGEST)
        self._open_until = elapsed_s() + wait_s

    def _wait_s(self) -> float:
        with self._lock:
            if self._failed_probes is None:
                return 0
            if self._failed_probes >= _PROBES:
                raise self._given_up()
            left = self._open_until - elapsed_s()
            if left <= 0 and not self._probing:
                self._probing = True
                return 0
            return max(left, self.first_wait_s / 10)

    def _given_up(self) -> TemporaryError:
        return TemporaryError(
            CODE,
            where=self._where,
            found=f"failures at half of {_CALLS} calls, or no answer to {_UNANSWERED} in a row",
            remedy="run again when the server is well",
            sent=False,
        )


def _is_silent(error: TemporaryError | None) -> bool:
    return error is not None and error.code == "no-answer"
