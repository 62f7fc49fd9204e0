"""Whatever is asked for, page by page: every order that is wanted is found, once, in order, and nothing else."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import Servers
from libs.chassis import finding
from services.purchasing.__main__ import SERVICE
from tests.finding.filled import all_pages, api_of, filled_engine, rows_of
from tests.volume.filling_orders import fill_orders
from tests.volume.questions import MANAGER

ORDERS = 1_000
FILTERS: dict[str, str] = {
    "vendor": "vendor_number = :vendor",
    "currency": "currency = :currency",
    "differs": "differs = CAST(CAST(:differs AS text) AS boolean)",
    "overdue": "status IN ('submitted', 'partially_received') AND expected_on < current_date",
    "submitted_from": "submitted_at >= CAST(CAST(:submitted_from AS text) AS timestamptz)",
    "search": "to_tsvector('simple', words) @@ websearch_to_tsquery('simple', :search)",
    "status": "status = :status",
    "number": "CAST(:number AS text) IN (requisition_number, purchase_order_number)",
}
WISHES: tuple[dict[str, str], ...] = (
    {},
    {"vendor": "V-0007"},
    {"currency": "USD"},
    {"differs": "true"},
    {"differs": "false"},
    {"overdue": "true"},
    {"overdue": "true", "vendor": "V-0007"},
    {"submitted_from": "2026-01-01"},
    {"number": "PR-000500"},
    *({"search": each} for each in ("laptop", "tablet", "theodolite", '"order of desk"', "-laptop")),
    {"search": "laptop", "vendor": "V-0007"},
)


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    """What is looked at for a page is less than there is, as it is in a large database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "LOOKED_AT_MAX", 200)
        patch.setattr(finding, "MATCHES_MAX", 30)
        yield


@pytest_asyncio.fixture(scope="module")
async def engine(servers: Servers) -> AsyncIterator[AsyncEngine]:
    """A database with some orders."""
    async with filled_engine(servers, SERVICE, fill_orders, ORDERS) as engine:
        yield engine


@pytest_asyncio.fixture(scope="module")
async def client(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    async with api_of(SERVICE, engine) as client:
        yield client


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_list_of_orders_is_complete(
    order: str, client: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    differing = []
    for wish in WISHES:
        for status in ({}, {"status": "closed"}, {"status": "draft"}):
            wanted = {**wish, **status}
            conditions = " AND ".join(["true", *(FILTERS[name] for name in wanted)])
            sql = f"SELECT requisition_number AS number FROM purchase_orders WHERE {conditions} ORDER BY ordinal"
            expected = [row.number for row in await rows_of(engine, sql, **wanted)]

            found = await all_pages(client, MANAGER, "/orders", order=order, **wanted)

            numbers = [each["requisition_number"] for each in found]
            if numbers != (expected if order == "oldest" else expected[::-1]):
                differing.append((wanted, len(expected), len(found)))
    assert differing == []


async def test_every_item_of_the_catalog_is_found(client: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    for wanted, condition in (
        ({"kind": "service"}, "kind = 'service'"),
        ({"search": "theodolite"}, "words LIKE '%theodolite%'"),
        ({"kind": "service", "active": "true"}, "kind = 'service' AND active"),
        ({"vendor": "V-0007"}, "vendor_number = 'V-0007'"),
    ):
        sql = f"SELECT sku FROM catalog_items WHERE {condition} ORDER BY sku"
        expected = [row.sku for row in await rows_of(engine, sql)]

        found = [each["sku"] for each in await all_pages(client, MANAGER, "/catalog-items", **wanted)]

        assert found == expected, wanted
