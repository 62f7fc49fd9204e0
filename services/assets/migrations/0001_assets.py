"""Assets, stock, locations and handovers; entitlements and lots."""

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
        sa.Column("storage_spaces", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
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
        sa.Column("vendor_name", sa.Text(), nullable=True),
        sa.Column("destination_kind", sa.Text(), nullable=True),
        sa.Column("destination", sa.Text(), nullable=True),
        sa.Column("ordered", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "asset_creation IN ('on_submission', 'on_receipt', 'never')", name="asset_creation_is_known"
        ),
        sa.CheckConstraint(
            "destination_kind IN ('person', 'location', 'financial_owner', 'stock')",
            name="destination_kind_is_known",
        ),
        sa.CheckConstraint("kind IN ('hardware', 'software', 'consumable', 'service')", name="kind_is_known"),
        sa.CheckConstraint("ordered > 0 AND asked >= 0 AND kept >= 0", name="figures_are_counts"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ordered_lines_by_order", "ordered_lines", ["order_id"])
    op.create_index("ordered_lines_by_request", "ordered_lines", ["request_id"])
    op.create_table(
        "entitlements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("requisition_number", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("request_line_id", sa.Uuid(), nullable=True),
        sa.Column("is_for_stock", sa.Boolean(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_name", sa.Text(), nullable=False),
        sa.Column("cost", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("ordered", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'active', 'expired', 'cancelled')", name="status_is_known"),
        sa.CheckConstraint("allocated <= ordered", name="entitlements_are_not_exceeded"),
        sa.CheckConstraint("ordered > 0 AND asked >= 0 AND allocated >= 0", name="entitlements_count"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("entitlements_by_request", "entitlements", ["request_id"])
    op.create_table(
        "allocations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("holder_kind", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("allocated_by", sa.Text(), nullable=False),
        sa.Column("allocated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "holder_kind IN ('person', 'location', 'financial_owner', 'stock')", name="holder_kind_is_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("allocations_by_entitlement", "allocations", ["entitlement_id"])
    op.create_table(
        "lots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("requisition_number", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("request_line_id", sa.Uuid(), nullable=True),
        sa.Column("is_for_stock", sa.Boolean(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vendor_name", sa.Text(), nullable=True),
        sa.Column("cost", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("on_order", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('on_order', 'in_stock', 'used_up', 'cancelled')", name="status_is_known"
        ),
        sa.CheckConstraint("on_order >= 0 AND issued >= 0 AND issued <= received", name="lots_count"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("lots_by_request", "lots", ["request_id"])
    op.create_index("lots_by_sku", "lots", ["sku"])
    op.create_table(
        "lot_stocks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("storage_space", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name="lot_stock_is_never_negative"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("lot_stocks_by_lot", "lot_stocks", ["lot_id"])
    op.create_table(
        "stock_issues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("holder_kind", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "holder_kind IN ('person', 'location', 'financial_owner', 'stock')", name="holder_kind_is_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("stock_issues_by_lot", "stock_issues", ["lot_id"])
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
        sa.Column("financial_owner", sa.Text(), nullable=True),
        sa.Column("assigned_for", sa.Uuid(), nullable=True),
        sa.Column("handover_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(status = 'assigned') = (custodian IS NOT NULL OR financial_owner IS NOT NULL OR (location"
            " IS NOT NULL AND storage_space IS NULL))",
            name="assigned_is_with_somebody",
        ),
        sa.CheckConstraint("(status = 'in_stock') = (storage_space IS NOT NULL)", name="stock_is_in_a_space"),
        sa.CheckConstraint(
            "status IN ('on_order', 'in_transit', 'in_stock', 'reserved', 'assigned', 'in_repair', "
            "'lost', 'returned_to_vendor', 'awaiting_disposal', 'disposed', 'cancelled')",
            name="status_is_known",
        ),
        sa.CheckConstraint("storage_space IS NULL OR location IS NOT NULL", name="stock_is_somewhere"),
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
        sa.Column("holder_kind", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("assigned_by", sa.Text(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "holder_kind IN ('person', 'location', 'financial_owner', 'stock')", name="holder_kind_is_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "inventory_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("storage_space", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt_line_id", sa.Uuid(), nullable=True),
        sa.Column("handover_id", sa.Uuid(), nullable=True),
        sa.Column("issue_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("movement IN ('received', 'assigned', 'issued')", name="movement_is_known"),
        sa.CheckConstraint("(asset_id IS NULL) <> (lot_id IS NULL)", name="an_asset_or_a_lot_moves"),
        sa.CheckConstraint("change <> 0 AND (asset_id IS NULL OR change IN (-1, 1))", name="something_moves"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("inventory_transactions_by_asset", "inventory_transactions", ["asset_id"])
    op.create_index(
        "inventory_transactions_by_lot",
        "inventory_transactions",
        ["lot_id"],
        postgresql_where=sa.text("lot_id IS NOT NULL"),
    )
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
