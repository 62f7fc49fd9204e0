"""Imports of files: what was uploaded, how far it is, how each row ended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_INSTANT = sa.DateTime(timezone=True)
_FIGURES = ("bytes", "rows_read", "rows_checked", "rows_done", "accepted", "unchanged", "rejected")


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text()),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("header", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _FIGURES),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.JSONB(), nullable=False),
        sa.Column("through", sa.Text()),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        schema="chassis",
    )
    op.create_index("imports_latest", "imports", ["created_at", "id"], schema="chassis")
    op.create_index(
        "imports_under_way",
        "imports",
        ["state"],
        schema="chassis",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "import_chunks",
        sa.Column("import_id", sa.Uuid(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        schema="chassis",
    )
    op.create_table(
        "import_verdicts",
        sa.Column("import_id", sa.Uuid(), primary_key=True),
        sa.Column("row", sa.BigInteger(), primary_key=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text()),
        sa.Column("field", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.Column("content", sa.Text()),
        schema="chassis",
    )
    op.create_index(
        "import_verdicts_rejected",
        "import_verdicts",
        ["import_id", "row"],
        schema="chassis",
        postgresql_where=sa.text("outcome = 'rejected'"),
    )
