"""What cases of matching are written in: an order, its invoices as they were recorded, and what differs.

Unless it says otherwise an order is in EUR, without tax and freight, of ten units of item A at 100. A difference is
written as `invoice: code [line] expected -> invoiced`, followed by `ok` if it is tolerated or `later` if it will be
gone once more has come or is billed. What stands nowhere does not differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from libs.contracts.invoices import Difference
from libs.contracts.values import derived_id, line_total
from services.purchasing.bill import Bill, BilledLine, LineWanted, OrderWanted
from services.purchasing.tolerance import Bound

Tolerated = Mapping[tuple[Difference, str | None, str | None], Bound]


@dataclass(frozen=True)
class Case:
    """One case; `sums` are what is invoiced by now, net and gross, and `units` by line."""

    name: str
    order: OrderWanted
    bills: Sequence[Bill]
    differences: Sequence[str]
    sums: tuple[str, str]
    units: Sequence[int]
    tolerances: Tolerated = field(default_factory=dict)


def line(
    ordered: int = 10,
    price: str = "100",
    *,
    kept: int = 0,
    cancelled: int = 0,
    tax: str = "0",
    sku: str = "A",
) -> LineWanted:
    """A line of an order."""
    return LineWanted(
        id=derived_id("line", sku),
        sku=sku,
        ordered=ordered,
        cancelled=cancelled,
        kept=kept,
        unit_price=Decimal(price),
        tax_percent=Decimal(tax),
    )


def order(*lines: LineWanted, freight: str = "0", currency: str = "EUR") -> OrderWanted:
    """An order of vendor V-1."""
    return OrderWanted(
        id=derived_id("order", 1),
        vendor_number="V-1",
        currency=currency,
        freight=Decimal(freight),
        lines=lines or (line(),),
    )


def billed(
    quantity: int = 10,
    price: str = "100",
    sku: str | None = "A",
    *,
    net: str | None = None,
    currency: str = "EUR",
) -> BilledLine:
    """A line of an invoice; without a SKU it names nothing on the order."""
    return BilledLine(
        index=0,
        line=derived_id("line", sku) if sku else None,
        named="cable tie",
        quantity=quantity,
        unit_price=Decimal(price),
        net=line_total(Decimal(price), quantity, currency) if net is None else Decimal(net),
    )


def invoice(
    name: str,
    *lines: BilledLine,
    net: str | None = None,
    tax: str = "0",
    freight: str = "0",
    credit: bool = False,
    corrects: str | None = None,
    currency: str = "EUR",
    rate: str | None = "1",
) -> Bill:
    """An invoice with these lines, or for a total only."""
    of_lines = sum((each.net for each in lines), Decimal(freight))
    return Bill(
        invoice=derived_id("invoice", name),
        credit=credit,
        corrects=derived_id("invoice", corrects) if corrects else None,
        currency=currency,
        rate=None if rate is None else Decimal(rate),
        net=of_lines if net is None else Decimal(net),
        tax=Decimal(tax),
        freight=Decimal(freight),
        lines=tuple(BilledLine(**{**vars(each), "index": index}) for index, each in enumerate(lines)),
    )


def credit(
    name: str, *lines: BilledLine, net: str | None = None, tax: str = "0", corrects: str | None = "I"
) -> Bill:
    """A credit note about invoice I."""
    return invoice(name, *lines, net=net, tax=tax, credit=True, corrects=corrects)


def tolerated(
    difference: Difference,
    percent: str | None = None,
    amount: str | None = None,
    *,
    sku: str | None = None,
    vendor: str | None = None,
) -> Tolerated:
    """One tolerance."""
    bound = Bound(None if percent is None else Decimal(percent), None if amount is None else Decimal(amount))
    return {(difference, sku, vendor): bound}


PRICE, QUANTITY, TOTAL = Difference.LINE_PRICE, Difference.LINE_QUANTITY, Difference.TOTAL
HERE = order(line(kept=10))
TAXED = order(line(kept=10, tax="19"))
SHIPPED = order(line(kept=10), freight="25")
TWO = order(line(kept=10), line(4, "2.50", kept=4, sku="B"))
