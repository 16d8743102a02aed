"""A ledger's rows, lost and made anew: what the tests of it share."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from netfhir.runs.rebuilding import opened_beside, put_in_place
from netfhir.sync.rebuild import Rebuild, Rebuilt
from netfhir.sync.retrying import Retry
from small_trial import QUICK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from netfhir.hospital.client import Client
    from netfhir.sync.ledger import Ledger
    from netfhir.sync.staging import Staged
    from small_trial import Site

COLUMNS = (
    "resource_type, id, server_id, state, digest_acked, digest_sent, version_id, elements_acked"
)


def ledger_of(site: Site) -> Path:
    """Return where the ledger lies."""
    return site.state / "T@srv" / "ledger.sqlite"


def rows_of(site: Site, columns: str = COLUMNS) -> list[Any]:
    """Return the ledger's rows."""
    with closing(sqlite3.connect(ledger_of(site))) as connection:
        return connection.execute(
            f"SELECT {columns} FROM resource ORDER BY 1, 2"  # noqa: S608 - our own words
        ).fetchall()


def lose(site: Site) -> None:
    """Remove the ledger; the mark beside it stays."""
    for file in ledger_of(site).parent.glob("ledger.sqlite*"):
        file.unlink()


def rebuilt(site: Site, rows: Sequence[Staged], *, replace: bool = False) -> Rebuilt:
    """Make the ledger anew from the server and these rows."""
    site.opens = lambda path, owner, now: opened_beside(path, owner, now, replace=replace)
    try:
        with site.run(rows) as (apply, _):
            types = {row.resource_type for row in rows} | {"Observation"}
            ledger, client = cast("Ledger", apply.ledger), cast("Client", apply.client)
            run = Rebuild(apply.staging, ledger, client, apply.terms, types, Retry(QUICK))
            found = run.run()
            put_in_place(ledger)
    finally:
        site.opens = None
    return found
