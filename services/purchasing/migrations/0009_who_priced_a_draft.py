"""Who changed a draft: they do not approve what it costs more."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.add_column(
        "purchase_orders", sa.Column("changed_by", postgresql.JSONB(), nullable=False, server_default="[]")
    )
    op.alter_column("purchase_orders", "changed_by", server_default=None)
