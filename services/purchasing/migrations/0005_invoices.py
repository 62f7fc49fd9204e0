"""Invoices, tolerances."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "tolerances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("vendor_number", sa.Text(), nullable=True),
        sa.Column("percent", sa.Numeric(precision=7, scale=4), nullable=True),
        sa.Column("amount", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.CheckConstraint(
            "difference IN ('total', 'line_quantity', 'line_price', 'tax', 'freight', 'currency',"
            " 'over_invoiced', 'invoiced_not_received', 'received_not_invoiced', 'unknown_line')",
            name="difference_is_known",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
