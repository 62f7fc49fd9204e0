"""What invoices of an order come to that say no lines: it pays for what no line bills."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column(
        "purchase_orders",
        sa.Column("invoiced_without_lines", sa.Numeric(19, 4), nullable=False, server_default="0"),
    )
    op.alter_column("purchase_orders", "invoiced_without_lines", server_default=None)
