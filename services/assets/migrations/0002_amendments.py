"""Amended orders."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.execute("SELECT 1")
