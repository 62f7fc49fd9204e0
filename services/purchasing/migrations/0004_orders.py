"""Orders in full: without a request or for several, by hand, with tax, freight, terms, invoices and their policy."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

AMOUNT = sa.Numeric(precision=19, scale=4)
PRICE = sa.Numeric(precision=19, scale=6)
RATE = sa.Numeric(precision=19, scale=10)


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "purchasing_policies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("uses_invoices", sa.Boolean(), nullable=False),
        sa.Column("submits_by_itself", sa.Boolean(), nullable=False),
        sa.Column("approve_orders_from", AMOUNT, nullable=True),
        sa.Column("approval_currency", sa.Text(), nullable=True),
        sa.Column("spending_tolerance", PRICE, nullable=False),
        sa.Column("separates_duties", sa.Boolean(), nullable=False),
        sa.Column("base_currency", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rate_books",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("rates", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _add(
        "request_orders",
        sa.Column("request_number", sa.Text(), nullable=True),
        sa.Column("requester", sa.Text(), nullable=True),
        sa.Column("committed", AMOUNT, nullable=False, server_default="0"),
        sa.Column("elsewhere", postgresql.JSONB(), nullable=False, server_default="[]"),
    )
    _orders()
    _lines()
    op.execute("""
        UPDATE request_orders AS r SET request_number = o.request_number, requester = o.requester
            FROM purchase_orders AS o WHERE o.request_id = r.id""")
    op.execute("""
        UPDATE request_orders AS r SET committed = spent.net FROM (
            SELECT o.request_id, sum(round(l.unit_price * (l.ordered - least(l.asked, greatest(0,
                l.ordered - l.accepted - l.confirmed - l.entitled))), 2)) AS net
            FROM purchase_orders AS o JOIN order_lines AS l ON l.order_id = o.id
            WHERE o.submitted_at IS NOT NULL GROUP BY o.request_id) AS spent
        WHERE spent.request_id = r.id""")


def _orders() -> None:
    _add(
        "purchase_orders",
        sa.Column("ordinal", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("amendments", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("requests", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("items", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("drafted_by", sa.Text(), nullable=False, server_default=""),
        sa.Column("submitted_by", sa.Text(), nullable=True),
        sa.Column("payment_terms", sa.Text(), nullable=True),
        sa.Column("freight", AMOUNT, nullable=False, server_default="0"),
        sa.Column("tax", AMOUNT, nullable=False, server_default="0"),
        sa.Column("expected_cost", AMOUNT, nullable=False, server_default="0"),
        sa.Column("rate", RATE, nullable=True),
        sa.Column("base_currency", sa.Text(), nullable=True),
        sa.Column("awaits", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("granted", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("short", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("receivers", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("invoices", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("invoiced_net", AMOUNT, nullable=False, server_default="0"),
        sa.Column("invoiced_gross", AMOUNT, nullable=False, server_default="0"),
        sa.Column("differs", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("words", sa.Text(), nullable=False, server_default=""),
    )
    # What was ordered before was for one request each, and its number was its ordinal.
    op.execute("""
        UPDATE purchase_orders SET ordinal = substring(requisition_number FROM 4)::bigint,
            requests = jsonb_build_array(request_id), expected_cost = total,
            words = concat_ws(' ', requisition_number, request_number, vendor_number, vendor_name)""")
    op.alter_column("purchase_orders", "ordinal", server_default=None)
    for name in ("request_id", "request_number", "requester"):
        op.alter_column("purchase_orders", name, nullable=True)
    op.drop_constraint("status_is_known", "purchase_orders")
    op.create_check_constraint(
        "status_is_known",
        "purchase_orders",
        "status IN ('draft', 'awaiting_approval', 'submitted', 'partially_received', 'received', 'closed',"
        " 'cancelled')",
    )
    # The names of orders hold the numbers; in their order they stand by their ordinals.
    op.drop_constraint("purchase_orders_requisition_number", "purchase_orders")
    op.create_unique_constraint("purchase_orders_ordinal", "purchase_orders", ["ordinal"])
    op.drop_index("purchase_orders_by_status")
    op.create_index("purchase_orders_by_status", "purchase_orders", ["status", "ordinal"])
    op.create_index("purchase_orders_by_vendor", "purchase_orders", ["vendor_id", "ordinal"])
    op.create_index(
        "purchase_orders_differing", "purchase_orders", ["ordinal"], postgresql_where=sa.text("differs")
    )
    op.create_index(
        "purchase_orders_by_words",
        "purchase_orders",
        [sa.text("to_tsvector('simple', words)")],
        postgresql_using="gin",
    )


def _lines() -> None:
    _add(
        "order_lines",
        sa.Column("bundle", sa.Text(), nullable=True),
        sa.Column("metric", sa.Text(), nullable=True),
        sa.Column("term_months", sa.BigInteger(), nullable=True),
        sa.Column("lead_time_days", sa.BigInteger(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("contract", postgresql.JSONB(), nullable=True),
        sa.Column("units_made", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("offered_price", PRICE, nullable=True),
        sa.Column("price_reason", sa.Text(), nullable=True),
        sa.Column("tax_percent", PRICE, nullable=False, server_default="0"),
        sa.Column("tax", AMOUNT, nullable=False, server_default="0"),
        sa.Column("returned", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("invoiced", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.execute(
        "UPDATE order_lines SET units_made = ordered, offered_price = unit_price WHERE item_id IS NOT NULL"
    )
    op.execute("UPDATE order_lines SET units_made = ordered WHERE item_id IS NULL")
    for name in ("request_id", "request_line_id", "approved_unit_price"):
        op.alter_column("order_lines", name, nullable=True)
    # What a receipt counted may be taken back before the receipt itself is heard of.
    op.drop_constraint("order_lines_counts", "order_lines")
    op.create_check_constraint("order_lines_counts", "order_lines", "ordered > 0 AND units_made >= ordered")


def _add(table: str, *columns: sa.Column[object]) -> None:
    """New columns; what stands in the rows that exist is no default for new ones."""
    for column in columns:
        op.add_column(table, column)
        if column.server_default is not None:
            op.alter_column(table, column.name, server_default=None)
