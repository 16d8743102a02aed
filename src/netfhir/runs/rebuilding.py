"""`ledger rebuild`: a new ledger made beside the old one, and put in its place when it is whole."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from netfhir import clock, mappers
from netfhir.errors import StateError
from netfhir.runs.syncing import work
from netfhir.sync.ledger import Ledger
from netfhir.sync.mark import synced
from netfhir.sync.rebuild import Rebuild
from netfhir.sync.retrying import Patience, Retry

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from netfhir.mappers import MappingSite
    from netfhir.runs.opening import Input
    from netfhir.runs.pipeline import Account
    from netfhir.runs.syncing import Target
    from netfhir.sync.ledger import Owner
    from netfhir.sync.rebuild import Rebuilt

#: What is wrong with a ledger, and no reason to make it anew: it belongs to somebody else.
_NOT_OURS = frozenset({"ledger-owner", "ledger-newer"})


_NEW = ".new"


@dataclass(frozen=True, slots=True)
class Done:
    """What a rebuilding came to, and where the ledger before it is kept, if there was one."""

    rebuilt: Rebuilt
    account: Account
    aside: Path | None


def rebuild(site: MappingSite, given: Input, target: Target, *, replace: bool) -> Done:
    """Make the ledger anew from the server and the export.

    Raises StateError (74) for a healthy one, unless `replace`.
    """
    types = {kind for kinds in mappers.emitted().values() for kind in kinds}
    with work(site, given, target, opens=partial(opened_beside, replace=replace)) as work_:
        staged = set(work_.staging.counts())
        retry = Retry(Patience())
        run = Rebuild(work_.staging, work_.ledger, work_.client, work_.terms, types | staged, retry)
        rebuilt = run.run()
        return Done(rebuilt, work_.account, put_in_place(work_.ledger))


def opened_beside(
    path: Path, owner: Owner, now: Callable[[], datetime], *, replace: bool
) -> Ledger:
    """Return an empty ledger beside the one at `path`; StateError (74) as `rebuild` says."""
    if not replace:
        _refuse_healthy(path, owner, now)
    for old in path.parent.glob(f"{path.name}{_NEW}*"):
        old.unlink()
    return Ledger.anew(path.with_name(path.name + _NEW), owner, now)


def put_in_place(ledger: Ledger) -> Path | None:
    """Close the new ledger and give it the old one's place; return where that is kept."""
    ledger.close()
    path = ledger.path.with_name(ledger.path.name.removesuffix(_NEW))
    aside = _set_aside(path, clock.now())
    ledger.path.rename(path)
    synced(path.parent)
    ledger.reached.write(path.with_name("mark"))
    return aside


def _refuse_healthy(path: Path, owner: Owner, now: Callable[[], datetime]) -> None:
    if not path.is_file() or not path.stat().st_size:
        return
    try:
        Ledger.open(path, owner, now).close()
    except StateError as error:
        if error.code in _NOT_OURS:
            raise
        return
    raise StateError(
        "ledger-healthy",
        where=str(path),
        found="a ledger that is whole",
        expected="one that is lost, damaged or old",
        remedy="keep it; or set it aside and make another with --replace",
    )


def _set_aside(path: Path, now: datetime) -> Path | None:
    """Rename the old ledger; what belongs to it goes first, lest the new one take it over."""
    aside = path.with_name(f"{path.name}.{now:%Y%m%dT%H%M%SZ}")
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    if not path.is_file():
        return None
    path.rename(aside)
    return aside
