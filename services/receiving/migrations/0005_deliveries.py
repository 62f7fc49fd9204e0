"""Deliveries as they come: on which day."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0007"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column("receipts", sa.Column("received_on", sa.Date(), nullable=True))
    # Receipts never change, but for what is told of them from now on.
    op.execute("ALTER TABLE receipts DISABLE TRIGGER USER")
    op.execute("UPDATE receipts SET received_on = (received_at AT TIME ZONE 'UTC')::date")
    op.execute("ALTER TABLE receipts ENABLE TRIGGER USER")
    op.alter_column("receipts", "received_on", nullable=False)
