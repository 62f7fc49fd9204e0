"""Units that went back for credit are counted beside those that somebody wanted cancelled."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column("order_lines", sa.Column("credited", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("order_lines", "credited", server_default=None)
