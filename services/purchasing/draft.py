"""Completing and placing drafts: vendor and prices are set by a person or another system, then the order is placed."""

from dataclasses import replace
from decimal import Decimal

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Records,
    Rejection,
    Via,
)
from libs.contracts.orders import CompleteOrder, SubmitOrder
from libs.contracts.values import line_total
from services.purchasing.catalog import Vendor, active_vendor, vendor_id_of
from services.purchasing.purchase_order import (
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    Status,
    in_order,
    order_meant,
    order_named,
    order_of,
)
from services.purchasing.spending import (
    RequestOrders,
    committed_by,
    place,
    said_drafted,
    said_dropped,
    within_limit,
)


def complete(command: CompleteOrder, held: Records, cause: Cause) -> Decision:
    """Set vendor and prices of what was not submitted yet. Saying again what is known changes nothing.

    One that awaits approval becomes a draft again, because nobody was asked about what it is now.
    """
    order = order_named(held, command)
    if order.status not in UNSUBMITTED:
        raise _not_a_draft(order, "changed")
    if command.currency != order.currency:
        message = f"Order {order.requisition_number} is in {order.currency}, not in {command.currency}."
        raise Rejection("currency_mismatch", field="currency", message=message)
    lines = _priced(command, order, held)
    changed = replace(
        order, total=within_limit(sum((line.line_total for line in lines.values()), Decimal(0)))
    )
    if command.vendor_number is not None:
        vendor = active_vendor(held, command.vendor_number, of="vendor_number")
        changed = replace(changed, vendor_id=vendor.id, vendor_number=vendor.number, vendor_name=vendor.name)
    known = {line.id: line for line in held.all(OrderLine, order_id=order.id)}
    if (changed, lines) == (order, known):
        return Decision(answer=_named(order))
    if order.status is not Status.DRAFT:
        changed = changed.become(Status.DRAFT, status_since=cause.at)
    changed = replace(changed, revision=order.revision + 1, asked_total=None)
    new = [line for line in lines.values() if line != known[line.id]]
    return Decision(
        save=[changed, *new],
        publish=[said_drafted(changed, in_order(lines.values()))],
        answer=_named(changed),
    )


def submit(command: SubmitOrder, held: Records, cause: Cause) -> Decision:
    """Place a draft that has a vendor and all its prices; above what was approved it awaits approval.

    One that awaits approval goes on waiting, unless it has come to be within what was approved.
    """
    order = order_named(held, command)
    if order.status not in UNSUBMITTED:
        raise _not_a_draft(order, "submitted")
    if order.vendor_id is None:
        message = f"Order {order.requisition_number} has no vendor yet."
        raise Rejection("vendor_missing", field="order_id", message=message)
    lines = in_order(held.all(OrderLine, order_id=order.id))
    for line in lines:
        if line.unit_price is None:
            message = f"Line {line.position} of order {order.requisition_number} has no price yet."
            raise Rejection("price_missing", field="order_id", message=message)
    placed, lines, said = place(
        order,
        lines,
        approved=held[RequestOrders, order.requests[0]].approved,
        committed=committed_by(
            held.all(PurchaseOrder, request_id=order.request_id),
            held.all(OrderLine, request_id=order.request_id),
        ),
        cause=cause,
    )
    if placed.status is order.status:
        return Decision(duplicate=True, answer=_named(order))
    if order.status is Status.AWAITING_APPROVAL:
        said.append(said_dropped(placed, order.revision))
    return Decision(save=[placed, *lines], publish=said, answer=_named(placed))


def _priced(command: CompleteOrder, order: PurchaseOrder, held: Records) -> dict[object, OrderLine]:
    """The order's lines with the prices that were named, each line named once."""
    lines: dict[object, OrderLine] = {line.id: line for line in held.all(OrderLine, order_id=order.id)}
    named: set[object] = set()
    for index, priced in enumerate(command.lines):
        of = f"lines[{index}].order_line_id"
        line = lines.get(priced.order_line_id)
        if line is None:
            message = f"Order {order.requisition_number} has no line {priced.order_line_id}."
            raise Rejection("order_line_unknown", field=of, message=message)
        if line.id in named:
            raise Rejection("order_line_repeated", field=of, message="This line was named before.")
        named.add(line.id)
        lines[line.id] = replace(
            line,
            unit_price=priced.unit_price,
            line_total=within_limit(line_total(priced.unit_price, line.ordered, order.currency)),
        )
    return lines


def _not_a_draft(order: PurchaseOrder, what: str) -> Rejection:
    return Rejection(
        "order_not_draft",
        field="order_id",
        message=f"Order {order.requisition_number} is {order.status}; only a draft can be {what}.",
    )


def _named(order: PurchaseOrder) -> dict[str, object]:
    return {
        "order_id": str(order.id),
        "requisition_number": order.requisition_number,
        "status": order.status.value,
        "revision": order.revision,
    }


def new_vendor(command: CompleteOrder) -> Keys:
    """The vendor it is to go to."""
    if command.vendor_number is None:
        return ()
    return (Key(Vendor, vendor_id_of(command.vendor_number), may_be_new=True),)


def order_and_its_request(command: SubmitOrder) -> Keys:
    """The order, and all of its request's, because together they may cost no more than was approved."""
    request = Via(PurchaseOrder, order_meant(command), "request_id")
    return (
        Key(RequestOrders, request),
        Key(PurchaseOrder, order_meant(command)),
        Many(PurchaseOrder, by="request_id", value=request),
        Many(OrderLine, by="request_id", value=request),
    )


HANDLERS: Handlers = (
    Handler(
        on=CompleteOrder,
        holds=order_of,
        reads=new_vendor,
        early=Early.WAIT_10_MINUTES,
        decide=complete,
    ),
    Handler(on=SubmitOrder, holds=order_and_its_request, early=Early.WAIT_10_MINUTES, decide=submit),
)
