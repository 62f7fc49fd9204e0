"""Approvals of orders; bundles and offers in the copies of the catalog."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    for name in ("vendor_id", "unit_price", "currency"):
        op.alter_column("catalog_entries", name, nullable=True)
    op.add_column("catalog_entries", sa.Column("offers", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("catalog_entries", sa.Column("components", sa.Text(), nullable=False, server_default="[]"))
    op.execute(
        "UPDATE catalog_entries SET offers = jsonb_build_array(jsonb_build_object('vendor_number', vendor_number,"
        " 'unit_price', unit_price::text, 'currency', currency))::text WHERE vendor_number IS NOT NULL"
    )
    op.alter_column("catalog_entries", "offers", server_default=None)
    op.alter_column("catalog_entries", "components", server_default=None)
    op.add_column("request_lines", sa.Column("bundle", sa.Text(), nullable=True))
    op.add_column("request_lines", sa.Column("bundle_quantity", sa.BigInteger(), nullable=True))
