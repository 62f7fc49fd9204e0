"""Approvals of orders; bundles and offers in the copies of the catalog; request lines over several order lines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    for name in ("vendor_id", "unit_price", "currency"):
        op.alter_column("catalog_entries", name, nullable=True)
    op.add_column("catalog_entries", sa.Column("offers", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("catalog_entries", sa.Column("components", sa.Text(), nullable=False, server_default="[]"))
    op.execute(
        "UPDATE catalog_entries SET offers = jsonb_build_array(jsonb_build_object('vendor_number', vendor_number,"
        " 'unit_price', unit_price::text, 'currency', currency))::text WHERE vendor_number IS NOT NULL"
    )
    op.alter_column("catalog_entries", "offers", server_default=None)
    op.alter_column("catalog_entries", "components", server_default=None)
    op.add_column("request_lines", sa.Column("bundle", sa.Text(), nullable=True))
    op.add_column("request_lines", sa.Column("bundle_quantity", sa.BigInteger(), nullable=True))
    op.create_table(
        "orders_to_approve",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Uuid(), nullable=False),
        sa.Column("total", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("parties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('awaiting_approval', 'approved', 'refused', 'over')", name="status_is_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.drop_constraint("purpose_is_known", "approval_rounds")
    op.create_check_constraint(
        "purpose_is_known", "approval_rounds", "purpose IN ('request', 'spending', 'order')"
    )
    op.add_column(
        "process_lines",
        sa.Column("shares", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"),
    )
    # Until now a request line was on one order line, whose name was not kept: the next that is told names it.
    op.execute(
        """
        UPDATE process_lines SET shares = jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
            'first', CASE WHEN ordered > 0 THEN ordered END, 'now', ordered, 'asked', asked,
            'received', CASE WHEN kind = 'software' THEN 0 ELSE received END,
            'stocked', CASE WHEN kind = 'software' THEN received ELSE 0 END,
            'in_use', in_use, 'untracked', NOT makes_assets)))
        WHERE ordered > 0 OR asked > 0 OR received > 0 OR in_use > 0
        """
    )
    op.alter_column("process_lines", "shares", server_default=None)
    for name in ("ordered", "asked", "received", "in_use", "makes_assets"):
        op.drop_column("process_lines", name)
