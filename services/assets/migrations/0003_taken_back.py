"""What is taken back at the dock, what was acknowledged, and what is on its way."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    _tables()
    _columns()
    op.create_index(
        "assets_by_handover",
        "assets",
        ["handover_id"],
        postgresql_where=sa.text("handover_id IS NOT NULL"),
    )
    op.drop_constraint("figures_are_counts", "ordered_lines", type_="check")
    op.create_check_constraint(
        "figures_are_counts",
        "ordered_lines",
        "ordered > 0 AND asked >= 0 AND credited >= 0 AND kept >= 0",
    )
    op.drop_constraint("movement_is_known", "inventory_transactions", type_="check")
    op.create_check_constraint(
        "movement_is_known",
        "inventory_transactions",
        "movement IN ('received', 'assigned', 'issued', 'reversed', 'returned')",
    )


def _tables() -> None:
    op.create_table(
        "known_shipments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("on_way", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "taken_goods",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("beside", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "take_backs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "lot_receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("taken_back", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "taken_back >= 0 AND taken_back <= received AND issued >= 0", name="lot_receipts_count"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("lot_receipts_by_lot", "lot_receipts", ["lot_id"])


def _columns() -> None:
    for table, name in (
        ("ordered_lines", "credited"),
        ("ordered_lines", "on_way"),
    ):
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
        op.alter_column(table, name, server_default=None)
    for name in ("acknowledged", "given_back"):
        op.add_column("assets", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
        op.alter_column("assets", name, server_default=None)
    op.add_column("stock_issues", sa.Column("wanted", sa.BigInteger(), nullable=True))
    op.add_column("handovers", sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("inventory_transactions", sa.Column("take_back_id", sa.Uuid(), nullable=True))
