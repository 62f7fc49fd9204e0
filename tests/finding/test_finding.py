"""Whatever is asked for, page by page: everything that is wanted is found, once, in order, and nothing else."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import Servers
from libs.chassis import audit_api, finding
from services.requests.__main__ import SERVICE
from services.requests.api import inbox, requests
from tests.finding.filled import all_pages, api_of, filled_engine, rows_of
from tests.tokens import bearer
from tests.volume.filling import fill
from tests.volume.questions import (
    ADMINISTRATOR,
    DEPUTY,
    ERP,
    FEW_SEATS,
    MANAGER,
    RARE,
    WAITING,
    WITH_FEW,
    WITH_MANY,
    Asking,
)

REQUESTS = 1_000
MINE = "(r.requester = :me OR r.on_behalf_of = :me OR r.submitted_by = :me OR r.source = :me)"
FILTERS: dict[str, str] = {
    "requester": "r.requester = :requester",
    "on_behalf_of": "r.on_behalf_of = :on_behalf_of",
    "cost_centre": "r.cost_centre = :cost_centre",
    "source": "r.source = :source",
    "external_reference": "r.external_reference = :external_reference",
    "needed_until": "r.needed_by <= CAST(CAST(:needed_until AS text) AS date)",
    "search": "to_tsvector('simple', r.words) @@ websearch_to_tsquery('simple', :search)",
    "status": "r.status = :status",
}
WISHES: tuple[dict[str, str], ...] = (
    {},
    {"requester": "person-with-many"},
    {"on_behalf_of": "person-17"},
    {"cost_centre": "CC-117"},
    {"source": "erp"},
    {"source": "portal", "cost_centre": "CC-117"},
    {"external_reference": "ERP-1001"},
    {"needed_until": "2026-01-01"},
    {"requester": "person-with-many", "source": "erp"},
    *(
        {"search": each}
        for each in ("laptop", "tablet", "theodolite", '"office new"', "-laptop", "laptop -new")
    ),
    {"search": "laptop", "source": "erp"},
)


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    """What is looked at for a page is less than there is, as it is in a large database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "LOOKED_AT_MAX", 200)
        patch.setattr(finding, "MATCHES_MAX", 30)
        patch.setattr(inbox, "LOOKED_AT_MAX", 70)
        patch.setattr(audit_api, "LOOKED_AT_MAX", 200)
        yield


@pytest_asyncio.fixture(scope="module")
async def engine(servers: Servers) -> AsyncIterator[AsyncEngine]:
    """A database with some requests."""
    async with filled_engine(servers, SERVICE, fill, REQUESTS) as engine:
        yield engine


@pytest_asyncio.fixture(scope="module")
async def client(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    async with api_of(SERVICE, engine) as client:
        yield client


@pytest.mark.parametrize("who", [MANAGER, WITH_MANY, ERP], ids=lambda who: str(who[0]))
@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_list_is_complete(
    who: Asking, order: str, client: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    differing = []
    for wish in WISHES:
        for status in ({}, {"status": WAITING.value}, {"status": RARE.value}):
            wanted = {**wish, **status}
            mine = [] if who is MANAGER else [MINE]
            conditions = " AND ".join(["true", *mine, *(FILTERS[name] for name in wanted)])
            sql = f"SELECT number FROM purchase_requests r WHERE {conditions} ORDER BY ordinal"
            expected = [row.number for row in await rows_of(engine, sql, me=who[0], **wanted)]

            found = await all_pages(client, who, "/requests", order=order, **wanted)

            if [each["number"] for each in found] != (expected if order == "oldest" else expected[::-1]):
                differing.append((wanted, len(expected), len(found)))
    assert differing == []


@pytest.mark.parametrize("who", [MANAGER, WITH_FEW, WITH_MANY, ERP], ids=lambda who: str(who[0]))
async def test_a_summary_counts_to_its_end_and_says_so(
    who: Asking, client: httpx2.AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "" if who is MANAGER else f"WHERE {MINE}"
    sql = f"SELECT status, count(*) AS count FROM purchase_requests r {where} GROUP BY status"
    expected = {row.status: row.count for row in await rows_of(engine, sql, me=who[0])}

    everything = (await client.get("/summary", headers=bearer(*who))).json()
    for module in (finding, requests):
        monkeypatch.setattr(module, "COUNTED_MAX", 5)
    some = (await client.get("/summary", headers=bearer(*who))).json()

    assert {status: count for status, count in everything["requests"].items() if count} == expected
    assert everything["more"] == []
    assert {status for status, count in expected.items() if count > 5} <= set(some["more"])
    assert all(count <= min(5, expected.get(status, 0)) for status, count in some["requests"].items())


OPEN = """
    SELECT DISTINCT o.ordinal, r.number FROM approval_rounds o JOIN purchase_requests r ON r.id = o.request_id
    JOIN approval_seats s ON s.round_id = o.id WHERE o.status = 'open' AND s.open AND {} ORDER BY o.ordinal
"""
DECIDABLE = "NOT :me = ANY(ARRAY[r.requester, r.submitted_by, coalesce(r.on_behalf_of, '')])"


@pytest.mark.parametrize(
    ("who", "wanted", "where"),
    [
        (MANAGER, {}, f"s.approver = 'role:procurement_manager' AND {DECIDABLE}"),
        (
            MANAGER,
            {"requester": "person-with-many"},
            f"s.approver = 'role:procurement_manager' AND r.requester = 'person-with-many' AND {DECIDABLE}",
        ),
        (MANAGER, {"purpose": "spending"}, "o.purpose = 'spending'"),
        (MANAGER, {"all": True}, "true"),
        (MANAGER, {"all": True, "purpose": "request"}, "true"),
        (MANAGER, {"all": True, "requester": "person-with-many"}, "r.requester = 'person-with-many'"),
        (MANAGER, {"all": True, "approver": "group:TEAM-12"}, "s.approver = 'group:TEAM-12'"),
        (
            FEW_SEATS,
            {},
            "s.approver IN ('person:person-12', 'group:TEAM-12', 'cost_centre:CC-112') AND " + DECIDABLE,
        ),
        (
            DEPUTY,
            {"acting_for": "person-8"},
            "s.approver IN ('role:procurement_manager', 'person:person-8', 'group:TEAM-8', 'cost_centre:CC-108')"
            f" AND {DECIDABLE} AND {DECIDABLE.replace(':me', chr(39) + 'person-8' + chr(39))}",
        ),
    ],
    ids=str,
)
async def test_an_inbox_is_complete(
    who: Asking, wanted: dict[str, Any], where: str, client: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    if who is MANAGER and "role:procurement_manager" in where:
        own = "('role:procurement_manager', 'person:person-8', 'group:TEAM-8', 'cost_centre:CC-108')"
        where = where.replace("= 'role:procurement_manager'", f"IN {own}")
    expected = [row.number for row in await rows_of(engine, OPEN.format(where), me=who[0])]

    found = await all_pages(client, who, "/approvals", **wanted)

    assert [each["number"] for each in found] == expected


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ({}, "true"),
        ({"actor": "erp"}, "actor = 'erp'"),
        ({"actor": "erp", "outcome": "dead"}, "actor = 'erp' AND outcome = 'dead'"),
        ({"actor": "erp", "outcome": "accepted"}, "actor = 'erp' AND outcome = 'accepted'"),
        ({"actor": "erp", "action": "requests.submit"}, "actor = 'erp' AND action = 'requests.submit'"),
        ({"actor": "person-8", "action": "requests.cancel"}, "false"),
        ({"action": "requests.decide_approvals"}, "action = 'requests.decide_approvals'"),
        (
            {"since": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"},
            "at >= '2026-01-01T00:00:00Z' AND at < '2026-03-01T00:00:00Z'",
        ),
    ],
    ids=str,
)
async def test_the_audit_is_complete(
    wanted: dict[str, str], where: str, client: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    sql = f"SELECT message_id FROM chassis.audit WHERE {where} ORDER BY at DESC, id DESC"
    expected = [row.message_id for row in await rows_of(engine, sql)]

    found = await all_pages(client, ADMINISTRATOR, "/audit", **wanted)

    assert [each["message_id"] for each in found] == expected
