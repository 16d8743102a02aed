"""The run journal: one JSON line an event, of named and harmless fields only.

A field that is not on the list never reaches a line: no resource, no identifier, no value can.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping
    from datetime import datetime
    from pathlib import Path

ALLOWED: Final = frozenset(
    {
        "event",
        "time",
        "run",
        "command",
        "trial",
        "server",
        "types",
        "counts",
        "seconds",
        "exit_status",
        "code",
        "where",
        "version",
    }
)


@contextmanager
def journal(
    path: Path, now: Callable[[], datetime], **context: str
) -> Iterator[structlog.typing.FilteringBoundLogger]:
    """Yield a logger that appends to `path`, made with mode 0600, with `context` on each line."""
    path.touch(mode=0o600, exist_ok=True)
    with path.open("ab") as file:
        logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            structlog.BytesLogger(file),
            processors=[_timed(now), _allowed, _line],
            wrapper_class=structlog.make_filtering_bound_logger(0),
        ).bind(**context)
        yield logger


def _timed(now: Callable[[], datetime]) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        return {"time": now().isoformat(timespec="seconds"), **event}

    return add


def _allowed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key in ALLOWED}


def _line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    return orjson.dumps(event, default=str)
