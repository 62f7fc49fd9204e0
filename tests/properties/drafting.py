"""What buyers do with orders: draft them by hand, split and combine drafts, change, cancel and close them."""

from decimal import Decimal
from typing import Any

from libs.contracts import orders
from libs.contracts.values import Kind
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, PurchaseOrder
from tests.builders_buying import a_draft, a_line_to_draft
from tests.properties.company import Company
from tests.properties.opening import BUYER, ITEMS, PRICES, SITE, VENDORS, pick, say

ORDERS_MAX = 8
TAXES = ("0", "19", "7.7", "0.3333")
KINDS = tuple(Kind)


def _orders(company: Company) -> list[PurchaseOrder]:
    return company.purchasing.every(PurchaseOrder)


def _drafts(company: Company) -> list[PurchaseOrder]:
    return [each for each in _orders(company) if each.status in UNSUBMITTED]


def _lines(company: Company, order: PurchaseOrder) -> list[OrderLine]:
    return company.purchasing.every(OrderLine, order_id=order.id)


def _wanted(a: int, b: int) -> orders.LineToDraft:
    """A line for a catalog item at its agreed price or another, or for something else."""
    tax = Decimal(TAXES[b // 4 % 4])
    quantity = 1 + (a + b) % 5
    if a % 4 == 0:
        price = Decimal("0.335") + a
        return a_line_to_draft(
            quantity=quantity, name="Thing", kind=KINDS[b % 4], unit_price=price, tax_percent=tax
        )
    sku = tuple(ITEMS)[(a // 4 + b) % len(ITEMS)]
    agreed = Decimal(ITEMS[sku][2])
    other = {"unit_price": agreed * Decimal("1.005"), "price_reason": "a rush"} if b % 5 == 0 else {}
    return a_line_to_draft(sku, quantity, tax_percent=tax, **other)


def draft(company: Company, a: int, b: int) -> None:
    """An order without a request, for a vendor or none yet."""
    if len(_orders(company)) >= ORDERS_MAX:
        return
    lines = tuple(_wanted(a + position * 5, b + position) for position in range(1 + a % 3))
    command = a_draft(
        *lines,
        vendor=(VENDORS[b % 2], None, VENDORS[b % 2])[a // 3 % 3],
        deliver_to=SITE,
        freight=Decimal(b % 4) * Decimal("2.45"),
        purchase_order_number=f"PO-{a % 5}" if b % 7 == 0 else None,
    )
    say(company, command, BUYER, b)


def amend(company: Company, a: int, b: int) -> None:
    """Some of an order becomes different: more or fewer units, another price or tax, freight, another line."""
    if (order := pick(_orders(company), a)) is None:
        return
    line = pick(_lines(company, order), a // 8)
    if line is None:
        return
    values: dict[str, Any] = {"order_id": order.id, "reason": "as agreed"}
    change: dict[str, Any] = {}
    what = b % 8
    if what < 3:
        change["quantity"] = max(1, line.ordered + (1, 2, 5)[b // 8 % 3])
    elif what < 5:
        change["quantity"] = max(1, line.ordered - 1 - b // 8 % 3)
    elif what == 5 and line.unit_price is not None:
        change["unit_price"] = (line.unit_price * Decimal(PRICES[b // 8 % 5])).quantize(Decimal("0.000001"))
        change["price_reason"] = "a new offer"
    elif what == 6:
        change["tax_percent"] = Decimal(TAXES[b // 8 % 4])
        values["freight"] = Decimal(b // 8 % 5) * Decimal("1.11")
    else:
        values["add"] = (_wanted(a, b // 8),)
    if change:
        values["lines"] = (orders.ChangedLine(order_line_id=line.id, **change),)
    if b % 11 == 3:
        values["expected_revision"] = order.revision - 1 or 1
    if b % 13 == 4:
        values["new_purchase_order_number"] = f"PO-{a % 5}"
    say(company, orders.AmendOrder(**values), BUYER, b // 64 or 1)


def amend_draft(company: Company, a: int, b: int) -> None:
    """A draft goes to another vendor, or loses a line."""
    if (order := pick(_drafts(company), a)) is None:
        return
    line = pick(_lines(company, order), a // 8)
    values: dict[str, Any] = {"order_id": order.id}
    if b % 3 == 0:
        values["vendor_number"] = VENDORS[b // 4 % 2]
    elif line is not None and b % 3 == 1:
        values["remove"] = (line.id,)
    elif line is not None:
        values["lines"] = (orders.ChangedLine(order_line_id=line.id, quantity=1 + b // 4 % 4),)
    say(company, orders.AmendOrder(**values), BUYER, b // 64 or 1)


def split(company: Company, a: int, b: int) -> None:
    """Some units of a draft go to a draft of their own, perhaps for another vendor."""
    if (order := pick(_drafts(company), a)) is None or len(_orders(company)) >= ORDERS_MAX:
        return
    if (line := pick(_lines(company, order), a // 8)) is None:
        return
    moved = orders.MovedLine(order_line_id=line.id, quantity=1 + b // 4 % line.ordered if b % 4 else None)
    command = orders.SplitOrder(
        order_id=order.id, lines=(moved,), vendor_number=VENDORS[b // 16 % 2] if b // 8 % 2 else None
    )
    say(company, command, BUYER, b // 64 or 1)


def combine(company: Company, a: int, b: int) -> None:
    """Two drafts, of whatever requests, become one."""
    drafts = _drafts(company)
    if len(drafts) < 2:
        return
    first = drafts[a % len(drafts)]
    second = drafts[(a + 1 + b % (len(drafts) - 1)) % len(drafts)]
    say(company, orders.CombineOrders(order_ids=(first.id, second.id)), BUYER, b // 64 or 1)


def cancel_line(company: Company, a: int, b: int) -> None:
    """Some lines of an order are cancelled."""
    if (order := pick(_orders(company), a)) is None:
        return
    lines = _lines(company, order)
    chosen = tuple(line.id for index, line in enumerate(lines) if b >> index & 1)
    if chosen:
        command = orders.CancelOneOrder(order_id=order.id, reason="not needed", lines=chosen)
        say(company, command, BUYER, b // 64 or 1)


def close(company: Company, a: int, b: int) -> None:
    """Nothing more is wanted of an order."""
    if (order := pick(_orders(company), a)) is not None:
        say(company, orders.CloseOrder(order_id=order.id, reason="enough"), BUYER, b)
