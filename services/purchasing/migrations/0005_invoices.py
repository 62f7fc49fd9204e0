"""Invoices, tolerances."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

AMOUNT = sa.Numeric(precision=19, scale=4)


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "tolerances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("vendor_number", sa.Text(), nullable=True),
        sa.Column("percent", sa.Numeric(precision=7, scale=4), nullable=True),
        sa.Column("amount", AMOUNT, nullable=True),
        sa.CheckConstraint(
            "difference IN ('total', 'line_quantity', 'line_price', 'tax', 'freight', 'currency',"
            " 'over_invoiced', 'invoiced_not_received', 'received_not_invoiced', 'unknown_line')",
            name="difference_is_known",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("vendor_number", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("invoiced_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("net", AMOUNT, nullable=False),
        sa.Column("tax", AMOUNT, nullable=False),
        sa.Column("gross", AMOUNT, nullable=False),
        sa.Column("freight", AMOUNT, nullable=False),
        sa.Column("orders", postgresql.JSONB(), nullable=False),
        sa.Column("shares", postgresql.JSONB(), nullable=False),
        sa.Column("sent", postgresql.JSONB(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("differences", postgresql.JSONB(), nullable=False),
        sa.Column("accepted", postgresql.JSONB(), nullable=False),
        sa.Column("differs", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('recorded', 'matched', 'disputed', 'accepted')", name="status_is_known"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ordinal", name="invoices_ordinal"),
        sa.UniqueConstraint("vendor_number", "number", name="invoices_number"),
    )
    op.create_index("invoices_by_number", "invoices", ["number", "ordinal"])
    op.create_index("invoices_by_status", "invoices", ["status", "ordinal"])
    op.create_index("invoices_by_vendor", "invoices", ["vendor_number", "ordinal"])
    op.create_index("invoices_differing", "invoices", ["ordinal"], postgresql_where=sa.text("differs"))
    op.create_index(
        "invoices_by_words",
        "invoices",
        [sa.text("to_tsvector('simple', words)")],
        postgresql_using="gin",
    )
    op.create_table(
        "invoice_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("verdict IN ('accepted', 'disputed', 'resolved')", name="verdict_is_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("invoice_decisions_by_invoice", "invoice_decisions", ["invoice_id"])
