"""Deliveries as they come: on which day, and more than anybody expected."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column("expected_orders", sa.Column("vendor_number", sa.Text(), nullable=True))
    op.create_index(
        "expected_units_by_tag", "expected_units", ["tag"], postgresql_where=sa.text("tag IS NOT NULL")
    )
    op.add_column("receipts", sa.Column("invoice_id", sa.Uuid(), nullable=True))
    op.add_column("receipts", sa.Column("received_on", sa.Date(), nullable=True))
    # Receipts never change, but for what is told of them from now on.
    op.execute("ALTER TABLE receipts DISABLE TRIGGER USER")
    op.execute("UPDATE receipts SET received_on = (received_at AT TIME ZONE 'UTC')::date")
    op.execute("ALTER TABLE receipts ENABLE TRIGGER USER")
    op.alter_column("receipts", "received_on", nullable=False)
    _strictness()
    _unexpected_deliveries()
    op.create_table(
        "deliveries_in_parts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.Column("told", postgresql.JSONB(), nullable=False),
        sa.Column("staged", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "invoiced_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("vendor_number", sa.Text(), nullable=False),
        sa.Column("invoiced_on", sa.Date(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("order_ids", postgresql.JSONB(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("received", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("invoiced_deliveries_by_order", "invoiced_deliveries", ["order_id"])


def _strictness() -> None:
    op.create_table(
        "receiving_policies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("full_delivery_only", postgresql.JSONB(), nullable=False),
        sa.Column("stale_after_days", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "receipt_tolerances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("vendor_number", sa.Text(), nullable=True),
        sa.Column("percent", sa.Numeric(7, 4), nullable=True),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _unexpected_deliveries() -> None:
    op.create_table(
        "unexpected_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("vendor_name", sa.Text(), nullable=True),
        sa.Column("delivery_note", sa.Text(), nullable=True),
        sa.Column("units", postgresql.JSONB(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("storage_space", sa.Text(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rma", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('recorded', 'attached', 'returned')", name="status_is_known"),
        sa.CheckConstraint(
            "why IN ('beyond_tolerance', 'needs_approval', 'nothing_open', 'no_order')", name="why_is_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("unexpected_deliveries_by_number", "unexpected_deliveries", ["number"], unique=True)
    op.create_index("unexpected_deliveries_by_order", "unexpected_deliveries", ["order_id"])
    op.create_index(
        "unexpected_deliveries_recorded",
        "unexpected_deliveries",
        ["number"],
        postgresql_where=sa.text("status = 'recorded'"),
    )
