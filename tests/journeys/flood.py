"""A flood of invoices, from a system that sends all it has at once."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import aio_pika

from libs.contracts.invoices import InvoicedOrder, RecordInvoice
from libs.contracts.orders import CancelOneOrder
from tests.journeys.system import Seen, System, an_event

SKU = "PSU-65W"
UNCONFIRMED_MAX = 500
INVOICES_PER_ORDER = 10


async def an_order(system: System) -> Seen:
    """An order that was placed."""
    request_id = await system.submit((SKU, 1))
    await system.reaches(request_id, "ordered")
    (order,) = await system.api.all("purchasing", "/orders", request_id=request_id)
    return dict(order)


@asynccontextmanager
async def copies_of(system: System, order: Seen, count: int) -> AsyncIterator[list[str]]:
    """So many orders like this one, known to purchasing alone, and gone afterwards with all their invoices."""
    async with system.database("purchasing") as connection:
        copied = await connection.fetch(COPY, UUID(order["order_id"]), count)
        ids = [str(row["id"]) for row in copied]
        try:
            yield ids
        finally:
            for statement in REMOVE:
                await connection.execute(statement, ids)


COPY = """
    WITH copies AS (
        SELECT gen_random_uuid() AS id, n FROM generate_series(1, $2::int) AS n
    ), orders AS (
        INSERT INTO purchase_orders SELECT (jsonb_populate_record(o, jsonb_build_object(
            'id', c.id, 'ordinal', -c.n, 'requisition_number', 'COPY-' || c.n))).*
        FROM purchase_orders AS o, copies AS c WHERE o.id = $1 RETURNING id
    ), lines AS (
        INSERT INTO order_lines SELECT (jsonb_populate_record(l, jsonb_build_object(
            'id', gen_random_uuid(), 'order_id', c.id))).*
        FROM order_lines AS l, copies AS c WHERE l.order_id = $1 RETURNING id
    )
    SELECT id FROM orders
"""
REMOVE = (
    "DELETE FROM invoices WHERE orders ?| $1::text[]",
    "DELETE FROM order_lines WHERE order_id::text = ANY($1::text[])",
    "DELETE FROM purchase_orders WHERE id::text = ANY($1::text[])",
)


def invoices_for(vendor_number: str, orders: Sequence[str], count: int) -> list[RecordInvoice]:
    """So many invoices, each for one cent of an order."""
    cent, run = Decimal("0.01"), uuid4().hex[:8]
    return [
        RecordInvoice(
            vendor_number=vendor_number,
            number=f"{run}-{number}",
            invoiced_on=date(2026, 3, 31),
            currency="EUR",
            net=cent,
            gross=cent,
            orders=(InvoicedOrder(order_id=UUID(orders[number % len(orders)])),),
        )
        for number in range(count)
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
