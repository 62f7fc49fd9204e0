"""What is expected at the dock, and what was taken."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "places",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("storage_spaces", postgresql.JSONB(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("places_by_code", "places", ["code"], unique=True)
    op.create_table(
        "expected_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("requisition_number", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("vendor_name", sa.Text(), nullable=False),
        sa.Column("deliver_to", sa.Text(), nullable=False),
        sa.Column("expected_since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("expected_orders_by_request", "expected_orders", ["request_id"])
    op.create_index(
        "expected_orders_by_requisition_number", "expected_orders", ["requisition_number"], unique=True
    )
    op.create_table(
        "order_names",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "expected_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("request_line_id", sa.Uuid(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asset_creation", sa.Text(), nullable=False),
        sa.Column("ordered", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "asset_creation IN ('on_submission', 'on_receipt', 'never')", name="asset_creation_is_known"
        ),
        sa.CheckConstraint("kind IN ('hardware', 'software', 'consumable', 'service')", name="kind_is_known"),
        sa.CheckConstraint("accepted <= ordered", name="accepted_was_ordered"),
        sa.CheckConstraint("asked >= 0 AND accepted >= 0 AND rejected >= 0", name="figures_are_counts"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("expected_lines_by_order", "expected_lines", ["order_id"])
    op.create_index(
        "expected_lines_open",
        "expected_lines",
        ["order_id"],
        postgresql_where=sa.text("ordered > accepted + asked"),
    )
    op.create_table(
        "expected_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("unit_number", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('open', 'received', 'cancelled')", name="status_is_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("expected_units_by_line", "expected_units", ["order_line_id", "unit_number"], unique=True)
    op.create_table(
        "registered_serials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("skus", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "registered_labels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("received_by", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_note", sa.Text(), nullable=True),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("receipts_by_number", "receipts", ["number"], unique=True)
    op.create_index("receipts_by_order", "receipts", ["order_id"])
    op.create_table(
        "receipt_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("rejection_reason", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("storage_space", sa.Text(), nullable=True),
        sa.CheckConstraint("(location IS NULL) = (storage_space IS NULL)", name="a_quantity_is_in_one_place"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("receipt_lines_by_receipt", "receipt_lines", ["receipt_id"])
    op.create_table(
        "receipt_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("receipt_line_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("unit_number", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("storage_space", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "condition IN ('new', 'used', 'damaged', 'incomplete')", name="condition_is_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("receipt_units_by_line", "receipt_units", ["receipt_line_id"])
