"""Receipts that take back others, what went back to vendors, and which unit has which serial number."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    _lines()
    _units()
    _receipts()
    _serials()
    _returns()


def _lines() -> None:
    for figure in ("returned", "credited", "surplus_made", "issued"):
        op.add_column(
            "expected_lines", sa.Column(figure, sa.BigInteger(), nullable=False, server_default="0")
        )
        op.alter_column("expected_lines", figure, server_default=None)
    op.create_check_constraint(
        "what_went_back_was_here", "expected_lines", "returned BETWEEN 0 AND accepted AND credited >= 0"
    )
    op.drop_index("expected_lines_open", "expected_lines")
    op.create_index(
        "expected_lines_open",
        "expected_lines",
        ["order_id"],
        postgresql_where=sa.text("ordered + returned > accepted + asked + credited"),
    )


def _units() -> None:
    op.add_column("expected_units", sa.Column("serial", sa.Text(), nullable=True))
    op.add_column("expected_units", sa.Column("receipt_id", sa.Uuid(), nullable=True))
    op.add_column("expected_units", sa.Column("reopened_by", sa.Uuid(), nullable=True))
    op.add_column("expected_units", sa.Column("line_again", sa.Uuid(), nullable=True))
    for mark in ("given_back", "acknowledged"):
        op.add_column("expected_units", sa.Column(mark, sa.Boolean(), nullable=False, server_default="false"))
        op.alter_column("expected_units", mark, server_default=None)
    op.drop_constraint("status_is_known", "expected_units", type_="check")
    op.create_check_constraint(
        "status_is_known", "expected_units", "status IN ('open', 'received', 'cancelled', 'returned')"
    )
    op.execute(
        "UPDATE expected_units SET serial = here.serial, receipt_id = line.receipt_id"
        " FROM receipt_units AS here JOIN receipt_lines AS line ON line.id = here.receipt_line_id"
        " WHERE here.asset_id = expected_units.id"
    )
    op.create_index(
        "expected_units_by_receipt",
        "expected_units",
        ["receipt_id"],
        postgresql_where=sa.text("receipt_id IS NOT NULL"),
    )
    op.create_index(
        "expected_units_again",
        "expected_units",
        ["line_again"],
        postgresql_where=sa.text("line_again IS NOT NULL"),
    )


def _receipts() -> None:
    op.add_column(
        "receipts",
        sa.Column("order_line_ids", postgresql.JSONB(), nullable=False, server_default="[]"),
    )
    op.alter_column("receipts", "order_line_ids", server_default=None)
    # Receipts are never changed; these columns are new.
    op.execute("ALTER TABLE receipts DISABLE TRIGGER USER")
    op.execute(
        "UPDATE receipts SET order_line_ids = (SELECT coalesce(jsonb_agg(DISTINCT line.order_line_id), '[]')"
        " FROM receipt_lines AS line WHERE line.receipt_id = receipts.id)"
    )
    op.add_column("receipts", sa.Column("said", sa.BigInteger(), nullable=False, server_default="1"))
    op.alter_column("receipts", "said", server_default=None)
    # Each fact carried 250 units.
    op.execute(
        "UPDATE receipts SET said = (SELECT greatest(1, (count(*) + 249) / 250) FROM receipt_lines AS line"
        " JOIN receipt_units AS unit ON unit.receipt_line_id = line.id WHERE line.receipt_id = receipts.id)"
    )
    op.execute("ALTER TABLE receipts ENABLE TRIGGER USER")
    op.add_column("receipts", sa.Column("reverses", sa.Uuid(), nullable=True))
    op.add_column("receipts", sa.Column("reason", sa.Text(), nullable=True))


def _serials() -> None:
    op.add_column(
        "registered_serials", sa.Column("assets", postgresql.JSONB(), nullable=False, server_default="[]")
    )
    op.alter_column("registered_serials", "assets", server_default=None)
    # In the order of the items; every one was received once.
    op.execute(
        "UPDATE registered_serials SET assets = known.assets FROM (SELECT claim.id,"
        " jsonb_agg(coalesce(here.asset_id, claim.id) ORDER BY item.position) AS assets"
        " FROM registered_serials AS claim"
        " CROSS JOIN LATERAL jsonb_array_elements_text(claim.skus) WITH ORDINALITY AS item(sku, position)"
        " LEFT JOIN (SELECT unit.serial, line.sku, unit.asset_id FROM receipt_units AS unit"
        " JOIN receipt_lines AS line ON line.id = unit.receipt_line_id) AS here"
        " ON here.serial = claim.serial AND here.sku = item.sku"
        " GROUP BY claim.id) AS known WHERE known.id = registered_serials.id"
    )


def _returns() -> None:
    op.create_table(
        "returns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rma", sa.Text(), nullable=True),
        sa.Column("returned_by", sa.Text(), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("purpose IN ('replacement', 'credit')", name="purpose_is_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("returns_by_number", "returns", ["number"], unique=True)
    op.create_index("returns_by_order", "returns", ["order_id"])
    op.create_table(
        "return_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("receipt_line_id", sa.Uuid(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("storage_space", sa.Text(), nullable=True),
        sa.CheckConstraint("quantity > 0 AND credited BETWEEN 0 AND quantity", name="figures_are_counts"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("return_lines_by_return", "return_lines", ["return_id"])
    op.create_index(
        "return_lines_by_receipt",
        "return_lines",
        ["receipt_id"],
        postgresql_where=sa.text("receipt_id IS NOT NULL"),
    )
    op.create_table(
        "taken_back_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("take_back_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("unit_number", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("taken_back_units_by_take_back", "taken_back_units", ["take_back_id"])
