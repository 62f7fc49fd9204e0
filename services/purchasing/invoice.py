"""Invoices and credit notes: recorded as their vendor sent them, for one order or several, and never edited.

What is billed of which order line, and in what that differs, follows from what was sent and from the orders as they
are now; it is worked out when an invoice is recorded and again whenever something happens to its orders (`invoicing`).
What people decide about it is told in `settlement`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from libs.chassis.decision import Cause, Key, Many, NamedBy, Record, Records, Rejection, Via
from libs.contracts.invoices import InvoicedOrder, RecordInvoice
from libs.contracts.values import derived_id, line_total
from services.purchasing.bill import spread
from services.purchasing.purchase_order import OrderLine, OrderName, PurchaseOrder, in_order, order_name_id
from services.purchasing.rate_book import RateBook, rate_book_in

ORDINAL = "invoice_ordinal"
RATE_MAX = Decimal(1_000_000_000)
INVOICES_PER_ORDER_MAX = 200
"""All of an order are looked at with each of them."""


class Status(StrEnum):
    """Where an invoice stands: as long as it is only recorded, a person must look at what differs."""

    RECORDED = "recorded"
    MATCHED = "matched"
    DISPUTED = "disputed"
    ACCEPTED = "accepted"


# What matched is recorded again when goods go back, or an order shrinks. What was accepted stays so.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.RECORDED: frozenset({Status.MATCHED, Status.DISPUTED, Status.ACCEPTED}),
    Status.MATCHED: frozenset({Status.RECORDED, Status.DISPUTED}),
    Status.DISPUTED: frozenset({Status.RECORDED, Status.MATCHED, Status.ACCEPTED}),
    Status.ACCEPTED: frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class Invoice(Record):
    """What a vendor wants to be paid, or, as a credit note, takes back.

    `sent` is all of it as it was sent. `shares` say for each of `orders` how much of it is for that one, and what its
    currency was worth in the order's, once that is known. `differences` are those that were found last, `accepted`
    those that somebody accepted. `differs` tells whether time alone will not mend them, tolerated or not.
    """

    TRANSITIONS: ClassVar = TRANSITIONS

    ordinal: int
    vendor_number: str
    number: str
    kind: str
    corrects: UUID | None
    invoiced_on: date
    due_on: date | None
    currency: str
    net: Decimal
    tax: Decimal
    gross: Decimal
    freight: Decimal
    orders: tuple[UUID, ...]
    shares: tuple[Mapping[str, Any], ...]
    sent: Mapping[str, Any]
    answer: Mapping[str, object]
    recorded_by: str
    recorded_at: datetime
    status: Status = Status.RECORDED
    status_since: datetime
    differences: tuple[Mapping[str, Any], ...] = ()
    accepted: tuple[Mapping[str, Any], ...] = ()
    differs: bool = False
    words: str

    @property
    def is_credit(self) -> bool:
        """Whether it takes back."""
        return self.kind == "credit_note"


def invoice_id_of(vendor_number: str, number: str) -> UUID:
    """The invoice with this number of this vendor."""
    return derived_id("invoice", vendor_number, number)


def line_meant(sent: Mapping[str, Any], lines: Sequence[OrderLine]) -> UUID | None:
    """The order line that an invoice line names by its id, else its position, else its SKU."""
    for line in lines:
        if sent["order_line_id"] is not None:
            if str(line.id) == sent["order_line_id"]:
                return line.id
        elif sent["position"] is not None:
            if line.position == sent["position"]:
                return line.id
        elif sent["sku"] == line.sku:
            return line.id
    return None


def net_of(net: object, unit_price: object, quantity: int, currency: str) -> Decimal:
    """What an invoice line comes to: as it says, else by its price."""
    if net is not None:
        return Decimal(str(net))
    return line_total(Decimal(str(unit_price)), quantity, currency)


# Recording


def as_sent(command: RecordInvoice, held: Records, cause: Cause) -> Invoice:
    """The invoice that a command tells of, if all of it agrees with itself and with its orders."""
    orders = _orders(command, held)
    corrects = None
    if command.corrects is not None:
        corrects = invoice_id_of(command.vendor_number, command.corrects)
        if held.find(Invoice, corrects) is None:
            message = f"Vendor {command.vendor_number} has no invoice {command.corrects}."
            raise Rejection("invoice_corrected_unknown", field="corrects", message=message)
    invoice_id = invoice_id_of(command.vendor_number, command.number)
    nets = _nets(command)
    rates = rate_book_in(held)
    lines = [in_order(held.all(OrderLine, order_id=order.id)) for order in orders]
    names = [name for order in orders for name in (order.requisition_number, order.purchase_order_number)]
    return Invoice(
        id=invoice_id,
        ordinal=cause.numbers[ORDINAL][0],
        vendor_number=command.vendor_number,
        number=command.number,
        kind=command.kind,
        corrects=corrects,
        invoiced_on=command.invoiced_on,
        due_on=command.due_on,
        currency=command.currency,
        net=command.net,
        tax=command.tax,
        gross=command.gross,
        freight=command.freight,
        orders=tuple(order.id for order in orders),
        shares=tuple(
            {
                "net": str(net),
                "tax": str(tax),
                "freight": str(freight),
                "rate": rate_on(command, order, rates),
            }
            for net, tax, freight, order in zip(
                nets, _taxes(command, nets, lines), _freights(command, nets), orders, strict=True
            )
        ),
        sent=command.model_dump(mode="json"),
        answer={
            "invoice_id": str(invoice_id),
            "vendor_number": command.vendor_number,
            "number": command.number,
        },
        recorded_by=cause.actor.id or cause.sender,
        recorded_at=cause.at,
        status_since=cause.at,
        words=" ".join(
            [command.number, command.vendor_number, orders[0].vendor_name or "", *filter(None, names)]
        )[:2000],
    )


def _orders(command: RecordInvoice, held: Records) -> list[PurchaseOrder]:
    """The orders that are named: submitted ones of this vendor, each once."""
    found: list[PurchaseOrder] = []
    for index, named in enumerate(command.orders):
        of = f"orders[{index}]"
        order = _order(named, held)
        if order is None:
            message = f"There is no order {_name(named)}."
            raise Rejection("invoice_order_unknown", field=of, message=message)
        if order in found:
            message = f"Order {order.requisition_number} was named before."
            raise Rejection("invoice_order_repeated", field=of, message=message)
        if order.submitted_at is None:
            message = f"Order {order.requisition_number} is {order.status}: nothing of it can be billed."
            raise Rejection("invoice_order_not_submitted", field=of, message=message)
        if order.vendor_number != command.vendor_number:
            message = f"Order {order.requisition_number} went to vendor {order.vendor_number}."
            raise Rejection("invoice_vendor_differs", field=of, message=message)
        if len(order.invoices) >= INVOICES_PER_ORDER_MAX:
            message = f"Order {order.requisition_number} has {INVOICES_PER_ORDER_MAX} invoices already."
            raise Rejection("too_many_invoices", field=of, message=message)
        found.append(order)
    return found


def _order(named: InvoicedOrder, held: Records) -> PurchaseOrder | None:
    if named.order_id is not None:
        return held.find(PurchaseOrder, named.order_id)
    name = held.find(OrderName, order_name_id(_name(named)))
    return held.find(PurchaseOrder, name.order_id) if name else None


def _name(named: InvoicedOrder) -> str:
    return str(named.order_id or named.requisition_number or named.purchase_order_number)


def check_amounts(command: RecordInvoice) -> None:
    """Net, tax and gross agree to the cent, and so do lines and freight, and the orders' amounts, with net."""
    for field in ("net", "tax", "gross", "freight"):
        amount = getattr(command, field)
        if amount != line_total(amount, 1, command.currency):
            raise _differing(field, f"{amount} is no amount of {command.currency}.")
    if command.net + command.tax != command.gross:
        message = f"{command.net} and {command.tax} tax are not {command.gross}."
        raise _differing("gross", message)
    if command.freight > command.net:
        raise _differing("freight", f"{command.freight} freight is more than {command.net} net.")
    for index, line in enumerate(command.lines):
        if line.order >= len(command.orders):
            raise _differing(f"lines[{index}].order", f"The invoice names {len(command.orders)} orders.")
    by_lines = sum(_by_order(command), command.freight)
    if command.lines and by_lines != command.net:
        raise _differing("net", f"Lines and freight come to {by_lines}, not to {command.net}.")
    nets = _nets(command)
    if sum(nets) != command.net:
        raise _differing("orders", f"The orders' amounts come to {sum(nets)}, not to {command.net}.")
    if any(freight < 0 for freight in _freights(command, nets)):
        raise _differing("orders", "The lines for an order come to more than its amount.")


def _differing(field: str, message: str) -> Rejection:
    return Rejection("invoice_amounts_differ", field=field, message=message)


def _nets(command: RecordInvoice) -> list[Decimal]:
    """How much is for each order; of several each says it."""
    if len(command.orders) == 1:
        net = command.orders[0].net
        return [command.net if net is None else net]
    for index, order in enumerate(command.orders):
        if order.net is None:
            raise _differing(f"orders[{index}].net", "Of several orders each says its amount.")
        if order.net != line_total(order.net, 1, command.currency):
            raise _differing(f"orders[{index}].net", f"{order.net} is no amount of {command.currency}.")
    return [order.net for order in command.orders if order.net is not None]


def _by_order(command: RecordInvoice) -> list[Decimal]:
    """What the lines for each order come to."""
    sums = [Decimal(0)] * len(command.orders)
    for line in command.lines:
        sums[line.order] += net_of(line.net, line.unit_price, line.quantity, command.currency)
    return sums


def _freights(command: RecordInvoice, nets: Sequence[Decimal]) -> list[Decimal]:
    """What of an order's amount is not for its lines is freight; where there are no lines it is spread."""
    if command.lines:
        return [net - lines for net, lines in zip(nets, _by_order(command), strict=True)]
    return spread(command.freight, nets, command.currency)


def _taxes(
    command: RecordInvoice, nets: Sequence[Decimal], orders: Sequence[Sequence[OrderLine]]
) -> list[Decimal]:
    """The tax on each order's lines, if that comes to the invoice's tax; else it is spread."""
    taxes = [Decimal(0)] * len(nets)
    for line in command.lines:
        known = orders[line.order]
        meant = line_meant(line.model_dump(mode="json"), known)
        percent = next((each.tax_percent for each in known if each.id == meant), Decimal(0))
        percent = percent if line.tax_percent is None else line.tax_percent
        net = net_of(line.net, line.unit_price, line.quantity, command.currency)
        taxes[line.order] += line_total(net * percent / 100, 1, command.currency)
    return taxes if sum(taxes) == command.tax else spread(command.tax, nets, command.currency)


def rate_on(invoice: RecordInvoice | Invoice, order: PurchaseOrder, rates: RateBook) -> str | None:
    """What the invoice's currency is worth in the order's: at the rate of the order, else of the invoice's day."""
    if invoice.currency == order.currency:
        return "1"
    if order.rate and order.base_currency:
        in_base = rates.holding(invoice.currency, order.base_currency, invoice.invoiced_on)
        if in_base is not None:
            return _told(in_base / order.rate)
    return _told(rates.holding(invoice.currency, order.currency, invoice.invoiced_on))


def with_rate(invoice: Invoice, order: PurchaseOrder, rates: RateBook) -> Invoice:
    """The invoice with what its share of the order is worth, if nobody knew when it was recorded and somebody does by
    now. What was known once stays."""
    place = invoice.orders.index(order.id)
    if invoice.shares[place]["rate"] is not None or (rate := rate_on(invoice, order, rates)) is None:
        return invoice
    share = {**invoice.shares[place], "rate": rate}
    return replace(invoice, shares=(*invoice.shares[:place], share, *invoice.shares[place + 1 :]))


def _told(rate: Decimal | None) -> str | None:
    """The rate as it is kept; one beyond reason is none."""
    return None if rate is None or rate >= RATE_MAX else str(rate)


# What each message needs


def invoices_of(order: PurchaseOrder) -> Iterable[UUID]:
    """The invoices that name an order."""
    return order.invoices


def order_with_invoices(order_id: UUID | Via) -> tuple[Key | Many | NamedBy, ...]:
    """An order with all its lines and invoices."""
    return (
        Key(PurchaseOrder, order_id),
        Many(OrderLine, by="order_id", value=order_id),
        NamedBy(Invoice, by=PurchaseOrder, id=order_id, ids=invoices_of),
    )
