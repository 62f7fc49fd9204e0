"""What tests of invoices are built from: a desk with submitted orders, invoices for them, and what happens next."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.chassis.decision import Actor, Decision, Handlers, Record, Timer
from libs.contracts import invoices
from libs.contracts.message import Message
from libs.contracts.permissions import Role
from libs.contracts.values import line_total
from services.purchasing.__main__ import SERVICE
from services.purchasing.invoice import Invoice
from services.purchasing.purchase_order import OrderLine, PurchaseOrder
from tests.builders_desk import CABLE, LAPTOP, Desk, a_vendor, an_item, create_order

BUYER = Actor("person-8", frozenset({Role.PROCUREMENT_MANAGER}))
TODAY = date(2026, 3, 31)


class InvoiceDesk(Desk):
    """Purchasing, hearing what it tells itself about invoices."""

    def __init__(self, *handlers: Handlers) -> None:
        super().__init__(*handlers)
        self.timers: dict[UUID, Timer] = {}

    def _apply(self, decision: Decision, held: set[tuple[type[Record], UUID]]) -> None:
        super()._apply(decision, held)
        self.timers |= {timer.id: timer for timer in decision.schedule}

    def walk(self) -> list[Message]:
        """Let some seconds pass, and hear what purchasing tells itself by then; all of that."""
        heard: list[Message] = []
        own = (invoices.MatchRecordedInvoices, invoices.MatchInvoices)
        while again := [*self.facts(*own), *(timer.message for timer in self.timers.values())]:
            self.said = [each for each in self.said if not isinstance(each, own)]
            self.timers.clear()
            self.hear(*again)
            heard += again
        return heard

    def settle(self) -> None:
        """Hear what purchasing told itself and has not heard yet."""
        while again := [each for each in self.said if isinstance(each, invoices.MatchInvoices)]:
            self.said = [each for each in self.said if not isinstance(each, invoices.MatchInvoices)]
            self.hear(*again)

    def facts(self, *kinds: type[Message]) -> list[Message]:
        """What was said of these kinds, or of any about invoices."""
        return [each for each in self.said if isinstance(each, kinds or (invoices.InvoiceFact,))]


def an_invoice_desk(wanted: Mapping[str, int] | None = None) -> InvoiceDesk:
    """Purchasing with one submitted order of vendor V-1: ten laptops, if nothing else is said."""
    desk = InvoiceDesk(SERVICE.queues["inbox"])
    desk.hear(a_vendor("V-1"), a_vendor("V-2"))
    desk.hear(an_item(LAPTOP, unit_price=Decimal(100)), an_item(CABLE, unit_price=Decimal("0.55")))
    desk.hear(create_order(wanted or {LAPTOP: 10}))
    desk.said.clear()
    return desk


def the_order(desk: Desk) -> PurchaseOrder:
    """The only order of a desk."""
    (order,) = desk.all(PurchaseOrder)
    assert isinstance(order, PurchaseOrder)
    return order


def order_lines(desk: Desk) -> list[OrderLine]:
    """The lines of the only order."""
    return sorted(desk.all(OrderLine), key=lambda line: line.position)


def the_invoice(desk: Desk, number: str = "R-1") -> Invoice:
    """The invoice with this number."""
    (invoice,) = desk.all(Invoice, number=number)
    assert isinstance(invoice, Invoice)
    return invoice


def a_line(quantity: int = 10, price: str = "100", **changes: Any) -> invoices.InvoiceLine:
    """A line about the order's first one."""
    values: dict[str, Any] = {"position": 1, "quantity": quantity, "unit_price": Decimal(price)}
    if "sku" in changes or "order_line_id" in changes:
        del values["position"]
    return invoices.InvoiceLine(**values | changes)


def an_invoice(*lines: invoices.InvoiceLine, **changes: Any) -> invoices.RecordInvoice:
    """An invoice with these lines for the first order, without tax; or for the total `net`, if it is said."""
    currency = changes.get("currency", "EUR")
    freight = Decimal(changes.get("freight", 0))
    of_lines = [each.net or line_total(each.unit_price, each.quantity, currency) for each in lines]
    net = Decimal(changes.pop("net", sum(of_lines, freight)))
    tax = Decimal(changes.pop("tax", 0))
    values: dict[str, Any] = {
        "vendor_number": "V-1",
        "number": "R-1",
        "invoiced_on": TODAY,
        "currency": currency,
        "net": net,
        "tax": tax,
        "gross": net + tax,
        "orders": (invoices.InvoicedOrder(requisition_number="PR-000001"),),
        "lines": lines,
    }
    return invoices.RecordInvoice(**values | changes | {"freight": freight})


def a_credit_note(*lines: invoices.InvoiceLine, **changes: Any) -> invoices.RecordInvoice:
    """A credit note that corrects R-1."""
    return an_invoice(*lines, **{"number": "G-1", "kind": "credit_note", "corrects": "R-1"} | changes)
