"""Amended orders, shipments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column("expected_orders", sa.Column("purchase_order_number", sa.Text(), nullable=True))
    op.add_column(
        "expected_orders", sa.Column("sequence", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.alter_column("expected_orders", "sequence", server_default=None)
    op.create_table(
        "taken_amendments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("expected_lines", sa.Column("request_id", sa.Uuid(), nullable=True))
    op.add_column("expected_lines", sa.Column("expected_on", sa.Date(), nullable=True))
    op.add_column(
        "expected_lines", sa.Column("units_made", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("UPDATE expected_lines SET units_made = ordered")
    op.alter_column("expected_lines", "units_made", server_default=None)
    op.add_column(
        "expected_lines", sa.Column("pool", postgresql.JSONB(), nullable=False, server_default="[]")
    )
    op.alter_column("expected_lines", "pool", server_default=None)
    # The dock wins: more may have been accepted than is ordered since an amendment.
    op.drop_constraint("accepted_was_ordered", "expected_lines", type_="check")
    op.create_check_constraint("units_are_numbered", "expected_lines", "units_made >= ordered")
    op.create_index(
        "expected_lines_by_request",
        "expected_lines",
        ["request_id"],
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.add_column("receipts", sa.Column("shipment_id", sa.Uuid(), nullable=True))
    op.create_table(
        "shipments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("shipment_number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("invoice_number", sa.Text(), nullable=True),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        sa.Column("dispatched_on", sa.Date(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("storage_space", sa.Text(), nullable=True),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("received", postgresql.JSONB(), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('announced', 'received')", name="status_is_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("shipments_by_number", "shipments", ["number"], unique=True)
    op.create_index("shipments_by_order", "shipments", ["order_id"])
    op.create_table(
        "tracking_numbers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
