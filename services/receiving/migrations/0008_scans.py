"""Scan sessions, and what is looked up as a code is scanned."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

MEANS = "means IN ('tag', 'serial', 'item', 'package', 'order', 'shipment', 'nothing')"
CONDITION = "condition IN ('new', 'used', 'damaged', 'incomplete')"
VERDICT = "verdict IN ('expected', 'verified', 'unexpected', 'duplicate', 'wrong_order', 'already_received')"


def record(name: str, *items: sa.schema.SchemaItem) -> None:
    """A table of records."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *items,
        sa.PrimaryKeyConstraint("id"),
    )


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    record(
        "scan_sessions",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("scans", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdicts", postgresql.JSONB(), nullable=False),
        sa.Column("missing", postgresql.JSONB(), nullable=False),
        sa.Column("without_serial", sa.BigInteger(), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'confirmed', 'abandoned')", name="status_is_known"),
    )
    op.create_index("scan_sessions_by_order", "scan_sessions", ["order_id"])
    record(
        "scan_receipts",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("receipt_number", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('asked', 'recorded', 'refused')", name="status_is_known"),
    )
    op.create_index("scan_receipts_by_session", "scan_receipts", ["session_id", "part"])
    record(
        "taken_scans",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("unit_key", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("rejection_reason", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("storage_space", sa.Text(), nullable=True),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("sent_by", sa.Text(), nullable=False),
        sa.CheckConstraint(MEANS, name="means_is_known"),
        sa.CheckConstraint(CONDITION, name="condition_is_known"),
    )
    op.create_index("taken_scans_by_session", "taken_scans", ["session_id"])
    op.create_index("taken_scans_by_unit", "taken_scans", ["unit_key"])
    record(
        "scan_findings",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("next", sa.Text(), nullable=False),
        sa.Column("same_as", sa.Uuid(), nullable=True),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.CheckConstraint(VERDICT, name="verdict_is_known"),
        sa.CheckConstraint(MEANS, name="means_is_known"),
        sa.CheckConstraint(CONDITION, name="condition_is_known"),
    )
    op.create_index("scan_findings_by_session", "scan_findings", ["session_id", "verdict", "id"])
    op.create_index("announced_serials_by_order", "announced_serials", ["order_id"])
