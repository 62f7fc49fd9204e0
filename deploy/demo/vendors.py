"""The vendors in the journey: each sends an invoice for every order it has delivered; some of them charge too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from deploy.demo.api import Api, each_of
from deploy.demo.erp import Erp, checked
from deploy.demo.loading import until_none
from libs.contracts.invoices import InvoicedOrder, InvoiceLine, RecordInvoice
from libs.contracts.values import line_total

CLOSED_SECONDS_MAX = 60
TOO_DEAR_EVERY = 25
TOO_MUCH = Decimal("0.10")


class Vendors:
    """Send their invoices by queue. A buyer accepts, with a reason, what is a little too dear."""

    def __init__(self, buyer: Api, erp: Erp) -> None:
        self._buyer, self._erp = buyer, erp
        self.sent = self.accepted = 0

    async def bill(self, orders: Sequence[Mapping[str, Any]]) -> None:
        """Have all these orders invoiced, what differs decided on, and the orders closed."""
        for_invoice = await each_of(
            orders, lambda each: self._buyer.get("purchasing", f"/orders/{each['order_id']}")
        )
        await each_of(for_invoice, self._send)
        await self._closed({order["order_id"] for order in orders})

    async def _send(self, order: Mapping[str, Any]) -> None:
        dear = UUID(order["order_id"]).int % TOO_DEAR_EVERY == 0
        invoice = invoice_for(order, surcharge=TOO_MUCH if dear else Decimal(0))
        recorded = checked(await self._erp.ask(invoice, invoice.number))
        self.sent += 1
        if dear:
            await self._buyer.post(
                "purchasing",
                f"/invoices/{recorded['invoice_id']}/acceptance",
                {"reason": "the vendor announced the higher price"},
                key=f"accept-{invoice.number}",
            )
            self.accepted += 1

    async def _closed(self, order_ids: set[str]) -> None:
        async def open_orders() -> set[str]:
            orders = await self._buyer.all("purchasing", "/orders")
            return {
                order["requisition_number"]
                for order in orders
                if order["order_id"] in order_ids and order["status"] != "closed"
            }

        await until_none(open_orders, "orders that are invoiced and closed", CLOSED_SECONDS_MAX)


def invoice_for(order: Mapping[str, Any], *, surcharge: Decimal) -> RecordInvoice:
    """All that an order brought, at its prices, or dearer by so much a unit."""
    currency = order["total"]["currency"]
    lines = tuple(
        InvoiceLine(
            order_line_id=UUID(line["order_line_id"]),
            quantity=line["kept"],
            unit_price=Decimal(line["unit_price"]) + surcharge,
            tax_percent=Decimal(line["tax_percent"]),
        )
        for line in order["lines"]
        if line["kept"]
    )
    net = sum((line_total(line.unit_price, line.quantity, currency) for line in lines), Decimal(0))
    return RecordInvoice(
        vendor_number=order["vendor_number"],
        number=f"INV-{order['requisition_number']}",
        invoiced_on=datetime.now(UTC).date(),
        currency=currency,
        net=net,
        gross=net,
        orders=(InvoicedOrder(order_id=UUID(order["order_id"])),),
        lines=lines,
    )
