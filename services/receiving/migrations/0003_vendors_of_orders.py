"""Shipments are known by their vendor's id, not by a name that can change."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column("expected_orders", sa.Column("vendor_id", sa.Uuid(), nullable=True))
