"""What journeys of orders give and look at: drafts by hand, invoices, and orders as purchasing shows them."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.contracts.invoices import RecordInvoice
from libs.contracts.orders import DraftOrder, SubmitOrder
from libs.contracts.purchasing import DefinePurchasingPolicy
from tests.conftest import unique_name
from tests.journeys.system import ADMINISTRATOR, APPROVER, Seen, System, as_person
from tests.journeys.ways import Way


def a_draft(*lines: Seen, vendor: str = "V-003", **changes: Any) -> DraftOrder:
    """An order that nobody requested, for one vendor."""
    content = {"vendor_number": vendor, "currency": "EUR", "deliver_to": "SITE-NORTH", "lines": list(lines)}
    return DraftOrder.model_validate_json(json.dumps(content | changes))


def a_thing(name: str, price: str, quantity: int, *, kind: str = "hardware", **changes: Any) -> Seen:
    """A line for something that no catalog lists."""
    return {"name": name, "kind": kind, "unit_price": price, "quantity": quantity} | changes


async def placed(way: Way, draft: DraftOrder) -> Seen:
    """An order that was drafted and submitted, once the dock expects it."""
    drafted = await way.done(draft, APPROVER)
    order_id = str(drafted["order_id"])
    await way.done(SubmitOrder(order_id=UUID(order_id)), APPROVER)
    return await at_the_dock(way.system, order_id)


async def at_the_dock(system: System, order_id: str) -> Seen:
    """An order as the dock expects it, once its units have tags."""

    async def look() -> Seen | None:
        async with system.client("receiving") as client:
            answer = await client.get(f"/expected-orders/{order_id}", headers=as_person(ADMINISTRATOR))
        found: Seen = answer.json()
        return found if answer.status_code == 200 else None

    found = await system.eventually(
        look,
        lambda seen: (
            seen is not None and all(unit["tag"] for line in seen["lines"] for unit in line["open_units"])
        ),
    )
    assert found is not None
    return found


async def order_is(system: System, order_id: str, until: Callable[[Seen], bool]) -> Seen:
    """An order as purchasing shows it, once it is so."""
    return await system.eventually(lambda: system.api.get("purchasing", f"/orders/{order_id}"), until)


async def order_reaches(system: System, order_id: str, status: str) -> Seen:
    """An order once it has this status."""
    return await order_is(system, order_id, lambda seen: seen["status"] == status)


def an_invoice(order: Seen, net: str, *lines: Seen, vendor: str = "V-003", **changes: Any) -> RecordInvoice:
    """An invoice of an order's vendor, without tax."""
    content = {
        "vendor_number": vendor,
        "number": unique_name(),
        "invoiced_on": datetime.now(UTC).date().isoformat(),
        "currency": "EUR",
        "net": net,
        "gross": net,
        "orders": [{"order_id": order["order_id"]}],
        "lines": list(lines),
    }
    return RecordInvoice.model_validate_json(json.dumps(content | changes))


def billed(line: Seen, quantity: int, price: str) -> Seen:
    """A line of an invoice."""
    return {"order_line_id": line["order_line_id"], "quantity": quantity, "unit_price": price}


@asynccontextmanager
async def policy(way: Way, **changes: Any) -> AsyncIterator[None]:
    """The company buys in another way meanwhile."""
    if "approve_orders_from" in changes:
        amount = {"amount": changes["approve_orders_from"], "currency": "EUR"}
        changes = changes | {"approve_orders_from": amount}
    await way.done(DefinePurchasingPolicy.model_validate_json(json.dumps(changes)), ADMINISTRATOR)
    try:
        yield
    finally:
        await way.done(DefinePurchasingPolicy(), ADMINISTRATOR)


def amounts(order: Seen, *names: str) -> list[Decimal]:
    """Amounts of an order."""
    return [Decimal(order[name]["amount"]) for name in names]
