"""What the orders of a request may cost, and what they do: counted along with whatever submits, amends or cancels them.

What the dock took though it was cancelled comes on top, and what goes back for credit is not spent a second time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Key, Keys, Many, NamedBy, Record, Records, Via
from libs.contracts.orders import OrderCommand
from libs.contracts.values import line_total
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, PurchaseOrder, order_meant


class RequestOrdersStatus(StrEnum):
    """Whether a request's orders were made, or shall not be, or no longer."""

    ORDERED = "ordered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class RequestOrders(Record):
    """What was commanded for a request, under its id: ordered once, never after it was cancelled.

    `approved` is what all its orders together may cost, `committed` what the submitted ones do, without what was
    cancelled; `elsewhere` are orders that are not for it alone. `answer` is what the command to order was answered,
    empty if a cancellation came first; `cancellation` what the cancellation was.
    """

    TRANSITIONS: ClassVar = {
        RequestOrdersStatus.ORDERED: frozenset({RequestOrdersStatus.CANCELLED}),
        RequestOrdersStatus.CANCELLED: frozenset(),
    }

    status: RequestOrdersStatus
    request_number: str | None = None
    requester: str | None = None
    approved: Decimal = Decimal(0)
    committed: Decimal = Decimal(0)
    elsewhere: tuple[UUID, ...] = ()
    answer: Mapping[str, object] = field(default_factory=dict)
    cancellation: Mapping[str, object] = field(default_factory=dict)
    reason: str | None = None


Commanded = dict[UUID, RequestOrders]
"""What was commanded for some requests, by their ids."""


def share_of(order: PurchaseOrder, lines: Iterable[OrderLine], request_id: UUID | None) -> Decimal:
    """What of an order is spent for a request: its own lines, and their part of the freight. Tax is not."""
    nets = [(line.request_id, line.net_of(line.living, order.currency)) for line in lines if line.living]
    mine = sum((net for request, net in nets if request == request_id), Decimal(0))
    if not order.freight or not nets:
        return mine
    whole = sum((net for _, net in nets), Decimal(0))
    lines_of_mine = sum(request == request_id for request, _ in nets)
    part = mine / whole if whole else Decimal(lines_of_mine) / len(nets)
    return mine + line_total(order.freight * part, 1, order.currency)


def recommitted(
    commanded: Mapping[UUID, RequestOrders],
    was: tuple[PurchaseOrder, Sequence[OrderLine]],
    now: tuple[PurchaseOrder, Sequence[OrderLine]],
) -> Commanded:
    """What the requests of an order have committed once it has become another; one that was not submitted counts
    nothing. Only what changed."""
    changed: Commanded = {}
    for request_id in dict.fromkeys((*was[0].requests, *now[0].requests)):
        before, after = (
            Decimal(0) if order.submitted_at is None else share_of(order, lines, request_id)
            for order, lines in (was, now)
        )
        known = commanded.get(request_id)
        if known is not None and before != after:
            # Of what the dock took on top nothing was counted, so nothing of it is taken off.
            committed = max(Decimal(0), known.committed + after - before)
            changed[request_id] = replace(known, committed=committed)
    return changed


def committed_by(orders: Iterable[PurchaseOrder], lines: Iterable[OrderLine]) -> Decimal:
    """What the submitted ones of these orders cost, without freight and what will not come."""
    currency_of = {order.id: order.currency for order in orders if order.status not in UNSUBMITTED}
    return sum(
        (
            line.net_of(line.living, currency_of[line.order_id])
            for line in lines
            if line.order_id in currency_of
        ),
        Decimal(0),
    )


def tracked(
    commanded: Commanded, orders: Sequence[PurchaseOrder], *, gone: Sequence[UUID] = ()
) -> list[RequestOrders]:
    """The requests that find lines of theirs on other orders now, or no longer only theirs."""
    these = {*gone, *(order.id for order in orders)}
    changed: list[RequestOrders] = []
    for each in commanded.values():
        elsewhere = [order_id for order_id in each.elsewhere if order_id not in these]
        elsewhere += [
            order.id for order in orders if each.id in order.requests and order.request_id != each.id
        ]
        if tuple(elsewhere) != each.elsewhere:
            changed.append(replace(each, elsewhere=tuple(elsewhere)))
    return changed


def commanded_in(held: Records) -> Commanded:
    """What was commanded for the requests that are held."""
    return {each.id: each for each in held.all(RequestOrders)}


def requests_of(order: PurchaseOrder) -> Sequence[UUID]:
    """The requests that an order serves."""
    return order.requests


def whole_order(order_id: UUID | Via) -> tuple[Key | Many | NamedBy, ...]:
    """An order with all its lines, and what was commanded for the requests that it serves."""
    return (
        Key(PurchaseOrder, order_id),
        Many(OrderLine, by="order_id", value=order_id),
        NamedBy(RequestOrders, by=PurchaseOrder, id=order_id, ids=requests_of),
    )


def order_and_requests(command: OrderCommand) -> Keys:
    """The order that a command names, with all its lines and its requests."""
    return whole_order(order_meant(command))
