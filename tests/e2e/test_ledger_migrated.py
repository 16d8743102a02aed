"""A ledger of every released schema opens, and is as a fresh one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from pytest_httpserver import HTTPServer
from sqlalchemy import create_engine

from fhir_store import FhirStore
from ledger_copies import ledger_of, rows_of
from netfhir.sync import schema
from netfhir.sync.records import Outcome
from small_trial import Site, patients, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What the older schemas have of a row, and of a run.
ROW = (
    "resource_type, id, server_id, state, digest_acked, digest_sent, version_id, attempts, reason,"
    ' "where", run_id, updated_at'
)
RUN = "id, started, finished, counts"
RELEASED = ("0001",)


@pytest.fixture
def store() -> Iterator[FhirStore]:
    """Return a store that holds the patients."""
    with HTTPServer(threaded=True) as server:
        made = FhirStore(server)
        for body in patients():
            made.put(body)
        yield made


def _older(path: Path, step: str) -> None:
    """Rewrite the ledger as a netfhir of this schema would have left it."""
    copied = path.with_name("newer")
    for file in path.parent.glob("ledger.sqlite*"):
        file.rename(copied.with_name(file.name.replace("ledger.sqlite", "newer")))
    config = Config()
    config.set_main_option("script_location", str(resources.files("netfhir.sync") / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, step)
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH ? AS newer", (str(copied),))
        for table, columns in (("resource", ROW), ("run", RUN), ("owner", "*")):
            query = f"INSERT INTO main.{table} SELECT {columns} FROM newer.{table}"  # noqa: S608 - our own words
            connection.execute(query)
        connection.commit()
    path.with_name("mark").unlink()


def _layout(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master ORDER BY 1").fetchall()
        return {
            name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in tables
        }


def test_the_released_schemas_are_all_here() -> None:
    """A new step needs its row in this test."""
    assert {*RELEASED, schema.HEAD} == schema.steps()


@pytest.mark.parametrize("step", RELEASED)
def test_an_older_ledger_is_brought_up(store: FhirStore, tmp_path: Path, step: str) -> None:
    """Its rows are as they were, its tables as a fresh one's, and the next run writes nothing."""
    site = Site(tmp_path, store.base_url)
    store.refuses = lambda body: 422 if body.get("valueQuantity", {}).get("value") == 9.9 else 0
    rows = [*trial(20), *trial(1, "9.9", "refused")[-1:]]
    site.apply(rows)
    fresh, layout = rows_of(site, ROW), _layout(ledger_of(site))
    _older(ledger_of(site), step)
    store.writes.clear()
    result = site.apply(rows)
    assert (result.summary.count(Outcome.UNCHANGED), store.writes) == (len(rows) - 1, [])
    assert result.summary.count(Outcome.DEAD) + result.summary.count(Outcome.BLOCKED) == 1
    assert rows_of(site, ROW) == fresh
    assert _layout(ledger_of(site)) == layout
    assert [row[0] for row in rows_of(site, "first_at, id, id")] != [""] * len(fresh)
