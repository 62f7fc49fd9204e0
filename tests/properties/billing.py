"""What vendors send: invoices and credit notes, right and wrong; and what people decide about them."""

from decimal import Decimal
from typing import Any

from libs.chassis.decision import Actor
from libs.contracts import invoices
from libs.contracts.values import line_total
from services.purchasing.invoice import Invoice
from services.purchasing.purchase_order import OrderLine, PurchaseOrder
from tests.builders_invoices import TODAY
from tests.properties.alone import Alone
from tests.properties.booked import in_euros
from tests.properties.opening import BUYER, WORKS_AS, pick, say

BILLS_MAX = 6
CLERKS = ("person-4", "person-8")
"""One takes deliveries, the other does not."""


def _submitted(company: Alone) -> list[PurchaseOrder]:
    orders = company.purchasing.every(PurchaseOrder)
    return [each for each in orders if each.submitted_at is not None]


def _line(line: OrderLine, units: int, **changes: Any) -> invoices.InvoiceLine:
    values: dict[str, Any] = {
        "order_line_id": line.id,
        "quantity": units,
        "unit_price": line.agreed_price,
    }
    return invoices.InvoiceLine(**values | changes)


def _record(company: Alone, order: PurchaseOrder, odd: int, **values: Any) -> None:
    if len(company.billed) >= BILLS_MAX:
        return
    number = f"R-{len(company.billed)}"
    lines = values.get("lines", ())
    freight = values.pop("freight", Decimal(0))
    net = sum((line_total(each.unit_price, each.quantity, "EUR") for each in lines), freight)
    net = values.pop("net", net)
    tax = values.pop("tax", Decimal(0))
    orders = values.pop("orders", (invoices.InvoicedOrder(order_id=order.id),))
    if order.vendor_number is None or not net:
        return
    command = invoices.RecordInvoice(
        vendor_number=order.vendor_number,
        number=number,
        invoiced_on=TODAY,
        currency="EUR",
        net=net,
        tax=tax,
        gross=net + tax,
        freight=freight,
        orders=orders,
        **values,
    )
    company.billed.append(command)
    say(company, command, BUYER, odd)


def bill(company: Alone, a: int, b: int) -> None:
    """An invoice for an order: with lines or without, for all of it or a part, at its prices or others."""
    if (order := pick(_submitted(company), a)) is None:
        return
    lines = company.purchasing.every(OrderLine, order_id=order.id)
    booked = company.books.orders[order.id]
    due = {line.id: line.living - booked.units_of(line.id) for line in lines if line.unit_price is not None}
    how = b % 8
    if how < 3:
        whole = [_line(line, due[line.id]) for line in lines if due.get(line.id, 0) > 0]
        tax = sum((line_total(each.unit_price * each.quantity, 1, "EUR") for each in whole), Decimal(0))
        freight = order.freight if not booked.bills else Decimal(0)
        _record(company, order, b, lines=tuple(whole), freight=freight, tax=line_total(tax / 5, 1, "EUR"))
    elif how == 3:
        part = [_line(line, 1) for line in lines if line.unit_price is not None and line.living]
        _record(company, order, b, lines=tuple(part))
    elif how == 4:
        rest = max(
            1, sum(line.net for line in company.books.of(order.id)) + booked.freight - booked.billed_net
        )
        _record(company, order, b, net=in_euros(rest + b // 16 % 3))
    elif how == 5:
        dear = [
            _line(line, line.ordered + b // 16 % 2, unit_price=line.agreed_price + Decimal("0.05"))
            for line in lines[:1]
            if line.unit_price is not None
        ]
        _record(company, order, b, lines=tuple(dear))
    else:
        others = [
            each
            for each in _submitted(company)
            if each.vendor_number == order.vendor_number and each.id != order.id
        ]
        if others:
            shares = tuple(
                invoices.InvoicedOrder(order_id=each.id, net=in_euros(100 + a + b))
                for each in (order, others[0])
            )
            _record(company, order, b, net=in_euros(2 * (100 + a + b)), orders=shares)


def credit(company: Alone, a: int, b: int) -> None:
    """A credit note takes back some units of an invoice, or a little money."""
    sent = [each for each in company.billed if each.kind == "invoice" and len(each.orders) == 1]
    if (of := pick(sent, a)) is None:
        return
    order = company.purchasing.one(PurchaseOrder, of.orders[0].order_id)
    assert order is not None
    line = pick(of.lines, b // 4)
    values: dict[str, Any] = {"kind": "credit_note", "corrects": of.number}
    if line is None or b % 4 == 0:
        _record(company, order, b, net=Decimal("0.01"), **values)
    else:
        units = 1 + b // 8 % line.quantity
        _record(company, order, b, lines=(line.model_copy(update={"quantity": units}),), **values)


def _invoices(company: Alone) -> list[Invoice]:
    return company.purchasing.every(Invoice)


def accept(company: Alone, a: int, b: int) -> None:
    """Somebody accepts what differs, also who received the goods."""
    if (invoice := pick(_invoices(company), a)) is not None:
        clerk = CLERKS[b // 4 % 2]
        command = invoices.AcceptInvoice(invoice_id=invoice.id, reason="it is little")
        say(company, command, Actor(clerk, WORKS_AS[clerk]), b)


def dispute(company: Alone, a: int, b: int) -> None:
    """Somebody disputes an invoice, or ends that."""
    if (invoice := pick(_invoices(company), a)) is None:
        return
    if b % 8 < 4:
        say(company, invoices.DisputeInvoice(invoice_id=invoice.id, reason="too much"), BUYER, b)
    else:
        say(company, invoices.ResolveInvoice(invoice_id=invoice.id, resolution="explained"), BUYER, b)
