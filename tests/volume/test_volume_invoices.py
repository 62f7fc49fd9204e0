"""However many invoices there are, no question leads to reading all of them.

Nearly all are matched or accepted and old; what waits for a person is among the newest hundredth, and one vendor sends
four of ten.
"""

from collections.abc import Callable, Iterator

import asyncpg
import pytest

from services.purchasing.__main__ import SERVICE
from tests.volume.conftest import RECORDS, AskAndJudge, Filled
from tests.volume.questions import ERP, MANAGER, Question, ask

CHUNK = 50_000

_INVOICES = """
INSERT INTO invoices (id, version, ordinal, vendor_number, number, kind, corrects, invoiced_on, due_on, currency, net,
    tax, gross, freight, orders, shares, sent, answer, recorded_by, recorded_at, status, status_since, differences,
    accepted, differs, words)
SELECT gen_random_uuid(), 2, i, vendor, number, CASE i % 50 WHEN 0 THEN 'credit_note' ELSE 'invoice' END, NULL,
    date '2020-01-01' + (i * 2000 / $3)::int, NULL, 'EUR', i % 9000, 0, i % 9000, 0,
    jsonb_build_array(order_id), jsonb_build_array('{"net": "1", "tax": "0", "freight": "0", "rate": "1"}'::jsonb),
    '{"lines": []}', '{}', 'erp', now(), CASE
        WHEN i > $3 * 99 / 100 AND i % 3 = 0 THEN 'recorded'
        WHEN i % 1000 = 7 THEN 'disputed' WHEN i % 20 = 3 THEN 'accepted' ELSE 'matched' END,
    now(), '[]', '[]', i % 20 = 3 OR (i > $3 * 99 / 100 AND i % 3 = 0),
    number || ' ' || vendor || ' Vendor of ' || CASE WHEN i % 10 < 4 THEN 'everything' ELSE 'things' END
        || ' PR-' || lpad(i::text, 6, '0') || CASE WHEN i % 50000 = 11 THEN ' theodolite' ELSE '' END
FROM (SELECT i, gen_random_uuid() AS order_id, 'R-' || i AS number,
    CASE WHEN i % 10 < 4 THEN 'V-BIG' ELSE 'V-' || i % 2000 END AS vendor
    FROM generate_series($1::bigint, $2::bigint) AS i) AS made
"""
_DECISIONS = """
INSERT INTO invoice_decisions (id, version, invoice_id, verdict, decided_by, decided_at, reason)
SELECT gen_random_uuid(), 1, id, 'accepted', 'person-8', now(), 'agreed' FROM invoices
WHERE ordinal BETWEEN $1 AND $2 AND status = 'accepted' AND $3 > 0
"""


async def fill(url: str, records: int, progress: Callable[[int], None]) -> None:
    """Make so many invoices, and what was decided about them."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET synchronous_commit = off; SET work_mem = '64MB'")
        for first in range(1, records + 1, CHUNK):
            last = min(records, first + CHUNK - 1)
            async with connection.transaction():
                for part in (_INVOICES, _DECISIONS):
                    await connection.execute(part, first, last, records)
            progress(last)
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


FILLED = Filled(SERVICE, "invoices", fill)
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"vendor": "V-BIG"},
    {"vendor": "V-17"},
    {"vendor": "V-NOBODY"},
    {"number": f"R-{RECORDS // 2}"},
)
STATUSES = ("recorded", "matched", "disputed", "accepted")
SIFTED: tuple[dict[str, str], ...] = (
    {"differs": "false"},
    {"since": "2035-01-01"},
    {"since": "2024-06-01", "until": "2024-06-30"},
    {"vendor": "V-BIG", "differs": "true"},
    {"vendor": "V-BIG", "status": "recorded"},
    {"status": "matched", "differs": "true"},
)
SEARCHES = ("theodolite", "everything", "R-1000", "absent", "-everything", '"V-BIG Vendor"')


def questions() -> Iterator[Question]:
    """What people and systems ask about invoices, in every way that can be slow."""
    for newest in ("false", "true"):
        for wanted in FILTERS:
            yield ask("page", MANAGER, "/invoices", **wanted, newest=newest)
        yield ask("page", ERP, "/invoices", after=RECORDS // 2, newest=newest)
        yield ask("page", MANAGER, "/invoices", differs="true", newest=newest)
        for status in STATUSES:
            yield ask("page", MANAGER, "/invoices", status=status, newest=newest)
        for wanted in SIFTED:
            yield ask("sifted page", MANAGER, "/invoices", **wanted, newest=newest)
        for search in SEARCHES:
            yield ask("search", MANAGER, "/invoices", search=search, newest=newest)
            yield ask("search", MANAGER, "/invoices", search=search, status="recorded", newest=newest)
    yield ask("one", MANAGER, "/orders/PR-000001/invoices")
    yield ask("one", MANAGER, "/tolerances")


@pytest.mark.parametrize("question", list(questions()), ids=str)
async def test_a_question_about_invoices_is_answered_from_an_index(
    question: Question, ask_and_judge: AskAndJudge
) -> None:
    await ask_and_judge(question)
