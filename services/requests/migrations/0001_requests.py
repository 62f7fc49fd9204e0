"""Copies, requests and the fulfilment workflow."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "catalog_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_number", sa.Text(), nullable=True),
        sa.Column("unit_price", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('hardware', 'software', 'consumable', 'service')", name="kind_is_known"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sku", name="catalog_entries_sku"),
    )
    op.create_table(
        "known_vendors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number", name="known_vendors_number"),
    )
    op.create_table(
        "known_locations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", name="known_locations_code"),
    )
    op.create_table(
        "purchase_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_reference", sa.Text(), nullable=True),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Uuid(), nullable=True),
        sa.Column("first_content", sa.Uuid(), nullable=True),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("edited_by", sa.Text(), nullable=True),
        sa.Column("cost_centre", sa.Text(), nullable=True),
        sa.Column("justification", sa.Text(), nullable=False),
        sa.Column("needed_by", sa.Date(), nullable=True),
        sa.Column("deliver_to", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("approved_total", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('submitted', 'awaiting_approval', 'rejected', 'withdrawn', 'expired', "
            "'approved', 'partially_ordered', 'ordered', 'partially_received', 'received', 'fulfilled',"
            " 'cancelled')",
            name="status_is_known",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ordinal", name="purchase_requests_ordinal"),
        sa.UniqueConstraint("reference_id", "source", name="external_reference_reused"),
    )
    op.create_index("purchase_requests_by_cost_centre", "purchase_requests", ["cost_centre", "ordinal"])
    op.create_index(
        "purchase_requests_by_receiver",
        "purchase_requests",
        ["on_behalf_of", "ordinal"],
        postgresql_where=sa.text("on_behalf_of IS NOT NULL"),
    )
    op.create_index("purchase_requests_by_requester", "purchase_requests", ["requester", "ordinal"])
    op.create_index("purchase_requests_by_source", "purchase_requests", ["source", "status", "ordinal"])
    op.create_index("purchase_requests_by_status", "purchase_requests", ["status", "ordinal"])
    op.create_index(
        "purchase_requests_by_submitter",
        "purchase_requests",
        ["submitted_by", "ordinal"],
        postgresql_where=sa.text("submitted_by <> source AND submitted_by <> requester"),
    )
    op.create_index(
        "purchase_requests_by_words",
        "purchase_requests",
        [sa.text("to_tsvector('simple', words)")],
        postgresql_using="gin",
    )
    op.create_table(
        "request_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("catalog_version", sa.BigInteger(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("line_total", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("vendor_named", sa.Boolean(), nullable=False),
        sa.Column("destination_kind", sa.Text(), nullable=False),
        sa.Column("destination_name", sa.Text(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "destination_kind IN ('person', 'location', 'financial_owner', 'stock')",
            name="destination_kind_is_known",
        ),
        sa.CheckConstraint("kind IN ('hardware', 'software', 'consumable', 'service')", name="kind_is_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("request_lines_by_request", "request_lines", ["request_id", "position"])
    op.create_table(
        "request_revisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Uuid(), nullable=False),
        sa.Column("wish", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("total", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("edited_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("request_revisions_by_request", "request_revisions", ["request_id", "number"])
    op.create_table(
        "fulfilment_processes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("stage_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.Column("refusals", sa.BigInteger(), nullable=False),
        sa.Column("overdue", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "stage IN ('ordering', 'delivering', 'handing_over', 'cancelling', 'stuck', 'completed', "
            "'cancelled')",
            name="stage_is_known",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("fulfilment_processes_by_stage", "fulfilment_processes", ["stage", "id"])
    op.create_table(
        "process_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("destination_kind", sa.Text(), nullable=False),
        sa.Column("destination_name", sa.Text(), nullable=True),
        sa.Column("ordered", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("claimed", sa.BigInteger(), nullable=False),
        sa.Column("assigned", sa.BigInteger(), nullable=False),
        sa.Column("in_use", sa.BigInteger(), nullable=False),
        sa.Column("makes_assets", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "destination_kind IN ('person', 'location', 'financial_owner', 'stock')",
            name="destination_kind_is_known",
        ),
        sa.CheckConstraint("kind IN ('hardware', 'software', 'consumable', 'service')", name="kind_is_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("process_lines_by_request", "process_lines", ["request_id"])
    op.create_table(
        "process_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('hardware', 'software', 'consumable', 'service')", name="kind_is_known"),
        sa.CheckConstraint(
            "status IN ('pending', 'in_stock', 'being_assigned', 'assigned')", name="status_is_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("process_units_by_request", "process_units", ["request_id", "id"])
    op.create_table(
        "process_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("message_type", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("process_steps_by_request", "process_steps", ["request_id", "number"])
