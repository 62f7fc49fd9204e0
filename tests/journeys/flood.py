"""A flood of invoices, from a system that sends all it has at once."""

import asyncio
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import aio_pika

from libs.contracts.invoices import InvoicedOrder, RecordInvoice
from libs.contracts.orders import CancelOneOrder
from tests.journeys.system import Seen, System, an_event

UNCONFIRMED_MAX = 500
INVOICES_PER_ORDER = 100


async def some_orders(system: System, count: int) -> list[Seen]:
    """So many orders that were placed."""
    asked = await asyncio.gather(*(system.submit(("PSU-65W", 1)) for _ in range(count)))
    await asyncio.gather(*(system.reaches(request_id, "ordered") for request_id in asked))
    found = await asyncio.gather(
        *(system.api.all("purchasing", "/orders", request_id=request_id) for request_id in asked)
    )
    return [order for orders in found for order in orders]


def invoices_for(orders: Sequence[Seen], count: int) -> list[RecordInvoice]:
    """So many invoices, each for one cent of an order."""
    cent, run = Decimal("0.01"), uuid4().hex[:8]
    return [
        RecordInvoice(
            vendor_number=order["vendor_number"],
            number=f"{run}-{number}",
            invoiced_on=date(2026, 3, 31),
            currency="EUR",
            net=cent,
            gross=cent,
            orders=(InvoicedOrder(order_id=UUID(order["order_id"])),),
        )
        for number in range(count)
        for order in [orders[number % len(orders)]]
    ]


async def pour(system: System, invoices: Sequence[RecordInvoice]) -> None:
    """Publish all of them; each is confirmed, nobody waits for an answer."""
    async with system.room.channel("erp") as channel:
        exchange = await channel.get_exchange("purchasing.commands", ensure=False)

        async def publish(invoice: RecordInvoice) -> None:
            message = aio_pika.Message(
                json.dumps(an_event(invoice)).encode(),
                content_type="application/cloudevents+json",
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                user_id="erp",
            )
            await exchange.publish(message, routing_key=invoice.type)

        for some in in_parts(invoices, UNCONFIRMED_MAX):
            await asyncio.gather(*map(publish, some))


def in_parts(all_of_them: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """So many at a time."""
    return [all_of_them[first : first + size] for first in range(0, len(all_of_them), size)]


async def recorded(system: System) -> int:
    """How many invoices purchasing has by now."""
    async with system.database("purchasing") as connection:
        return int(await connection.fetchval("SELECT count(*) FROM invoices"))


def cancellation(order: Seen) -> CancelOneOrder:
    """Somebody wants an order no longer."""
    return CancelOneOrder(order_id=UUID(order["order_id"]), reason="not needed any more")
