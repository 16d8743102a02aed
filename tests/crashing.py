"""Runs that die at a chosen point, in a forked child: the flow is the product's.

A point is a call of a collaborator, before or after it. Which points there are is found by watching
a run that dies nowhere, so that a step added to the protocol is struck too.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netfhir.sync.apply import Apply, Keeps, Stages
    from netfhir.sync.sending import Writes
    from netfhir.sync.staging import Staged
    from small_trial import Site

DIED = 86


class Point(NamedTuple):
    """The n-th call of a collaborator's method, and the side on which the run dies."""

    side: Literal["before", "after"]
    who: str
    method: str
    nth: int

    def __str__(self) -> str:
        """Return a name that a person can read."""
        return f"{self.side} {self.who}.{self.method} {self.nth}"


@dataclass
class Watch:
    """Counts calls; keeps every point it passes, and dies at one."""

    dies_at: Point | None = None
    passed: list[Point] = field(default_factory=list)
    _calls: Counter[tuple[str, str]] = field(default_factory=Counter)

    def call(self, who: str, method: str, run: Callable[[], Any]) -> Any:
        """Make the call; end the process without a word at the chosen point."""
        self._calls[who, method] += 1
        nth = self._calls[who, method]
        self._pass(Point("before", who, method, nth))
        done = run()
        self._pass(Point("after", who, method, nth))
        return done

    def _pass(self, point: Point) -> None:
        self.passed.append(point)
        if point == self.dies_at:
            os._exit(DIED)


class Watched:
    """A collaborator whose every call is watched."""

    def __init__(self, inner: object, who: str, watch: Watch) -> None:
        """Wrap it."""
        self._inner, self._who, self._watch = inner, who, watch

    def __getattr__(self, name: str) -> Any:
        """Return the attribute; a method's calls are counted."""
        found = getattr(self._inner, name)
        if not callable(found):
            return found
        return lambda *given, **named: self._watch.call(
            self._who, name, lambda: found(*given, **named)
        )


def watched(apply: Apply, watch: Watch) -> Apply:
    """Return the run with all its collaborators watched."""
    apply.ledger = cast("Keeps", Watched(apply.ledger, "ledger", watch))
    apply.client = cast("Writes", Watched(apply.client, "server", watch))
    apply.staging = cast("Stages", Watched(apply.staging, "staging", watch))
    return apply


def points(site: Site, rows: Iterable[Staged]) -> list[Point]:
    """Run once and return every point that was passed, in order."""
    watch = Watch()
    with site.run(rows) as (apply, _):
        watched(apply, watch).run()
    return watch.passed


def dies(site: Site, rows: list[Staged], point: Point) -> bool:
    """Run in a forked child that dies at the point; say whether it came so far."""

    def run() -> None:
        with site.run(rows) as (apply, _):
            watched(apply, Watch(point)).run()

    return waited(forked(run)) == DIED


def forked(run: Callable[[], object]) -> int:
    """Start `run` in a forked child and return its process id; the child never comes back."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        run()
        status = 0
    finally:
        os._exit(status)


def waited(pid: int) -> int:
    """Wait for a child; return its exit status, negative for a signal."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)
