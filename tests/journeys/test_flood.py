"""A flood of invoices stands in nobody's way: orders are obeyed, and requests ordered, while most of it still waits."""

import asyncio
from uuid import uuid4

from deploy.demo.erp import checked
from tests.journeys.flood import (
    INVOICES_PER_ORDER,
    SKU,
    an_order,
    cancellation,
    copies_of,
    invoices_for,
    pour,
    recorded,
)
from tests.journeys.system import System

FLOOD = 2_000


async def test_a_flood_of_invoices_stands_in_nobodys_way(system: System) -> None:
    order = await an_order(system)
    before = await recorded(system)

    async with copies_of(system, order, FLOOD // INVOICES_PER_ORDER) as copies:
        async with system.frozen("purchasing"):
            await pour(system, invoices_for(order["vendor_number"], copies, FLOOD))
            cancelling = asyncio.create_task(system.erp.ask(cancellation(order), str(uuid4())))
            request_id = await system.submit((SKU, 1))
        checked(await cancelling)
        when_cancelled = await recorded(system) - before
        await system.reaches(request_id, "ordered")
        when_ordered = await recorded(system) - before

        assert when_cancelled < FLOOD / 2, "the order stood behind the flood"
        assert when_ordered < FLOOD, "the request stood behind the flood"
        await system.eventually(lambda: recorded(system), lambda found: found == before + FLOOD)
    assert await system.letters("purchasing") == []
