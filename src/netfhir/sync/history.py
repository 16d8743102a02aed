"""The runs that a ledger has seen: begun, ended, and when the server wants the next one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from netfhir.errors import StateError, TemporaryError
from netfhir.sync.mark import Mark
from netfhir.sync.schema import LEASE, RUN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

#: A server that asks for more is asked again after this: it may have mistyped a year.
LONGEST_WAIT = timedelta(days=1)


def start(connection: Connection, now: datetime, least: int) -> int:
    """Note that a run begins; return its number, greater than `least` and any before.

    Raises TemporaryError (75) before the time that the server asked for.
    """
    last = connection.execute(select(RUN).order_by(RUN.c.id.desc()).limit(1)).one_or_none()
    if last is not None and last.not_before and datetime.fromisoformat(last.not_before) > now:
        raise TemporaryError(
            "not-before",
            where="ledger",
            found=f"the server asked to be left alone until {last.not_before}",
            remedy="run again after that",
            sent=False,
        )
    number = max(int(last.id) if last is not None else 0, least) + 1
    connection.execute(insert(RUN).values(id=number, started=_stamp(now)))
    return number


def finish(
    connection: Connection, run: int, now: datetime, counts: Mapping[str, object], wait_s: float
) -> None:
    """Note that a run ended, with its sums, and how long the server wants to be left alone."""
    wait = min(timedelta(seconds=wait_s), LONGEST_WAIT)
    connection.execute(
        update(RUN)
        .where(RUN.c.id == run)
        .values(
            finished=_stamp(now),
            counts=json.dumps(counts, sort_keys=True),
            not_before=_stamp(now + wait) if wait_s else "",
        )
    )


def check_mark(connection: Connection, mark: Mark, where: str) -> None:
    """Raise StateError (74) for a ledger that does not know what the mark does."""
    found = _reached(connection)
    if mark.is_beyond(found):
        raise StateError(
            "ledger-older",
            where=where,
            found=f"a ledger that ends with run {found.run}, where run {mark.run} was seen",
            expected="the ledger that was used last: a restored one does not know what was sent",
            remedy="put the newest one back, or make it anew with `netfhir ledger rebuild`",
        )


def _reached(connection: Connection) -> Mark:
    run = connection.execute(select(RUN).order_by(RUN.c.id.desc()).limit(1)).one_or_none()
    fence = connection.execute(select(func.coalesce(func.max(LEASE.c.fence), 0))).scalar_one()
    if run is None:
        return Mark(fence=int(fence))
    return Mark(int(run.id), run.finished is not None, int(fence))


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
