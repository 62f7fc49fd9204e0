"""What happens to purchasing: buyers, approvers, the dock and the assets service, each with what they can know."""

from decimal import Decimal
from typing import Any

from libs.contracts import orders, purchasing
from libs.contracts.requests import (
    ApproveOrder,
    ApproveSpending,
    CommandAnswered,
    OrderApproved,
    OrderRefused,
    SpendingApproved,
    SpendingRefused,
)
from libs.contracts.values import Kind, Money, derived_id
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, PurchaseOrder
from tests.properties.alone import Alone
from tests.properties.opening import BUYER, CUSTOM, ITEMS, PRICES, SITE, VENDORS, item, pick, say

REQUESTS_MAX = 3


# What requests tells


def order(company: Alone, a: int, b: int) -> None:
    """An approved request is to be ordered: just what it costs was approved, or more, or less."""
    known = [parcel.message for parcel in company.past if isinstance(parcel.message, purchasing.CreateOrder)]
    if len(known) >= REQUESTS_MAX:
        return
    request_id = derived_id("request", len(known))
    lines, total = [], Decimal(0)
    for position in range(1 + a % 3):
        code = (a * 31 + b * (position + 1) * 7 + position) % 251
        line_id = derived_id("request_line", request_id, position)
        quantity, vendor = 1 + (code // 3 + b) % 4, VENDORS[code % 2] if code % 7 == 0 else None
        values: dict[str, Any] = {
            "request_line_id": line_id,
            "quantity": quantity,
            "vendor_number": vendor,
        }
        if code % 5 == 0:
            kind, price = CUSTOM[code % len(CUSTOM)]
            values |= {"name": f"Thing {position}", "kind": kind, "approved_unit_price": Decimal(price)}
        else:
            sku = tuple(ITEMS)[(code + a) % len(ITEMS)]
            values |= {"sku": sku, "approved_unit_price": Decimal(ITEMS[sku][2])}
        lines.append(purchasing.LineToOrder(**values))
        total += lines[-1].approved_unit_price * quantity
    factor = (Decimal(1), Decimal(2), Decimal("0.5"), Decimal(1))[b % 4]
    command = purchasing.CreateOrder(
        request_id=request_id,
        request_number=f"REQ-{len(known) + 1:06d}",
        requester="person-1",
        deliver_to=SITE,
        approved_total=Money(amount=(total * factor).quantize(Decimal("0.01")), currency="EUR"),
        lines=tuple(lines),
    )
    company.command(command, "requests", at_once=bool(b // 4 % 4))


def cancel_orders(company: Alone, a: int, b: int) -> None:
    """All that is open of a request is to be cancelled, perhaps before it was ordered."""
    command = purchasing.CancelOrder(request_id=derived_id("request", a % REQUESTS_MAX), reason="too late")
    company.command(command, "requests", at_once=bool(b % 4))


def approve(company: Alone, a: int, b: int) -> None:
    """Somebody decides what purchasing has asked."""
    if not company.questions:
        return
    question = company.questions.pop(a % len(company.questions))
    if b % 8 == 5:
        company.hear(_unheard(question, company.sent), "requests")
    else:
        answer(company, question, yes=b % 4 != 3)


def answer(company: Alone, question: ApproveSpending | ApproveOrder, *, yes: bool) -> None:
    """This is decided."""
    about: dict[str, Any] = {"order_id": question.order_id, "order_revision": question.order_revision}
    if isinstance(question, ApproveOrder):
        fact = (
            OrderApproved(**about, total=question.total) if yes else OrderRefused(**about, reason="too dear")
        )
        company.hear(fact, "requests")
        return
    about["request_id"] = question.request_id
    if yes:
        company.hear(SpendingApproved(**about, total=question.total), "requests")
    else:
        company.hear(SpendingRefused(**about, reason="too dear"), "requests")


def _unheard(question: ApproveSpending | ApproveOrder, number: int) -> CommandAnswered:
    """Nobody is even asked."""
    return CommandAnswered(
        outcome="rejected",
        command_id=str(number),
        command_type=question.type,
        about=question.subject_id(),
        code="request_not_approved",
        message="It is over.",
    )


# What buyers do


def _orders(company: Alone) -> list[PurchaseOrder]:
    return company.purchasing.every(PurchaseOrder)


def _drafts(company: Alone) -> list[PurchaseOrder]:
    return [each for each in _orders(company) if each.status in UNSUBMITTED]


def complete(company: Alone, a: int, b: int) -> None:
    """A draft gets its vendor and prices, as estimated or not, or only some of them."""
    if (draft := pick(_drafts(company), a)) is None:
        return
    priced = completed(company, draft, PRICES[b % len(PRICES)])
    command = orders.CompleteOrder(
        order_id=draft.id,
        vendor_number=VENDORS[b // 8 % 2],
        currency=draft.currency,
        lines=priced[1:] if b % 16 == 9 else priced,
    )
    say(company, command, BUYER, b)


def completed(company: Alone, draft: PurchaseOrder, factor: str) -> tuple[orders.CompletedLine, ...]:
    """All lines of a draft, at so many times what was approved."""
    return tuple(
        orders.CompletedLine(
            order_line_id=line.id,
            price_reason="as agreed",
            unit_price=((line.approved_unit_price or Decimal(10)) * Decimal(factor)).quantize(
                Decimal("0.000001")
            ),
        )
        for line in company.purchasing.every(OrderLine, order_id=draft.id)
    )


def place(company: Alone, a: int, b: int) -> None:
    """A draft is placed."""
    if (draft := pick(_drafts(company), a)) is not None:
        say(company, orders.SubmitOrder(order_id=draft.id), BUYER, b)


def cancel_one(company: Alone, a: int, b: int) -> None:
    """An order is cancelled."""
    if (one := pick(_orders(company), a)) is not None:
        say(company, orders.CancelOneOrder(order_id=one.id, reason="out of stock"), BUYER, b)


def confirm(company: Alone, a: int, b: int) -> None:
    """A service was rendered, wholly or in part."""
    if (line := pick(company.purchasing.every(OrderLine, kind=Kind.SERVICE), a)) is not None:
        quantity = 1 + b // 8 % 3 if b % 8 > 3 else None
        command = orders.ConfirmService(order_id=line.order_id, order_line_id=line.id, quantity=quantity)
        say(company, command, BUYER, b)


def change_price(company: Alone, a: int, b: int) -> None:
    """An item costs something else from now on."""
    sku = tuple(ITEMS)[a % len(ITEMS)]
    say(company, item(sku, PRICES[b % len(PRICES)]), BUYER, b)
