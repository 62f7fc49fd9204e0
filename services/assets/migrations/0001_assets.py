"""Assets, stock, locations and handovers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "locations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("storage_spaces", postgresql.JSONB(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("locations_by_code", "locations", ["code"], unique=True)
    op.create_table(
        "ordered_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("requisition_number", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("request_line_id", sa.Uuid(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asset_creation", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("warranty_months", sa.BigInteger(), nullable=False),
        sa.Column("ordered", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "asset_creation IN ('on_submission', 'on_receipt', 'never')", name="asset_creation_is_known"
        ),
        sa.CheckConstraint("kind IN ('hardware', 'software', 'consumable', 'service')", name="kind_is_known"),
        sa.CheckConstraint("ordered > 0 AND asked >= 0 AND kept >= 0", name="figures_are_counts"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ordered_lines_by_order", "ordered_lines", ["order_id"])
    op.create_index("ordered_lines_by_request", "ordered_lines", ["request_id"])
    op.create_table(
        "assets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("unit_number", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("issued_tag", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("cost", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("receipt_line_id", sa.Uuid(), nullable=True),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("storage_space", sa.Text(), nullable=True),
        sa.Column("custodian", sa.Text(), nullable=True),
        sa.Column("assigned_for", sa.Uuid(), nullable=True),
        sa.Column("handover_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(status = 'assigned') = (custodian IS NOT NULL)", name="assigned_is_with_somebody"
        ),
        sa.CheckConstraint(
            "(status = 'in_stock') = (storage_space IS NOT NULL AND location IS NOT NULL)",
            name="stock_is_somewhere",
        ),
        sa.CheckConstraint(
            "status IN ('on_order', 'in_transit', 'in_stock', 'reserved', 'assigned', 'in_repair', 'lost',"
            " 'returned_to_vendor', 'awaiting_disposal', 'disposed', 'cancelled')",
            name="status_is_known",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "assets_by_custodian",
        "assets",
        ["custodian", "issued_tag"],
        postgresql_where=sa.text("custodian IS NOT NULL"),
    )
    op.create_index("assets_by_issued_tag", "assets", ["issued_tag"], unique=True)
    op.create_index("assets_by_line", "assets", ["order_line_id", "unit_number"], unique=True)
    op.create_index("assets_by_serial", "assets", ["serial"], postgresql_where=sa.text("serial IS NOT NULL"))
    op.create_index("assets_by_status", "assets", ["status", "issued_tag"])
    op.create_table(
        "labels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("labels_by_asset", "labels", ["asset_id"])
    op.create_table(
        "handovers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("assigned_by", sa.Text(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "inventory_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("storage_space", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt_line_id", sa.Uuid(), nullable=True),
        sa.Column("handover_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("movement IN ('received', 'assigned')", name="movement_is_known"),
        sa.CheckConstraint("change IN (-1, 1)", name="one_asset_moves"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("inventory_transactions_by_asset", "inventory_transactions", ["asset_id"])
    op.create_table(
        "balances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("storage_space", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name="quantity_is_never_negative"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("balances_by_space", "balances", ["location", "storage_space", "sku"], unique=True)
