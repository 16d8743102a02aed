"""Signals that end a run: the first one in order, the second one at once."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netfhir.errors import TemporaryError
from netfhir.sync.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from netfhir.sync.apply import Result

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class Asked:
    """Whether a signal asked the run to end; `stop` tells the run."""

    stop: threading.Event = field(default_factory=threading.Event)
    by_signal: bool = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        if self.by_signal:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.by_signal = True
        self.stop.set()

    def told(self, result: Result) -> Result:
        """Return the result of a run, saying so if a signal left some of it undone."""
        if self.by_signal and result.summary.count(Outcome.PENDING):
            result.stopped_by.append(
                TemporaryError(
                    "interrupted",
                    where="run",
                    found="a signal that asked the run to end",
                    remedy="run again: it goes on where this one ended",
                    sent=False,
                )
            )
        return result


@contextmanager
def asked() -> Iterator[Asked]:
    """Yield what SIGTERM and Ctrl-C set, within the block; only the main thread can be asked."""
    found = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    before = {number: signal.signal(number, found) for number in _SIGNALS}
    try:
        yield found
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
