"""An order knows whom its waiting amendment waits for: whatever ends the order ends that too."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

KNOWN_BY_NOW = sa.text("""
    UPDATE purchase_orders AS o SET awaits = a.awaits
    FROM order_amendments AS a WHERE a.order_id = o.id AND a.status = 'waiting'
    """)


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.execute(KNOWN_BY_NOW)
