"""The first schema: rows, runs and whose ledger it is."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the three tables."""
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
        sa.CheckConstraint("state IN ('in-flight', 'acked', 'dead', 'unknown', 'conflict')"),
        sqlite_with_rowid=False,
    )
    op.create_index("unsettled", "resource", ["state"], sqlite_where=sa.text("state <> 'acked'"))
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("started", sa.String, nullable=False),
        sa.Column("finished", sa.String),
        sa.Column("counts", sa.String),
    )
    op.create_table(
        "owner",
        sa.Column("trial", sa.String, nullable=False),
        sa.Column("server", sa.String, nullable=False),
        sa.Column("key_check", sa.LargeBinary, nullable=False),
    )
