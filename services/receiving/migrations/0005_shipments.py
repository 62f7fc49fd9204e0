"""Shipments that move, with their packages and manifests."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

# As the service derives ids: SHA-256 of the parts, and the bits that make it a UUID of version 8.
DERIVED = """
CREATE FUNCTION pg_temp.derived(VARIADIC parts text[]) RETURNS uuid LANGUAGE sql AS $$
    SELECT CAST(encode(set_byte(set_byte(hash, 6, get_byte(hash, 6) & 15 | 128), 8, get_byte(hash, 8) & 63 | 128),
        'hex') AS uuid)
    FROM (SELECT substring(sha256(convert_to(array_to_string(parts, E'\\x1f'), 'UTF8')) FOR 16)) AS made (hash)
$$
"""
# What is told again must be found to be the same; the lines follow one another as they were told.
TOLD = """
UPDATE shipments SET
    ordinal = CAST(substring(number FROM 5) AS bigint),
    heard_on = CAST(registered_at AT TIME ZONE 'UTC' AS date),
    words = concat_ws(' ', number, shipment_number, tracking_number, invoice_number, vendor_name),
    announced = (SELECT jsonb_agg(jsonb_array_length(line -> 'serials') ORDER BY place)
        FROM jsonb_array_elements(lines) WITH ORDINALITY AS each (line, place)),
    told = pg_temp.derived(VARIADIC ARRAY['shipment_told', CAST(order_id AS text), coalesce(invoice_number, ''),
            coalesce(carrier, ''), coalesce(tracking_number, ''), coalesce(to_char(dispatched_on, 'YYYY-MM-DD'), ''),
            coalesce(to_char(expected_on, 'YYYY-MM-DD'), ''), location, coalesce(storage_space, ''), '']
        || (SELECT array_agg(concat_ws(':', line ->> 'order_line_id', line ->> 'quantity', coalesce((
                SELECT string_agg(serial, ' ' ORDER BY position)
                FROM jsonb_array_elements_text(line -> 'serials') WITH ORDINALITY AS told (serial, position)
            ), '')) ORDER BY place) FROM jsonb_array_elements(lines) WITH ORDINALITY AS each (line, place)))
"""
NAMED = """
INSERT INTO shipment_names (id, version, shipment_id)
SELECT pg_temp.derived('shipment_name', number), 1, id FROM shipments
"""
ANNOUNCED = """
INSERT INTO announced_serials (id, version, serial_id, serial, sku, shipment_id, order_id, order_line_id)
SELECT pg_temp.derived('announced_serial', CAST(s.id AS text), l.sku, serial), 1, pg_temp.derived('serial', serial),
    serial, l.sku, s.id, s.order_id, l.id
FROM shipments AS s
CROSS JOIN jsonb_array_elements(s.lines) AS line
CROSS JOIN jsonb_array_elements_text(line -> 'serials') AS serial
JOIN expected_lines AS l ON l.id = CAST(line ->> 'order_line_id' AS uuid)
ON CONFLICT (id) DO NOTHING
"""
WITHOUT_SERIALS = """
UPDATE shipments SET lines = (SELECT jsonb_agg(line - 'serials' ORDER BY place)
    FROM jsonb_array_elements(lines) WITH ORDINALITY AS each (line, place))
"""


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    for name in ("arrived_on", "overdue_on", "stale_on"):
        op.add_column("shipments", sa.Column(name, sa.Date(), nullable=True))
    made_up: dict[str, tuple[sa.types.TypeEngine[Any], str]] = {
        "ordinal": (sa.BigInteger(), "0"),
        "packages": (postgresql.JSONB(), "[]"),
        "announced": (postgresql.JSONB(), "[]"),
        "told": (sa.Uuid(), "00000000-0000-0000-0000-000000000000"),
        "heard_on": (sa.Date(), "2000-01-01"),
        "words": (sa.Text(), ""),
    }
    for name, (kind, value) in made_up.items():
        op.add_column("shipments", sa.Column(name, kind, nullable=False, server_default=value))
    op.drop_constraint("status_is_known", "shipments", type_="check")
    op.create_check_constraint(
        "status_is_known", "shipments", "status IN ('announced', 'in_transit', 'arrived', 'received')"
    )
    op.create_table(
        "shipment_names",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "packages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "announced_serials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("serial_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for statement in (DERIVED, TOLD, NAMED, ANNOUNCED, WITHOUT_SERIALS):
        op.execute(sa.text(statement.replace(":", "\\:")))
    for name in made_up:
        op.alter_column("shipments", name, server_default=None)
    op.drop_index("shipments_by_order", "shipments")
    op.create_index("shipments_by_order", "shipments", ["order_id", "ordinal"])
    op.create_index("shipments_by_ordinal", "shipments", ["ordinal"], unique=True)
    op.create_index("shipments_by_status", "shipments", ["status", "ordinal"])
    op.create_index(
        "shipments_by_words", "shipments", [sa.text("to_tsvector('simple', words)")], postgresql_using="gin"
    )
    op.create_index("announced_serials_by_serial", "announced_serials", ["serial_id"])
    op.create_index("announced_serials_by_shipment", "announced_serials", ["shipment_id"])
