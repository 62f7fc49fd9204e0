"""A purchasing database with as many orders as one likes, made by SQL: skewed as real ones are, and then worse.

Four of ten orders go to one vendor; what is a draft or is to come is nearly all among the newest fifth; a word stands
only in the newest tenth; hardly any order of the oldest half differs from its invoices.
"""

from collections.abc import Callable

import asyncpg

from tests.volume.filling import CHUNK, DEFAULTS, FUNCTIONS

VENDORS = 2_000
ITEMS = 100_000

_VENDORS = f"""
INSERT INTO vendors (id, version, number, name, currency, lead_time_days, active)
SELECT pg_temp.key('vendor', i), 1, 'V-' || lpad(i::text, 4, '0'), 'Vendor ' || i, 'EUR', 7, i % 50 <> 1
FROM generate_series(1, {VENDORS}) i
"""

_ITEMS = f"""
INSERT INTO catalog_items (id, version, sku, name, kind, unit, vendor_id, vendor_number, offers, components, packs,
    warranty_months, asset_creation, active, words)
SELECT pg_temp.key('item', i), 1, 'SKU-' || i, name || ' ' || i,
       CASE WHEN i % 10 < 8 THEN 'hardware' WHEN i % 10 = 8 THEN 'consumable' WHEN i % 500 = 9 THEN 'service'
            ELSE 'software' END, 'EA', pg_temp.key('vendor', vendor), number,
       jsonb_build_array(jsonb_build_object('vendor_number', number, 'unit_price', '100', 'currency', 'EUR')), '[]',
       '[]', 24, 'on_submission', i % 20 <> 3, concat_ws(' ', 'sku', i, lower(name), ':' || number)
FROM (SELECT i, 1 + i % {VENDORS} AS vendor, 'V-' || lpad((1 + i % {VENDORS})::text, 4, '0') AS number,
        CASE WHEN i % 10 < 3 THEN 'Laptop' WHEN i % 1000 = 4 THEN 'Projector' WHEN i % 50000 = 6 THEN 'Theodolite'
             ELSE 'Chair' END AS name FROM generate_series(1, $1::bigint) i)
"""

_ORDERS = f"""
INSERT INTO purchase_orders (id, version, ordinal, requisition_number, purchase_order_number, name, status,
    status_since, revision, amendments, request_id, requests, request_number, requester, drafted_by, changed_by,
    submitted_by, vendor_id, vendor_number, vendor_name, deliver_to, currency, freight, total, tax, expected_cost,
    awaits, granted, submitted_at, expected_on, short, receivers, invoices, invoiced_net, invoiced_gross, differs,
    words)
SELECT pg_temp.key('order', i), 3, i, number, po_number, name, status, at, 1, 0, request_id,
       CASE WHEN request_id IS NULL THEN '[]' ELSE jsonb_build_array(request_id) END,
       CASE WHEN request_id IS NOT NULL THEN 'REQ-' || i END, CASE WHEN request_id IS NOT NULL THEN requester END,
       requester, '[]', CASE WHEN status NOT IN ('draft', 'awaiting_approval') THEN requester END,
       pg_temp.key('vendor', vendor), vendor_number, 'Vendor ' || vendor, 'HQ', 'EUR', 0, total, 0, total, '[]', '[]',
       CASE WHEN status NOT IN ('draft', 'awaiting_approval') THEN at END,
       CASE WHEN status NOT IN ('draft', 'awaiting_approval') AND pg_temp.h(i, 6, 10) < 8
            THEN at::date + 7 + pg_temp.h(i, 7, 90)::int END,
       false, '[]', CASE WHEN invoiced THEN jsonb_build_array(pg_temp.key('invoice', i)) ELSE '[]' END,
       CASE WHEN invoiced THEN total ELSE 0 END, CASE WHEN invoiced THEN total ELSE 0 END,
       invoiced AND pg_temp.h(i, 8, 1000) < CASE WHEN i > $3 * 0.5 THEN 20 ELSE 1 END,
       concat_ws(' ', number, po_number, name, 'REQ-' || i, vendor_number, 'Vendor ' || vendor, requester,
            CASE WHEN pg_temp.h(i, 11, 2) = 0 THEN 'laptop' ELSE 'chair' END,
            CASE WHEN pg_temp.h(i, 12, 20) = 0 THEN 'projector' END,
            CASE WHEN pg_temp.h(i, 13, 100) = 0 THEN 'microscope' END,
            CASE WHEN pg_temp.h(i, 14, 1000) = 0 THEN 'oscilloscope' END,
            CASE WHEN i % ($3 / 5) = 3 THEN 'theodolite' END,
            CASE WHEN i > $3 * 0.9 AND pg_temp.h(i, 15, 10) < 6 THEN 'tablet' END,
            'word' || pg_temp.h(i, 17, 5000), 'word' || pg_temp.h(i, 18, 5000))
FROM (SELECT i, 'PR-' || lpad(i::text, greatest(6, length(i::text)), '0') AS number,
        CASE WHEN pg_temp.h(i, 3, 10) < 7 THEN 'PO-' || i END AS po_number,
        CASE WHEN pg_temp.h(i, 4, 10) = 0 THEN 'Order of desk ' || pg_temp.h(i, 20, 500) END AS name,
        now() - interval '600 days' * (1 - i / $3::float8) AS at,
        CASE WHEN pg_temp.h(i, 9, 10) > 0 THEN pg_temp.key('request', i / 2) END AS request_id,
        pg_temp.person(1 + pg_temp.h(i, 10, 5000)) AS requester, vendor,
        'V-' || lpad(vendor::text, 4, '0') AS vendor_number, 100 + pg_temp.h(i, 8, 5000) AS total,
        status, status IN ('received', 'closed') AND pg_temp.h(i, 21, 10) > 0 AS invoiced
      FROM (SELECT i, CASE WHEN pg_temp.h(i, 2, 10) < 4 THEN 7 WHEN i = $3 / 2 THEN {VENDORS}
                           ELSE 1 + pg_temp.h(i, 1, {VENDORS} - 1) END AS vendor,
          CASE WHEN i > $3 * 0.8 THEN CASE WHEN r < 1500 THEN 'draft' WHEN r < 1700 THEN 'awaiting_approval'
                    WHEN r < 7000 THEN 'submitted' WHEN r < 8500 THEN 'partially_received' ELSE 'received' END
               WHEN r < 3 THEN 'awaiting_approval' WHEN r < 20 THEN 'draft' WHEN r < 100 THEN 'submitted'
               WHEN r < 200 THEN 'partially_received' WHEN r < 1500 THEN 'received' WHEN r < 9500 THEN 'closed'
               ELSE 'cancelled' END AS status
          FROM (SELECT i, pg_temp.h(i, 5, 10000) AS r FROM generate_series($1::bigint, $2::bigint) i)))
"""

_NAMES = """
INSERT INTO order_names (id, version, name, order_id)
SELECT pg_temp.derived_id('order_name', n.said), 1, n.said, id
FROM purchase_orders, LATERAL (VALUES (requisition_number), (purchase_order_number)) n (said)
WHERE ordinal BETWEEN $1 AND $2 AND n.said IS NOT NULL AND $3 > 0
"""

_LINES = f"""
INSERT INTO order_lines (id, version, order_id, request_id, request_line_id, position, item_id, catalog_version, sku,
    name, kind, asset_creation, warranty_months, ordered, units_made, approved_unit_price, unit_price, line_total,
    tax_percent, tax, asked, accepted, rejected, returned, confirmed, entitled, invoiced)
SELECT md5(o.id || ':' || p)::uuid, 1, o.id, o.request_id, md5(o.id || 'wanted' || p)::uuid, p,
       pg_temp.key('item', 1 + o.ordinal * p % {ITEMS}), 1, 'SKU-' || 1 + o.ordinal * p % {ITEMS}, 'Item', 'hardware',
       'on_submission', 24, 1, 1, o.total, o.total, CASE p WHEN 1 THEN o.total ELSE 0 END, 0, 0,
       CASE o.status WHEN 'cancelled' THEN 1 ELSE 0 END,
       CASE WHEN o.status IN ('received', 'closed') THEN 1 ELSE 0 END, 0, 0, 0, 0,
       CASE o.invoices WHEN '[]' THEN 0 ELSE 1 END
FROM purchase_orders o, generate_series(1, CASE pg_temp.h(o.ordinal, 22, 10) WHEN 9 THEN 3 WHEN 8 THEN 2 ELSE 1 END) p
WHERE o.ordinal BETWEEN $1 AND $2 AND $3 > 0
"""

_REQUESTS = """
INSERT INTO request_orders (id, version, status, approved, committed, elsewhere, answer, cancellation)
SELECT request_id, 1, 'ordered', max(total) * 2, sum(total), '[]', '{}', '{}' FROM purchase_orders
WHERE ordinal BETWEEN $1 AND $2 AND request_id IS NOT NULL AND $3 > 0 GROUP BY request_id ON CONFLICT DO NOTHING
"""

PARTS = (_ORDERS, _NAMES, _LINES, _REQUESTS)


async def fill_orders(url: str, records: int, progress: Callable[[int], None]) -> None:
    """Make so many orders and all that goes with them; `progress` hears how many there are."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET synchronous_commit = off; SET work_mem = '64MB'")
        await connection.execute(DEFAULTS)
        await connection.execute(FUNCTIONS)
        await connection.execute(_VENDORS)
        await connection.execute(_ITEMS, min(ITEMS, records))
        for first in range(1, records + 1, CHUNK):
            last = min(records, first + CHUNK - 1)
            async with connection.transaction():
                for part in PARTS:
                    await connection.execute(part, first, last, records)
            progress(last)
        await connection.execute("SELECT setval('requisition_number', $1)", records)
        # Otherwise the first to ask would pay for what was written last.
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
