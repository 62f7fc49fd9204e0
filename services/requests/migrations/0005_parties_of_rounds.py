"""Who made an order cost more does not decide on that."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column(
        "approval_rounds", sa.Column("parties", postgresql.JSONB(), nullable=False, server_default="[]")
    )
    op.alter_column("approval_rounds", "parties", server_default=None)
