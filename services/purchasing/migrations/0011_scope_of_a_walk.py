"""What the walk through invoices that goes on is about: one that replaces it, if it is lost, is about that too."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column(
        "invoice_walks",
        sa.Column("walking_vendors", postgresql.JSONB(), nullable=False, server_default="[]"),
    )
    op.add_column(
        "invoice_walks",
        sa.Column("walking_unrated", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.alter_column("invoice_walks", "walking_vendors", server_default=None)
    op.alter_column("invoice_walks", "walking_unrated", server_default=None)
