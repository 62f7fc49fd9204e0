"""Placing a draft: what must be known by then, and whether it may be placed at once."""

from collections.abc import Sequence

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Keys, NamedBy, Records, Rejection
from libs.contracts.message import Message
from libs.contracts.orders import SubmitOrder
from services.purchasing.cancellation import called_off
from services.purchasing.catalog import Vendor
from services.purchasing.commitment import (
    Commanded,
    RequestOrdersStatus,
    commanded_in,
    order_and_requests,
)
from services.purchasing.draft import check_revisions, not_a_draft
from services.purchasing.order_lines import check_reason
from services.purchasing.purchase_order import (
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    Status,
    as_named,
    lines_held,
    order_meant,
    order_named,
)
from services.purchasing.spending import place, questions_dropped, terms_held, terms_in


def submit(command: SubmitOrder, held: Records, cause: Cause) -> Decision:
    """Place a draft that has an active vendor and all its prices. What costs more, or goes elsewhere, than was approved
    for a request it serves awaits approval, and so does a large one, where the policy says so.

    One that awaits approval goes on waiting, unless it has come to need none. Of one that was changed very often nobody
    is asked any more; what needs no approval is placed however often it was changed.
    """
    order = order_named(held, command)
    if order.status not in UNSUBMITTED:
        raise not_a_draft(order, "submitted")
    lines = lines_held(held, order)
    _check(order, lines, held)
    commanded, terms = commanded_in(held), terms_in(held)
    now, lines, said = _without_cancelled(order, lines, commanded, held, cause)
    if now.status is Status.CANCELLED:
        return Decision(save=[now, *lines], publish=said, answer=as_named(now))
    placed = place(now, lines, commanded, terms, cause)
    if placed.order.status is Status.AWAITING_APPROVAL and now.status is Status.DRAFT:
        check_revisions(now)
    if placed.order.status is order.status and not said:
        return Decision(duplicate=True, answer=as_named(order))
    dropped = questions_dropped(order, placed.order) if placed.order.submitted_at is not None else []
    return Decision(
        save=[*placed.commanded.values(), placed.order, *placed.lines],
        publish=[*said, *placed.said, *dropped],
        answer=as_named(placed.order),
    )


def _check(order: PurchaseOrder, lines: Sequence[OrderLine], held: Records) -> None:
    """Whether it could go to its vendor as it is."""
    if order.vendor_id is None:
        message = f"Order {order.requisition_number} has no vendor yet."
        raise Rejection("vendor_missing", field="order_id", message=message)
    vendor = held.find(Vendor, order.vendor_id)
    if vendor is None or not vendor.active:
        message = f"Nothing is bought from vendor {order.vendor_number} any more."
        raise Rejection("vendor_unknown", field="order_id", message=message)
    living = [line for line in lines if line.living]
    if not living:
        message = f"Order {order.requisition_number} has no line."
        raise Rejection("order_not_open", field="order_id", message=message)
    for line in living:
        if line.unit_price is None:
            message = f"Line {line.position} of order {order.requisition_number} has no price yet."
            raise Rejection("price_missing", field="order_id", message=message)
        check_reason(line, "order_id")


def _without_cancelled(
    order: PurchaseOrder, lines: Sequence[OrderLine], commanded: Commanded, held: Records, cause: Cause
) -> tuple[PurchaseOrder, Sequence[OrderLine], list[Message]]:
    """What a request wants no longer is not placed, also if its cancellation has not come to this order yet."""
    over = {id for id, each in commanded.items() if each.status is RequestOrdersStatus.CANCELLED}
    lines_over = {line.id for line in lines if line.request_id in over and line.living}
    if not lines_over:
        return order, lines, []
    off = called_off(
        order,
        lines,
        "its request was cancelled",
        commanded,
        terms_in(held).policy,
        cause,
        only=lines_over,
    )
    return off.order, off.lines, off.said


def vendor_and_terms(command: SubmitOrder) -> Keys:
    """Its vendor, the policy and the exchange rates."""
    order_id = order_meant(command)
    vendor = NamedBy(Vendor, by=PurchaseOrder, id=order_id, ids=lambda order: filter(None, [order.vendor_id]))
    return (vendor, *terms_held(command))


HANDLERS: Handlers = (
    Handler(
        on=SubmitOrder,
        holds=order_and_requests,
        reads=vendor_and_terms,
        early=Early.WAIT_10_MINUTES,
        decide=submit,
    ),
)
