"""Amended orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "followed_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "taken_amendments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column(
        "ordered_lines", sa.Column("units_made", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("UPDATE ordered_lines SET units_made = ordered")
    op.alter_column("ordered_lines", "units_made", server_default=None)
    op.add_column("ordered_lines", sa.Column("pool", postgresql.JSONB(), nullable=False, server_default="[]"))
    op.alter_column("ordered_lines", "pool", server_default=None)
    op.create_check_constraint("units_are_numbered", "ordered_lines", "units_made >= ordered")
    op.add_column("entitlements", sa.Column("metric", sa.Text(), nullable=True))
    # Of what was allocated more may be in use than is ordered since an amendment.
    op.drop_constraint("entitlements_are_not_exceeded", "entitlements", type_="check")
