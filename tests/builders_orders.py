"""What tests of orders of every kind are built from: custom lines, drafts, re-approval, services and software."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.contracts import orders, purchasing, requests
from libs.contracts.values import Kind, Money, derived_id
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, custom_order_id_of
from tests.builders_desk import Desk, create_order

REQUEST = derived_id("test-request", 1)


def euros(amount: str | int | Decimal) -> Money:
    """So much money."""
    return Money(amount=Decimal(amount), currency="EUR")


def a_line(number: int = 1, **changes: Any) -> purchasing.LineToOrder:
    """A custom line: two chairs at about 100 each, if nothing else is said."""
    values: dict[str, Any] = {
        "request_line_id": derived_id("test-request-line", number),
        "name": "Chair",
        "kind": Kind.HARDWARE,
        "quantity": 2,
        "approved_unit_price": Decimal(100),
    }
    return purchasing.LineToOrder(**values | changes)


def a_command(*lines: purchasing.LineToOrder, approved: str | int = 200) -> purchasing.CreateOrder:
    """The command to order these lines, of which so much was approved."""
    return create_order(lines=lines or (a_line(),), approved_total=euros(approved))


def the_order(desk: Desk, order_id: UUID | None = None) -> PurchaseOrder:
    """The order, or the one of custom lines for no vendor."""
    (order,) = desk.all(PurchaseOrder, id=order_id or custom_order_id_of(REQUEST, None))
    assert isinstance(order, PurchaseOrder)
    return order


def lines_of(desk: Desk, order: PurchaseOrder) -> list[OrderLine]:
    """The lines of an order."""
    return sorted(desk.all(OrderLine, order_id=order.id), key=lambda line: line.position)


def completion(
    desk: Desk, order: PurchaseOrder, *prices: str | int, vendor: str | None = "V-1", currency: str = "EUR"
) -> orders.CompleteOrder:
    """Vendor and prices of an order's first lines."""
    return orders.CompleteOrder(
        order_id=order.id,
        vendor_number=vendor,
        currency=currency,
        lines=tuple(
            orders.CompletedLine(order_line_id=line.id, unit_price=Decimal(price))
            for line, price in zip(lines_of(desk, order), prices, strict=False)
        ),
    )


def submission(order: PurchaseOrder) -> orders.SubmitOrder:
    """The command to place an order."""
    return orders.SubmitOrder(order_id=order.id)


def asked(desk: Desk) -> list[requests.ApproveSpending]:
    """What purchasing asked requests."""
    return [message for message in desk.said if isinstance(message, requests.ApproveSpending)]


def a_yes_to(question: requests.ApproveSpending) -> requests.SpendingApproved:
    """The order may be placed."""
    return requests.SpendingApproved(
        request_id=question.request_id,
        order_id=question.order_id,
        order_revision=question.order_revision,
        total=question.total,
    )


def a_no_to(question: requests.ApproveSpending) -> requests.SpendingRefused:
    """The order must not be placed."""
    return requests.SpendingRefused(
        request_id=question.request_id,
        order_id=question.order_id,
        order_revision=question.order_revision,
        reason="too dear",
    )


def waiting_for_approval(desk: Desk, price: str | int = 150) -> PurchaseOrder:
    """A custom order that costs more than was approved."""
    desk.hear(a_command())
    desk.hear(completion(desk, the_order(desk), price), submission(the_order(desk)))
    return the_order(desk)


def cancel_one(order: PurchaseOrder) -> orders.CancelOneOrder:
    """The command to cancel one order."""
    return orders.CancelOneOrder(order_id=order.id, reason="made ourselves")


def close_short(order: PurchaseOrder) -> orders.CloseOrder:
    """The command to close an order of which something is missing."""
    return orders.CloseOrder(order_id=order.id, reason="the rest comes elsewhere")


def refusal(
    outcome: str = "rejected",
    command: str = requests.ApproveSpending.type,
    code: str = "request_unknown",
) -> requests.CommandAnswered:
    """What requests says if it would not look at a question."""
    return requests.CommandAnswered(
        outcome=outcome,  # type: ignore[arg-type]
        command_id="1",
        command_type=command,
        about=REQUEST,
        code=code,
    )
