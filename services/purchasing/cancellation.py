"""Cancelling what is open: of all orders of a request, of one order or some of its lines, and closing one short."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Record,
    Records,
    Rejection,
)
from libs.contracts.message import Message
from libs.contracts.orders import CancelOneOrder, CloseOrder
from libs.contracts.purchasing import CancelOrder, OrderClosed
from services.purchasing.commitment import (
    Commanded,
    RequestOrders,
    RequestOrdersStatus,
    commanded_in,
    order_and_requests,
    recommitted,
)
from services.purchasing.counting import followed
from services.purchasing.matching import matching_again
from services.purchasing.order_facts import said_cancelled, said_closed, said_drafted
from services.purchasing.policy import PurchasingPolicy, policy_held, policy_in
from services.purchasing.purchase_order import (
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    Status,
    as_named,
    in_order,
    lines_held,
    order_named,
    redrafted,
)


class CalledOff(NamedTuple):
    """An order of which something was cancelled, with its lines and requests, and what is to be said."""

    order: PurchaseOrder
    lines: Sequence[OrderLine]
    commanded: Commanded
    said: list[Message]
    lost_units: bool


def called_off(
    order: PurchaseOrder,
    lines: Sequence[OrderLine],
    reason: str,
    commanded: Commanded,
    policy: PurchasingPolicy,
    cause: Cause,
    *,
    only: Collection[UUID] | None = None,
) -> CalledOff:
    """Cancel whatever of the order, or `only` of these lines, has not arrived; what is here already stays, but software
    is given back, once. A draft of which something is left stays one, and whoever was asked about it is asked anew."""
    less = [
        line
        if line.asked >= line.ordered or (only is not None and line.id not in only)
        else replace(line, asked=line.ordered, entitled=0)
        for line in lines
    ]
    lost_units = any(now.cancelled > was.cancelled for now, was in zip(less, lines, strict=True))
    changed, said = followed(order, less, cause, policy)
    if order.status in UNSUBMITTED and not any(line.living for line in less):
        changed = order.become(Status.CANCELLED, status_since=cause.at, awaits=())
    elif order.status in UNSUBMITTED and lost_units:
        less = [
            line if line.living else replace(line, line_total=Decimal(0), tax=Decimal(0)) for line in less
        ]
        changed = redrafted(order, less, cause)
        said = [said_drafted(changed, less)]
    lost: list[Message] = [said_cancelled(changed, less, reason)] if lost_units else []
    spent = recommitted(commanded, (order, lines), (changed, less))
    return CalledOff(changed, less, spent, [*lost, *said, *matching_again(changed)], lost_units)


def cancel(command: CancelOrder, held: Records, cause: Cause) -> Decision:
    """Cancel whatever has not arrived of all the request's orders, now and later, drafts among them.

    What is here already, or was taken at the dock before it heard of this, stays; so does what orders that serve other
    requests too bring for those: of these orders it is cancelled line by line. A cancellation that comes before the
    command to order forbids it. The answer names the orders that lost units, if any did.
    """
    before = held.find(RequestOrders, command.request_id)
    if before is not None and before.status is RequestOrdersStatus.CANCELLED:
        return Decision(duplicate=True, answer=before.cancellation)
    save: list[Record] = []
    publish: list[Message] = []
    losing: list[PurchaseOrder] = []
    own = {order.id: order for order in held.all(PurchaseOrder, request_id=command.request_id)}
    spent = commanded_in(held)
    for order in own.values():
        off = called_off(order, lines_held(held, order), command.reason, spent, policy_in(held), cause)
        if off.lost_units:
            losing.append(order)
        spent |= off.commanded
        save += [off.order, *off.lines]
        publish += off.said
    shared: dict[UUID, list[UUID]] = {}
    for line in in_order(held.all(OrderLine, request_id=command.request_id)):
        if line.order_id not in own and line.living:
            shared.setdefault(line.order_id, []).append(line.id)
    publish += [
        CancelOneOrder(order_id=order_id, reason=command.reason, lines=tuple(lines))
        for order_id, lines in shared.items()
    ]
    answer = {"request_id": str(command.request_id), "orders": [_brief(order) for order in losing]}
    if before is None:
        forbidden = RequestOrders(
            id=command.request_id,
            status=RequestOrdersStatus.CANCELLED,
            cancellation=answer,
            reason=command.reason,
        )
        return Decision(save=[forbidden], answer=answer)
    cancelled = spent[before.id].become(
        RequestOrdersStatus.CANCELLED, cancellation=answer, reason=command.reason
    )
    return Decision(save=[cancelled, *save], publish=publish, answer=answer)


def cancel_one(command: CancelOneOrder, held: Records, cause: Cause) -> Decision:
    """Cancel whatever has not arrived of one order, or of some of its lines. Once nothing of them is open, there is
    nothing to cancel. An amendment that waits goes on waiting as long as something of the order is left."""
    order = order_named(held, command)
    lines = lines_held(held, order)
    if order.status is Status.CANCELLED:
        return Decision(duplicate=True, answer=as_named(order))
    only = _lines_named(command, order, lines) if command.lines else None
    off = called_off(order, lines, command.reason, commanded_in(held), policy_in(held), cause, only=only)
    if not off.lost_units:
        message = f"Nothing of order {order.requisition_number} is open."
        raise Rejection("order_not_open", field="order_id", message=message)
    return Decision(
        save=[*off.commanded.values(), off.order, *off.lines],
        publish=off.said,
        answer=as_named(off.order),
    )


def _lines_named(
    command: CancelOneOrder, order: PurchaseOrder, lines: Sequence[OrderLine]
) -> Collection[UUID]:
    """The lines that are to be cancelled, each named once."""
    known = {line.id for line in lines}
    for index, line_id in enumerate(command.lines):
        if line_id in command.lines[:index]:
            message = "This line was named before."
            raise Rejection("order_line_named_twice", field=f"lines[{index}]", message=message)
        if line_id not in known:
            message = f"Order {order.requisition_number} has no line {line_id}."
            raise Rejection("order_line_not_known", field=f"lines[{index}]", message=message)
    return set(command.lines)


def close(command: CloseOrder, held: Records, cause: Cause) -> Decision:
    """Nothing more is wanted of an order of which some has arrived: what is open is cancelled, and it is closed,
    whether or not it was invoiced. An amendment that waits is not made."""
    order = order_named(held, command)
    lines = lines_held(held, order)
    if order.status is Status.CLOSED:
        return Decision(duplicate=True, answer=as_named(order))
    if order.status not in (Status.PARTIALLY_RECEIVED, Status.RECEIVED):
        message = (
            f"Order {order.requisition_number} is {order.status}: only what has arrived in part is closed."
        )
        raise Rejection("order_not_closable", field="order_id", message=message)
    off = called_off(
        replace(order, short=True),
        lines,
        command.reason,
        commanded_in(held),
        policy_in(held),
        cause,
        only={line.id for line in lines if line.open},
    )
    now = replace(off.order, short=order.short or off.lost_units)
    closed = said_closed(now, command.reason)
    said = [closed if isinstance(fact, OrderClosed) else fact for fact in off.said]
    return Decision(save=[*off.commanded.values(), now, *off.lines], publish=said, answer=as_named(now))


def _brief(order: PurchaseOrder) -> dict[str, object]:
    return {"order_id": str(order.id), "requisition_number": order.requisition_number}


def all_of_request(command: CancelOrder) -> Keys:
    """What was commanded for a request, and its orders with all their lines, also those on other orders."""
    return (
        Key(RequestOrders, command.request_id, may_be_new=True),
        Many(PurchaseOrder, by="request_id", value=command.request_id),
        Many(OrderLine, by="request_id", value=command.request_id),
    )


HANDLERS: Handlers = (
    Handler(on=CancelOrder, holds=all_of_request, reads=policy_held, decide=cancel),
    Handler(
        on=CancelOneOrder,
        holds=order_and_requests,
        reads=policy_held,
        early=Early.WAIT_10_MINUTES,
        decide=cancel_one,
    ),
    Handler(
        on=CloseOrder,
        holds=order_and_requests,
        reads=policy_held,
        early=Early.WAIT_10_MINUTES,
        decide=close,
    ),
)
