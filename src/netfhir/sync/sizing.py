"""How many entries a bundle has: fewer when the server is slow or fails, more when it is quick.

Source: section "Starting defaults" of the server notes: time, not a count, is what is kept.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

_SLOW_S = 3.0
_QUICK_S = 0.5
_RECENT = 20


@dataclass(slots=True)
class Size:
    """The present size, between 1 and what the server's profile allows; shared by all workers."""

    most: int
    entries: int = field(init=False)
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Begin with what the profile allows."""
        self.entries = self.most

    def took(self, seconds: float) -> None:
        """Note how long a bundle took: half after a slow one, double when 19 of 20 were quick."""
        with self._lock:
            self._recent.append(seconds)
            if seconds > _SLOW_S:
                self._set(self.entries // 2)
            elif len(self._recent) == _RECENT and sorted(self._recent)[-2] < _QUICK_S:
                self._set(self.entries * 2)

    def failed(self) -> None:
        """Note a bundle without an answer, or with a failure that a smaller one may not meet."""
        with self._lock:
            self._set(self.entries // 2)

    def _set(self, entries: int) -> None:
        self.entries = min(max(entries, 1), self.most)
        self._recent.clear()
