"""The ledger's tables, and how an empty or older file comes to have them."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table, inspect, text

from netfhir.errors import StateError

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: The last step in `migrations/versions`.
HEAD = "0002"

_METADATA = MetaData()

RESOURCE = Table(
    "resource",
    _METADATA,
    Column("resource_type", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("server_id", String),
    Column("state", String),
    Column("digest_acked", LargeBinary),
    Column("digest_sent", LargeBinary),
    Column("version_id", String),
    Column("attempts", Integer),
    Column("reason", String),
    Column("where", String),
    Column("run_id", Integer),
    Column("updated_at", String),
    Column("elements_acked", LargeBinary),
    Column("elements_sent", LargeBinary),
    Column("first_at", String, server_default=""),
    Column("provenance", String, server_default=""),
)
LEASE = Table(
    "lease",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("holder", String),
    Column("fence", Integer),
    Column("expires_at", Float),
)
RUN = Table(
    "run",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("started", String),
    Column("finished", String),
    Column("counts", String),
    Column("not_before", String, server_default=""),
)
ORIGIN = Table(
    "origin",
    _METADATA,
    Column("run_id", Integer, primary_key=True),
    Column("facts", String),
)
OWNER = Table(
    "owner",
    _METADATA,
    Column("trial", String),
    Column("server", String),
    Column("key_check", LargeBinary),
)


def migrate(connection: Connection, where: str) -> None:
    """Bring the file to the last step. Raises StateError (74) for one that is newer than that."""
    seen = version(connection)
    if seen == HEAD:
        return
    if seen is not None and seen not in steps():
        raise StateError(
            "ledger-newer",
            where=where,
            found=f"a ledger of schema {seen}",
            expected=f"at most {HEAD}",
            remedy="use the newer netfhir that wrote it",
        )
    upgrade(connection)


def version(connection: Connection) -> str | None:
    """Return the last step that this file has seen, None of an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def steps() -> set[str]:
    """Return every step that this netfhir knows."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - slow, and needed once a file

    return {step.revision for step in ScriptDirectory(_folder()).walk_revisions()}


def upgrade(connection: Connection) -> None:
    """Apply the steps that are missing, in the connection's transaction."""
    from alembic import command  # noqa: PLC0415 - slow, and needed once a file
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", _folder())
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _folder() -> str:
    return str(resources.files("netfhir.sync") / "migrations")
