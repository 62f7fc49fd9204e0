"""Amendments of submitted orders, with their diffs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "order_amendments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amended_by", sa.Text(), nullable=False),
        sa.Column("amended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        sa.Column("total", sa.Numeric(19, 4), nullable=False),
        sa.Column("expected_cost", sa.Numeric(19, 4), nullable=False),
        sa.Column("awaits", postgresql.JSONB(), nullable=False),
        sa.Column("wish", postgresql.JSONB(), nullable=True),
        sa.Column("items", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("status IN ('waiting', 'applied', 'refused')", name="status_is_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("order_amendments_by_order", "order_amendments", ["order_id", "revision"], unique=True)
