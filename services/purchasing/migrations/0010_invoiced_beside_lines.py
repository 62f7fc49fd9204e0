"""What invoices of an order come to that bill no line of it, and their freight: it pays for what no line bills."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    for name in ("invoiced_beside_lines", "invoiced_freight"):
        op.add_column(
            "purchase_orders", sa.Column(name, sa.Numeric(19, 4), nullable=False, server_default="0")
        )
        op.alter_column("purchase_orders", name, server_default=None)
