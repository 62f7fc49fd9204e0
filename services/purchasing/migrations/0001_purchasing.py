"""Vendors, the catalog and purchase orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "vendors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("lead_time_days", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number", name="vendors_number"),
    )
    op.create_table(
        "catalog_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_number", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("manufacturer", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("warranty_months", sa.BigInteger(), nullable=False),
        sa.Column("asset_creation", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "asset_creation IN ('on_submission', 'on_receipt', 'never')", name="asset_creation_is_known"
        ),
        sa.CheckConstraint("kind IN ('hardware', 'software', 'consumable', 'service')", name="kind_is_known"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sku", name="catalog_items_sku"),
    )
    op.create_table(
        "exchange_rates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=19, scale=10), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.CheckConstraint("rate > 0", name="exchange_rates_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("exchange_rates_by_currency", "exchange_rates", ["currency", "base", "valid_from"])
    op.create_table(
        "request_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("approved", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.Column("cancellation", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('ordered', 'cancelled')", name="status_is_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "purchase_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("requisition_number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("request_number", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=True),
        sa.Column("vendor_number", sa.Text(), nullable=True),
        sa.Column("vendor_name", sa.Text(), nullable=True),
        sa.Column("deliver_to", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("asked_total", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(submitted_at IS NULL OR vendor_id IS NOT NULL)", name="purchase_orders_go_to_somebody"
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'awaiting_approval', 'submitted', 'partially_received', 'received',"
            " 'cancelled')",
            name="status_is_known",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("requisition_number", name="purchase_orders_requisition_number"),
    )
    op.create_index("purchase_orders_by_request", "purchase_orders", ["request_id"])
    op.create_index("purchase_orders_by_status", "purchase_orders", ["status", "requisition_number"])
    op.create_table(
        "order_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("request_line_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("catalog_version", sa.BigInteger(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asset_creation", sa.Text(), nullable=False),
        sa.Column("warranty_months", sa.BigInteger(), nullable=False),
        sa.Column("named_vendor", sa.Text(), nullable=True),
        sa.Column("destination_kind", sa.Text(), nullable=True),
        sa.Column("destination", sa.Text(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("ordered", sa.BigInteger(), nullable=False),
        sa.Column("approved_unit_price", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=19, scale=6), nullable=True),
        sa.Column("line_total", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("entitled", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "destination_kind IN ('person', 'location', 'financial_owner', 'stock')",
            name="destination_kind_is_known",
        ),
        sa.CheckConstraint(
            "asset_creation IN ('on_submission', 'on_receipt', 'never')", name="asset_creation_is_known"
        ),
        sa.CheckConstraint("kind IN ('hardware', 'software', 'consumable', 'service')", name="kind_is_known"),
        sa.CheckConstraint(
            "ordered > 0 AND accepted >= 0 AND rejected >= 0 AND confirmed >= 0 AND entitled >= 0",
            name="order_lines_counts",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("order_lines_by_order", "order_lines", ["order_id", "position"])
    op.create_index("order_lines_by_request", "order_lines", ["request_id"])
