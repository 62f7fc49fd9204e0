"""Invoices as far as the dock needs them: how much of each order line they are for, and how much came with them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Record, Records, Rejection
from libs.contracts.invoices import BilledLine, InvoiceRecorded
from libs.contracts.receiving import ReceivedLine, TakenBackLine
from services.receiving.expectation import ExpectedOrder


@dataclass(frozen=True, kw_only=True)
class InvoicedDelivery(Record):
    """An invoice, the order that it pays unless there are several, and how much of each of its lines came with it."""

    number: str
    vendor_number: str
    invoiced_on: date
    order_id: UUID | None
    order_ids: tuple[UUID, ...]
    lines: tuple[BilledLine, ...]
    received: tuple[int, ...]

    @property
    def left(self) -> dict[UUID, int]:
        """How many units of each order line are invoiced and did not come with it yet."""
        return {
            line.order_line_id: max(0, line.quantity - came)
            for line, came in zip(self.lines, self.received, strict=True)
        }


def learn(invoice: InvoiceRecorded, held: Records, cause: Cause) -> Decision:
    """Keep what it is for. With a credit note nothing comes."""
    if invoice.kind == "credit_note" or held.find(InvoicedDelivery, invoice.invoice_id):
        return Decision()
    order_ids = tuple(order.order_id for order in invoice.orders)
    billed: dict[UUID, int] = {}
    for order in invoice.orders:
        for line in order.lines:
            billed[line.order_line_id] = billed.get(line.order_line_id, 0) + line.quantity
    delivery = InvoicedDelivery(
        id=invoice.invoice_id,
        number=invoice.number,
        vendor_number=invoice.vendor_number,
        invoiced_on=invoice.invoiced_on,
        order_id=order_ids[0] if len(order_ids) == 1 else None,
        order_ids=order_ids,
        lines=tuple(BilledLine(order_line_id=id, quantity=quantity) for id, quantity in billed.items()),
        received=(0,) * len(billed),
    )
    return Decision(save=[delivery])


def invoice_named(invoice_id: UUID, order: ExpectedOrder, held: Records) -> InvoicedDelivery:
    """The invoice with which something of an order came."""
    invoice = held.find(InvoicedDelivery, invoice_id)
    if invoice is None:
        raise unknown_invoice(invoice_id)
    if order.id not in invoice.order_ids:
        message = f"Invoice {invoice.number} is not of order {order.requisition_number}."
        raise Rejection("invoice_for_other_order", field="invoice_id", message=message)
    return invoice


def unknown_invoice(invoice_id: UUID | None) -> Rejection:
    """Nobody told of it."""
    message = f"No invoice has the id {invoice_id}."
    return Rejection("invoice_not_known", field="invoice_id", message=message)


def came_with(invoice: InvoicedDelivery, lines: Iterable[ReceivedLine]) -> InvoicedDelivery:
    """The invoice after so much came with it."""
    return _counted(invoice, ((line.order_line_id, line.accepted) for line in lines))


def went_with(invoice: InvoicedDelivery, lines: Iterable[TakenBackLine]) -> InvoicedDelivery:
    """The invoice after a receipt that came with it was taken back."""
    return _counted(invoice, ((line.order_line_id, -line.accepted) for line in lines))


def _counted(invoice: InvoicedDelivery, changes: Iterable[tuple[UUID, int]]) -> InvoicedDelivery:
    more: dict[UUID, int] = {}
    for order_line_id, change in changes:
        more[order_line_id] = more.get(order_line_id, 0) + change
    received = tuple(
        came + more.get(line.order_line_id, 0)
        for line, came in zip(invoice.lines, invoice.received, strict=True)
    )
    return replace(invoice, received=received)


HANDLERS: Handlers = (
    Handler(
        on=InvoiceRecorded,
        holds=lambda invoice: (Key(InvoicedDelivery, invoice.invoice_id, may_be_new=True),),
        decide=learn,
    ),
)
