"""Vendors and catalog items in full, whose GTIN is whose, and a way to the open orders."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from libs.contracts.values import derived_id

revision = "0003"
down_revision = "0002"

_WITH_DEFAULTS: tuple[tuple[str, sa.Column[Any]], ...] = (
    ("vendors", sa.Column("strategic", sa.Boolean(), nullable=False, server_default=sa.false())),
    ("catalog_items", sa.Column("unit", sa.Text(), nullable=False, server_default="EA")),
    ("catalog_items", sa.Column("offers", postgresql.JSONB(), nullable=False, server_default="[]")),
    ("catalog_items", sa.Column("components", postgresql.JSONB(), nullable=False, server_default="[]")),
    ("catalog_items", sa.Column("packs", postgresql.JSONB(), nullable=False, server_default="[]")),
    ("catalog_items", sa.Column("words", sa.Text(), nullable=False, server_default="")),
)


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    for table, column in _WITH_DEFAULTS:
        op.add_column(table, column)
        op.alter_column(table, column.name, server_default=None)
    for name in ("contact_name", "contact_email", "contact_phone", "payment_terms"):
        op.add_column("vendors", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("catalog_items", sa.Column("metric", sa.Text(), nullable=True))
    op.add_column("catalog_items", sa.Column("term_months", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE catalog_items SET offers = jsonb_build_array(jsonb_build_object("
        "'vendor_number', vendor_number, 'unit_price', unit_price::text, 'currency', currency)),"
        # What is defined again gets all its words; until then it is found by these.
        " words = lower(regexp_replace(concat_ws(' ', sku, name, gtin, lpad(gtin, 14, '0')),"
        " '[^[:alnum:]]+', ' ', 'g')) || ' :' || vendor_number"
    )
    op.drop_column("catalog_items", "unit_price")
    op.drop_column("catalog_items", "currency")
    op.alter_column("catalog_items", "vendor_id", nullable=True)
    op.alter_column("catalog_items", "vendor_number", nullable=True)
    op.create_index("catalog_items_by_kind", "catalog_items", ["kind", "sku"])
    op.create_index("catalog_items_retired", "catalog_items", ["sku"], postgresql_where=sa.text("NOT active"))
    op.create_index(
        "catalog_items_by_words",
        "catalog_items",
        [sa.text("array_to_tsvector(string_to_array(words, ' '))")],
        postgresql_using="gin",
    )
    claims = op.create_table(
        "gtin_claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("gtin", name="gtin_taken"),
    )
    # Of several items with one GTIN, which was possible, the first keeps it.
    op.execute(
        "UPDATE catalog_items AS t SET gtin = NULL WHERE EXISTS (SELECT FROM catalog_items AS o"
        " WHERE lpad(o.gtin, 14, '0') = lpad(t.gtin, 14, '0') AND o.sku < t.sku)"
    )
    found = op.get_bind().execute(sa.text("SELECT gtin, id, sku FROM catalog_items WHERE gtin IS NOT NULL"))
    rows = [
        {
            "id": derived_id("gtin", gtin.zfill(14)),
            "version": 1,
            "gtin": gtin.zfill(14),
            "item_id": item_id,
            "sku": sku,
        }
        for gtin, item_id, sku in found
    ]
    if rows:
        op.bulk_insert(claims, rows)
    op.create_index(
        "purchase_orders_open",
        "purchase_orders",
        ["id"],
        postgresql_where=sa.text("status IN ('submitted', 'partially_received')"),
    )
