"""The second schema: digests by element, tombstones, Provenance owed, lease, not-before."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_STATES = (
    "state IN ('in-flight', 'acked', 'dead', 'unknown', 'conflict', 'dropped', 'retracted',"
    " 'deleted')"
)


def upgrade() -> None:
    """Make the rows' table anew, for SQLite cannot change a constraint, and add the lease."""
    op.drop_index("unsettled", "resource")
    op.rename_table("resource", "resource_0001")
    op.create_table(
        "resource",
        sa.Column("resource_type", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("server_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("digest_acked", sa.LargeBinary),
        sa.Column("digest_sent", sa.LargeBinary, nullable=False),
        sa.Column("version_id", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("where", sa.String, nullable=False),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.String, nullable=False),
        sa.Column("elements_acked", sa.LargeBinary),
        sa.Column("elements_sent", sa.LargeBinary),
        sa.Column("first_at", sa.String, nullable=False, server_default=""),
        sa.Column("provenance", sa.String, nullable=False, server_default=""),
        sa.CheckConstraint(_STATES),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO resource SELECT *, NULL, NULL, updated_at, '' FROM resource_0001")
    op.drop_table("resource_0001")
    op.create_index("unsettled", "resource", ["state"], sqlite_where=sa.text("state <> 'acked'"))
    op.create_table(
        "lease",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.CheckConstraint("id = 1"),
    )
    op.add_column("run", sa.Column("not_before", sa.String, nullable=False, server_default=""))
    op.create_table(
        "origin",
        sa.Column("run_id", sa.Integer, primary_key=True),
        sa.Column("facts", sa.String, nullable=False),
    )
