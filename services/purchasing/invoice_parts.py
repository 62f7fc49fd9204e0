"""What the invoices of an order bill of it: their lines as they were sent, led to those of the order as it is now."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.purchasing.bill import Bill, BilledLine, spread
from services.purchasing.invoice import Invoice, line_meant, net_of
from services.purchasing.purchase_order import OrderLine, PurchaseOrder


@dataclass
class _Billed:
    """What was billed of order lines so far: units, less what was credited, and at which prices."""

    units: Counter[UUID] = field(default_factory=Counter)
    prices: dict[UUID, set[Decimal]] = field(default_factory=dict)

    def is_price_of(self, line: OrderLine, price: Decimal) -> bool:
        """Whether it is ordered, or was billed, at this price."""
        return price == line.unit_price or price in self.prices.get(line.id, ())

    def count(self, line: OrderLine, units: int, price: Decimal, *, credit: bool) -> None:
        """So many units more or less; at a price that is none of the line's it is only money that is credited."""
        if units and not credit:
            self.units[line.id] += units
            self.prices.setdefault(line.id, set()).add(price)
        elif units and self.is_price_of(line, price):
            self.units[line.id] -= units


def bills_for(
    invoices: Iterable[Invoice], order: PurchaseOrder, lines: Sequence[OrderLine]
) -> Sequence[Bill]:
    """What of these invoices is for an order, in the order in which they were recorded, their lines led to those of
    the order as it is now. A SKU that several of these have fills one after another, and a credit note empties them,
    those at its price first.
    """
    billed = _Billed()
    in_sequence = sorted(invoices, key=lambda each: each.ordinal)
    return [_bill(invoice, order, lines, billed) for invoice in in_sequence]


def _bill(invoice: Invoice, order: PurchaseOrder, lines: Sequence[OrderLine], billed: _Billed) -> Bill:
    place = invoice.orders.index(order.id)
    share = invoice.shares[place]
    return Bill(
        invoice=invoice.id,
        credit=invoice.is_credit,
        corrects=invoice.corrects,
        currency=invoice.currency,
        rate=None if share["rate"] is None else Decimal(share["rate"]),
        net=Decimal(share["net"]),
        tax=Decimal(share["tax"]),
        freight=Decimal(share["freight"]),
        lines=tuple(
            part
            for index, sent in enumerate(invoice.sent["lines"])
            if sent["order"] == place
            for part in _parts(index, sent, invoice, lines, billed)
        ),
    )


def _parts(
    index: int,
    sent: Mapping[str, Any],
    invoice: Invoice,
    lines: Sequence[OrderLine],
    billed: _Billed,
) -> Iterable[BilledLine]:
    """A line as it was sent, a part for each order line that it bills; `billed` counts along."""
    quantity, price = sent["quantity"], Decimal(sent["unit_price"])
    net = net_of(sent["net"], sent["unit_price"], quantity, invoice.currency)
    meant = line_meant(sent, lines)
    is_named = sent["order_line_id"] is not None or sent["position"] is not None
    same = [] if is_named or meant is None else [line for line in lines if line.sku == sent["sku"]]
    shares: dict[UUID | None, int] = {}
    left = quantity
    if invoice.is_credit:
        same = sorted(same[::-1], key=lambda line: not billed.is_price_of(line, price))  # noqa: C415  # stable
    for line in same:
        room = billed.units[line.id] if invoice.is_credit else line.living - billed.units[line.id]
        if taken := min(max(0, room), left):
            shares[line.id] = taken
            left -= taken
    if left:
        shares[meant] = shares.get(meant, 0) + left
    for line in lines:
        billed.count(line, shares.get(line.id, 0), price, credit=invoice.is_credit)
    nets = spread(net, [Decimal(units) for units in shares.values()], invoice.currency)
    for (line_id, units), part in zip(shares.items(), nets, strict=True):
        yield BilledLine(
            index=index,
            line=line_id,
            named=str(sent["description"] or sent["sku"] or sent["position"] or ""),
            quantity=units,
            unit_price=price,
            net=part,
            tax_percent=None if sent["tax_percent"] is None else Decimal(sent["tax_percent"]),
            whole=(quantity, net) if len(shares) > 1 else None,
        )
