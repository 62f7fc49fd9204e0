"""A requests database with as many requests as one likes, made by SQL: skewed as real ones are, and then worse.

What waits for approval is nearly all among the newest fifth; one system hands in seven of ten; a word stands only in
the newest tenth. A planner that takes columns to be independent of each other is wrong about all of these.
"""

from collections.abc import Callable

import asyncpg

from services.requests.delegation import BOOK_ID

CHUNK = 50_000
PEOPLE = 20_000
"""Of whom 5,000 have requests."""
COST_CENTRES = 200
GROUPS = 40
DELEGATIONS_IN_FORCE = 1_000

# Everything below is made from the number of the request, i, of n; `h` is a die that always falls alike for it.
FUNCTIONS = """
CREATE FUNCTION pg_temp.h(i bigint, salt bigint, sides bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT (hashint8extended(i, salt) & 2147483647) % sides $$;
CREATE FUNCTION pg_temp.key(kind text, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT md5(kind || i)::uuid $$;
CREATE FUNCTION pg_temp.derived_id(kind text, key text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(set_byte(set_byte(b, 6, get_byte(b, 6) & 15 | 128), 8, get_byte(b, 8) & 63 | 128), 'hex')::uuid
    FROM substr(sha256(convert_to(kind || chr(31) || key, 'UTF8')), 1, 16) b $$;
CREATE FUNCTION pg_temp.person(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'person-' || i $$;
CREATE FUNCTION pg_temp.centre(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'CC-' || 100 + i $$;
"""

# What a record has gained since this was written is as plain as can be.
DEFAULTS = """
DO $$ DECLARE each record; BEGIN
    FOR each IN SELECT table_name, column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL
          AND data_type IN ('text', 'bigint', 'boolean', 'jsonb', 'numeric') LOOP
        EXECUTE format('ALTER TABLE %I ALTER %I SET DEFAULT %s', each.table_name, each.column_name,
            CASE each.data_type WHEN 'boolean' THEN 'false' WHEN 'text' THEN $t$''$t$
                WHEN 'jsonb' THEN $t$'[]'$t$ ELSE '0' END);
    END LOOP;
END $$
"""

_PEOPLE = f"""
INSERT INTO people (id, version, person_id, name, roles, active, groups, cost_centres)
SELECT pg_temp.derived_id('person', pg_temp.person(i)), 1, pg_temp.person(i), 'Person ' || i,
       CASE WHEN i % 1000 = 8 THEN '["procurement_manager"]' ELSE '["requester"]' END::jsonb, i % 50 <> 1,
       CASE WHEN i <= {GROUPS * 10} THEN jsonb_build_array('TEAM-' || i % {GROUPS}) ELSE '[]' END,
       CASE WHEN i <= {COST_CENTRES} THEN jsonb_build_array(pg_temp.centre(i)) ELSE '[]' END
FROM generate_series(1, {PEOPLE}) i;
INSERT INTO people (id, version, person_id, name, roles, active, groups, cost_centres)
SELECT pg_temp.derived_id('person', name), 1, name, name, '["requester"]', true, '[]', '[]'
FROM unnest(ARRAY['person-with-one', 'person-with-few', 'person-with-many']) name;
INSERT INTO groups (id, version, code, name, members, active)
SELECT pg_temp.key('group', i), 1, 'TEAM-' || i, 'Team ' || i, '[]', true FROM generate_series(0, {GROUPS - 1}) i;
INSERT INTO cost_centres (id, version, code, name, owned_by, active)
SELECT pg_temp.key('centre', i), 1, pg_temp.centre(i), 'Cost centre ' || i, pg_temp.person(i), true
FROM generate_series(1, {COST_CENTRES}) i;
"""

_DELEGATIONS = """
INSERT INTO delegations (id, version, book_id, delegator, delegate, from_date, until_date, status, reason, made_by,
                         made_at, end_reason)
SELECT pg_temp.key('delegation', i), 1, $1, pg_temp.person(i * 2), pg_temp.person(i * 2 + 1), current_date - 1,
       current_date + 30, CASE WHEN i <= $2 THEN 'in_force' ELSE 'ended' END, '', pg_temp.person(i * 2), now(), ''
FROM generate_series(1, 20000) i
"""

_REQUESTS = """
INSERT INTO purchase_requests (id, version, ordinal, number, status, status_since, source, external_reference,
    reference_id, revision, content, first_content, requester, on_behalf_of, submitted_by, cost_centre, justification,
    needed_by, deliver_to, currency, total, approved_total, submitted_at, message_id, round, reason, words)
SELECT pg_temp.key('request', i), 3, i, number, status, at, source, reference,
       CASE WHEN reference IS NOT NULL THEN pg_temp.derived_id('external_reference', reference) END,
       1, pg_temp.key('content', i), pg_temp.key('content', i), requester, on_behalf_of,
       CASE WHEN source IN ('erp', 'portal') THEN source ELSE requester END, centre, justification,
       CASE WHEN pg_temp.h(i, 6, 10) < 6 THEN at::date + 7 + pg_temp.h(i, 7, 90)::int END, 'HQ', 'EUR',
       100 + pg_temp.h(i, 8, 5000),
       CASE WHEN status NOT IN ('submitted', 'awaiting_approval', 'rejected', 'withdrawn', 'expired')
            THEN 100 + pg_temp.h(i, 8, 5000) END,
       at, pg_temp.key('message', i), 1, '',
       concat_ws(' ', number, reference, requester, on_behalf_of, centre, justification)
FROM (SELECT i, 'REQ-' || lpad(i::text, greatest(6, length(i::text)), '0') AS number,
        now() - interval '600 days' * (1 - i / $3::float8) AS at,
        CASE WHEN pg_temp.h(i, 2, 10) < 9 THEN pg_temp.centre(1 + pg_temp.h(i, 9, 200)) END AS centre,
        CASE WHEN requester_status = 'submitted' THEN requester
             WHEN pg_temp.h(i, 3, 10) < 7 THEN 'erp' WHEN pg_temp.h(i, 3, 10) < 9 THEN 'portal'
             ELSE requester END AS source,
        CASE WHEN pg_temp.h(i, 3, 10) < 8 THEN 'ERP-' || i END AS reference, requester,
        CASE WHEN pg_temp.h(i, 4, 10) = 0 THEN pg_temp.person(1 + pg_temp.h(i, 10, 5000)) END AS on_behalf_of,
        requester_status AS status,
        concat_ws(' ',
            CASE WHEN pg_temp.h(i, 11, 2) = 0 THEN 'laptop' ELSE 'chair' END,
            CASE WHEN pg_temp.h(i, 12, 20) = 0 THEN 'projector' END,
            CASE WHEN pg_temp.h(i, 13, 100) = 0 THEN 'microscope' END,
            CASE WHEN pg_temp.h(i, 14, 1000) = 0 THEN 'oscilloscope' END,
            CASE WHEN i % ($3 / 5) = 3 THEN 'theodolite' END,
            CASE WHEN i > $3 * 0.9 AND pg_temp.h(i, 15, 10) < 6 THEN 'tablet' END,
            CASE WHEN pg_temp.h(i, 16, 3) = 0 THEN 'for the new office' ELSE 'replaces a broken one' END,
            'word' || pg_temp.h(i, 17, 5000), 'word' || pg_temp.h(i, 18, 5000)) AS justification
      FROM (SELECT i,
          CASE WHEN i = $3 / 2 THEN 'person-with-one' WHEN i % ($3 / 200) = 7 THEN 'person-with-few'
               WHEN i % 20 = 3 THEN 'person-with-many' ELSE pg_temp.person(1 + pg_temp.h(i, 1, 5000)) END AS requester,
          CASE WHEN i > $3 * 0.8 THEN CASE WHEN r < 9000 THEN 'awaiting_approval' WHEN r < 9500 THEN 'approved'
                                           ELSE 'rejected' END
               WHEN r < 250 THEN 'awaiting_approval' WHEN r < 6500 THEN 'fulfilled' WHEN r < 7300 THEN 'ordered'
               WHEN r < 7700 THEN 'approved' WHEN r < 7800 THEN 'partially_ordered'
               WHEN r < 8100 THEN 'partially_received' WHEN r < 8500 THEN 'received' WHEN r < 9200 THEN 'rejected'
               WHEN r < 9500 THEN 'withdrawn' WHEN r < 9700 THEN 'expired' WHEN r < 9998 THEN 'cancelled'
               ELSE 'submitted' END AS requester_status
          FROM (SELECT i, pg_temp.h(i, 5, 10000) AS r FROM generate_series($1::bigint, $2::bigint) i)))
"""

_LINES = """
INSERT INTO request_lines (id, version, request_id, position, item_id, catalog_version, sku, name, kind, quantity,
    unit_price, line_total, vendor, vendor_named, destination_kind, destination_name, withdrawn)
SELECT md5(r.id || ':' || p)::uuid, 1, r.id, p, pg_temp.key('item', p), 1, 'SKU-' || p, 'Item ' || p, 'hardware', 1,
       r.total, r.total, 'V-1', false, 'person', r.requester, false
FROM purchase_requests r, generate_series(1, CASE pg_temp.h(r.ordinal, 20, 10) WHEN 9 THEN 3 WHEN 8 THEN 2 ELSE 1 END) p
WHERE r.ordinal BETWEEN $1 AND $2 AND $3 > 0
"""

_REVISIONS = """
INSERT INTO request_revisions (id, version, request_id, number, content, wish, total, currency, edited_by, at)
SELECT md5(r.id || 'revision' || p)::uuid, 1, r.id, p, r.content,
       '{"currency": "EUR", "deliver_to": "HQ", "lines": [{"sku": "SKU-1", "quantity": 1}]}', r.total, 'EUR',
       r.requester, r.submitted_at
FROM purchase_requests r, generate_series(1, 2) p
WHERE r.ordinal BETWEEN $1 AND $2 AND r.ordinal % 50 = $3 % 2
"""

_ROUNDS = """
INSERT INTO approval_rounds (id, version, request_id, ordinal, number, purpose, status, revision, revision_now, content,
    total, currency, asked_because, parties, policy_number, rule, steps, step, yes, voices, reminders, escalated,
    opened_at, step_opened_at, closed_at)
SELECT md5(r.id || 'round')::uuid, 1, r.id, r.ordinal, 1, 'request',
       CASE r.status WHEN 'awaiting_approval' THEN 'open' WHEN 'rejected' THEN 'rejected' WHEN 'expired' THEN 'expired'
            ELSE 'approved' END, 1, 1, r.content, r.total, 'EUR', '', '[]', 0, '1,000 and above',
       '[{"approvers": ["' || seat.approver || '"], "remind_after_hours": 24}]', 1, '[]', '[]', 0, false,
       r.submitted_at, r.submitted_at, CASE WHEN r.status <> 'awaiting_approval' THEN r.submitted_at END
FROM purchase_requests r, LATERAL (SELECT CASE WHEN s < 9000 THEN 'role:procurement_manager'
        WHEN s < 9600 THEN 'group:TEAM-' || s % 40 WHEN s < 9900 THEN 'cost_centre:CC-' || 101 + s % 200
        ELSE 'person:person-' || s % 100 END AS approver FROM pg_temp.h(r.ordinal, 21, 10000) s) seat
WHERE r.ordinal BETWEEN $1 AND $2 AND $3 > 0
  AND (r.status IN ('awaiting_approval', 'rejected', 'expired') OR pg_temp.h(r.ordinal, 22, 10) < 4)
"""

_SEATS = """
INSERT INTO approval_seats (id, version, request_id, round_id, approver, ordinal, round, step, open)
SELECT md5(id || 'seat')::uuid, 1, request_id, id, steps::jsonb #>> '{0,approvers,0}', ordinal, 1, 1, status = 'open'
FROM approval_rounds WHERE ordinal BETWEEN $1 AND $2 AND $3 > 0
"""

_APPROVALS = """
INSERT INTO approvals (id, version, request_id, round_id, round, step, verdict, decided_by, path, approver, reason,
    revision, content, at, message_id)
SELECT md5(id || 'approval')::uuid, 1, request_id, id, 1, 1,
       CASE status WHEN 'approved' THEN 'approve' ELSE 'reject' END, 'person-8', '[]',
       steps::jsonb #>> '{0,approvers,0}', '', 1, content, opened_at, md5(id || 'said')::uuid
FROM approval_rounds
WHERE ordinal BETWEEN $1 AND $2 AND status IN ('approved', 'rejected') AND $3 > 0
"""

_PROCESSES = """
INSERT INTO fulfilment_processes (id, version, stage, stage_since, steps, refusals, overdue, cancelling, started_at)
SELECT id, 1, CASE WHEN status = 'fulfilled' THEN 'completed' WHEN status = 'cancelled' THEN 'cancelled'
        WHEN pg_temp.h(ordinal, 30, 1000) = 0 THEN 'stuck'
        WHEN status IN ('approved', 'partially_ordered') THEN 'ordering'
        WHEN status = 'received' THEN 'handing_over' ELSE 'delivering' END, status_since, 2, 0, 0, false, submitted_at
FROM purchase_requests WHERE ordinal BETWEEN $1 AND $2 AND approved_total IS NOT NULL AND $3 > 0
"""

_PROCESS_LINES = """
INSERT INTO process_lines (id, version, request_id, wanted, kind, destination_kind, destination_name, claimed, assigned,
    shares)
SELECT l.id, 1, l.request_id, 1, l.kind, l.destination_kind, l.destination_name, 0, 0,
       jsonb_build_object(md5(l.id || 'order line')::uuid, '{"first": 1, "now": 1}'::jsonb)
FROM purchase_requests r JOIN request_lines l ON l.request_id = r.id
WHERE r.ordinal BETWEEN $1 AND $2 AND r.approved_total IS NOT NULL AND $3 > 0
"""

_UNITS = """
INSERT INTO process_units (id, version, request_id, line_id, kind, status, quantity, tag, serial)
SELECT md5(l.id || 'unit')::uuid, 1, l.request_id, l.id, 'hardware', 'assigned', 1, 'T-' || r.ordinal, 'S-' || r.ordinal
FROM purchase_requests r JOIN request_lines l ON l.request_id = r.id
WHERE r.ordinal BETWEEN $1 AND $2 AND r.status = 'fulfilled' AND $3 > 0
"""

_STEPS = """
INSERT INTO process_steps (id, version, request_id, number, message_type, message_id, at, summary)
SELECT md5(r.id || 'step' || p)::uuid, 1, r.id, p, 'purchasing.create_order.v1', md5(r.id || 'told' || p)::uuid,
       r.submitted_at, 'something happened'
FROM purchase_requests r, generate_series(1, 2) p
WHERE r.ordinal BETWEEN $1 AND $2 AND r.approved_total IS NOT NULL AND $3 > 0
"""

_TIMERS = """
INSERT INTO chassis.timers (id, due_at, ordering_key, type, correlation_id, body)
SELECT md5(id || 'timer')::uuid, now() + interval '1 day', request_id, 'requests.approval_reminder_due.v1', 'c', '{}'
FROM approval_rounds WHERE ordinal BETWEEN $1 AND $2 AND status = 'open' AND $3 > 0
"""

_AUDIT = """
INSERT INTO chassis.audit (at, actor, action, type, about, outcome, code, origin, message_id, correlation_id)
SELECT submitted_at, submitted_by, 'requests.submit', 'requests.submit_request.v1', id, o.outcome,
       CASE o.outcome WHEN 'rejected' THEN 'item_unknown' END, 'queue', message_id::text, message_id::text
FROM purchase_requests, LATERAL (SELECT CASE WHEN d < 960 THEN 'accepted' WHEN d < 990 THEN 'rejected'
        WHEN d < 999 THEN 'duplicate' ELSE 'dead' END AS outcome FROM pg_temp.h(ordinal, 31, 1000) d) o
WHERE ordinal BETWEEN $1 AND $2 AND $3 > 0
UNION ALL
SELECT at, decided_by, 'requests.decide_approvals', 'requests.decide_approval.v1', request_id, 'accepted', NULL, 'http',
       message_id::text, message_id::text
FROM approvals WHERE request_id IN (SELECT id FROM purchase_requests WHERE ordinal BETWEEN $1 AND $2)
"""

# Of this generation of thirty days and the one before, as libs.chassis.inbox counts them.
_INBOX = """
INSERT INTO chassis.stranger_inbox (message_id, consumer, sender, bucket, body_hash, outcome, received_at)
SELECT message_id, 'requests.ingress', source, generation - 30 * (ordinal / 5 % 2)::int, '\\x00', 'accepted', now()
FROM purchase_requests, (SELECT current_date - (current_date - '0001-01-01'::date + 1) % 30 AS generation)
WHERE ordinal BETWEEN $1 AND $2 AND $3 > 0 AND ordinal % 5 = 0
"""

PARTS = (
    _REQUESTS, _LINES, _REVISIONS, _ROUNDS, _SEATS, _APPROVALS, _PROCESSES, _PROCESS_LINES, _UNITS, _STEPS, _TIMERS,
    _AUDIT, _INBOX,
)  # fmt: skip


async def fill(url: str, records: int, progress: Callable[[int], None]) -> None:
    """Make so many requests and all that goes with them; `progress` hears how many there are."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET synchronous_commit = off; SET work_mem = '64MB'")
        await connection.execute(DEFAULTS)
        await connection.execute(FUNCTIONS)
        await connection.execute(_PEOPLE)
        await connection.execute(_DELEGATIONS, BOOK_ID, DELEGATIONS_IN_FORCE)
        for first in range(1, records + 1, CHUNK):
            last = min(records, first + CHUNK - 1)
            async with connection.transaction():
                for part in PARTS:
                    await connection.execute(part, first, last, records)
            progress(last)
        await connection.execute("SELECT setval('request_number', $1)", records)
        # Otherwise the first to ask would pay for what was written last.
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
