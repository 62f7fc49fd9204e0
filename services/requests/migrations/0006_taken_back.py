"""Units that come, are taken back, and come again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column("process_units", sa.Column("balance", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("process_units", sa.Column("came", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("handovers", "undone"):
        op.add_column(
            "process_units", sa.Column(name, postgresql.JSONB(), nullable=False, server_default="[]")
        )
    op.add_column("process_units", sa.Column("receipt_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE process_units SET balance = 1, came = true WHERE line_id IS NOT NULL AND kind = 'hardware'"
    )
    for name in ("balance", "came", "handovers", "undone"):
        op.alter_column("process_units", name, server_default=None)
    op.drop_constraint("status_is_known", "process_units", type_="check")
    op.create_check_constraint(
        "status_is_known",
        "process_units",
        "status IN ('pending', 'in_stock', 'being_assigned', 'assigned', 'taken_back')",
    )
