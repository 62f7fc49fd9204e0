"""The walk through invoices that wait for a person, and an index that finds them one after another."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "invoice_walks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("went_on_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendors", postgresql.JSONB(), nullable=False),
        sa.Column("unrated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("invoices_recorded", "invoices", ["id"], postgresql_where=sa.text("status = 'recorded'"))
