"""The orders of a request: made from what was approved, one per vendor, and cancelled as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.message import Event
from libs.contracts.purchasing import (
    CancelledLine,
    CancelOrder,
    CreateOrder,
    OrderCancelled,
    OrderedLine,
    OrderSubmitted,
)
from libs.contracts.values import derived_id, line_total, money
from services.purchasing.catalog import CatalogItem, Vendor, item_id_of
from services.purchasing.purchase_order import (
    OrderLine,
    PurchaseOrder,
    Status,
    followed,
    in_order,
    number_of,
    order_id_of,
)

NUMBER = "requisition_number"


class RequestOrdersStatus(StrEnum):
    """Whether a request's orders were made, or shall not be, or no longer."""

    ORDERED = "ordered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class RequestOrders(Record):
    """What was commanded for a request, under its id: ordered once, never after it was cancelled.

    `answer` is what the command to order was answered, empty if a cancellation came first.
    """

    TRANSITIONS: ClassVar = {
        RequestOrdersStatus.ORDERED: frozenset({RequestOrdersStatus.CANCELLED}),
        RequestOrdersStatus.CANCELLED: frozenset(),
    }

    status: RequestOrdersStatus
    answer: Mapping[str, object] = field(default_factory=dict)
    reason: str | None = None


# Ordering what was approved


def orders_of(command: CreateOrder | CancelOrder) -> Keys:
    """What was commanded for the request before."""
    return (Key(RequestOrders, command.request_id, may_be_new=True),)


def items_and_vendors(command: CreateOrder) -> Keys:
    """The catalog items of the lines, and their preferred vendors."""
    items = [item_id_of(sku) for sku in dict.fromkeys(line.sku for line in command.lines) if sku]
    return [
        *(Key(CatalogItem, item, may_be_new=True) for item in items),
        *(Key(Vendor, Via(CatalogItem, item, "vendor_id"), may_be_new=True) for item in items),
    ]


def create(command: CreateOrder, held: Records, cause: Cause) -> Decision:
    """Order what was approved: one order per preferred vendor, at catalog prices, submitted at once.

    All of it must cost no more than was approved. A request is ordered once; cancelled before, not at all.
    """
    before = held.find(RequestOrders, command.request_id)
    if before is not None and before.answer:
        return Decision(duplicate=True, answer=before.answer)
    if before is not None:
        raise Rejection(
            "order_cancelled", field="request_id", message=f"It was cancelled before: {before.reason}"
        )

    bought = _by_vendor(command, held)
    total = sum((line.line_total for lines in bought.values() for line in lines), Decimal(0))
    approved, currency = command.approved_total.amount, command.approved_total.currency
    if total > approved:
        raise Rejection(
            "approved_amount_exceeded",
            field="approved_total",
            message=f"It costs {total} {currency}; {approved} {currency} was approved.",
        )
    orders = [
        _submitted(command, held[Vendor, vendor_id], lines, ordinal, cause)
        for (vendor_id, lines), ordinal in zip(bought.items(), cause.numbers[NUMBER], strict=False)
    ]
    answer = {
        "request_id": str(command.request_id),
        "orders": [
            {"order_id": str(order.id), "requisition_number": order.requisition_number} for order in orders
        ],
    }
    made = RequestOrders(id=command.request_id, status=RequestOrdersStatus.ORDERED, answer=answer)
    return Decision(
        save=[made, *orders, *(line for lines in bought.values() for line in lines)],
        publish=[_said_submitted(order, bought[order.vendor_id]) for order in orders],
        answer=answer,
    )


def _by_vendor(command: CreateOrder, held: Records) -> dict[UUID, list[OrderLine]]:
    """The lines, priced, in groups of one vendor, in the order in which the request names them."""
    currency = command.approved_total.currency
    bought: dict[UUID, list[OrderLine]] = {}
    for index, wanted in enumerate(command.lines):
        name = f"lines[{index}].sku"
        item = held.find(CatalogItem, item_id_of(wanted.sku or ""))
        if item is None or not item.active:
            raise Rejection(
                "sku_unknown", field=name, message=f"The catalog has no active item {wanted.sku}."
            )
        vendor = held.find(Vendor, item.vendor_id)
        if vendor is None or not vendor.active:
            raise Rejection("vendor_unknown", field=name, message=f"{wanted.sku} has no active vendor.")
        if item.currency != currency:
            raise Rejection(
                "currency_mismatch",
                field=name,
                message=f"{wanted.sku} is priced in {item.currency}, not in {currency}.",
            )
        lines = bought.setdefault(vendor.id, [])
        order_id = order_id_of(command.request_id, vendor.id)
        lines.append(
            OrderLine(
                id=derived_id("order_line", order_id, wanted.request_line_id),
                order_id=order_id,
                request_id=command.request_id,
                request_line_id=wanted.request_line_id,
                position=len(lines) + 1,
                item_id=item.id,
                catalog_version=item.version,
                sku=item.sku,
                name=item.name,
                kind=item.kind,
                asset_creation=item.asset_creation,
                warranty_months=item.warranty_months,
                ordered=wanted.quantity,
                unit_price=item.unit_price,
                line_total=line_total(item.unit_price, wanted.quantity, currency),
            )
        )
    return bought


def _submitted(
    command: CreateOrder, vendor: Vendor, lines: Sequence[OrderLine], ordinal: int, cause: Cause
) -> PurchaseOrder:
    draft = PurchaseOrder(
        id=order_id_of(command.request_id, vendor.id),
        requisition_number=number_of(ordinal),
        status_since=cause.at,
        request_id=command.request_id,
        request_number=command.request_number,
        requester=command.requester,
        vendor_id=vendor.id,
        vendor_name=vendor.name,
        deliver_to=command.deliver_to,
        currency=command.approved_total.currency,
        total=sum((line.line_total for line in lines), Decimal(0)),
        submitted_at=cause.at,
    )
    return draft.become(Status.SUBMITTED)


def _said_submitted(order: PurchaseOrder, lines: Iterable[OrderLine]) -> OrderSubmitted:
    return OrderSubmitted(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=order.request_id,
        vendor_id=order.vendor_id,
        vendor_name=order.vendor_name,
        deliver_to=order.deliver_to,
        total=money(order.total, order.currency),
        lines=tuple(
            OrderedLine(
                order_line_id=line.id,
                request_line_id=line.request_line_id,
                sku=line.sku,
                name=line.name,
                kind=line.kind,
                quantity=line.ordered,
                unit_price=line.unit_price,
                asset_creation=line.asset_creation,
                warranty_months=line.warranty_months,
            )
            for line in lines
        ),
    )


# Cancelling what is open


def all_of_request(command: CancelOrder) -> Keys:
    """What was commanded before, and the request's orders with all their lines."""
    return (
        *orders_of(command),
        Many(PurchaseOrder, by="request_id", value=command.request_id),
        Many(OrderLine, by="request_id", value=command.request_id),
    )


def cancel(command: CancelOrder, held: Records, cause: Cause) -> Decision:
    """Cancel whatever has not arrived of all the request's orders, now and later.

    What is here already, or was taken at the dock before it heard of this, stays. A cancellation that comes
    before the command to order forbids it. The answer names the orders that lost units, if any did.
    """
    before = held.find(RequestOrders, command.request_id)
    orders = held.all(PurchaseOrder, request_id=command.request_id)
    lines_of = {order.id: in_order(held.all(OrderLine, order_id=order.id)) for order in orders}
    cancelled = before is not None and before.status is RequestOrdersStatus.CANCELLED
    losing = [
        order
        for order in orders
        if any(line.cancelled if cancelled else line.open for line in lines_of[order.id])
    ]
    answer = {
        "request_id": str(command.request_id),
        "orders": [
            {"order_id": str(order.id), "requisition_number": order.requisition_number} for order in losing
        ],
    }
    if before is None:
        forbidden = RequestOrders(
            id=command.request_id, status=RequestOrdersStatus.CANCELLED, reason=command.reason
        )
        return Decision(save=[forbidden], answer=answer)
    if cancelled:
        return Decision(duplicate=True, answer=answer)
    save: list[Record] = [before.become(RequestOrdersStatus.CANCELLED, reason=command.reason)]
    publish: list[Event] = []
    for order in orders:
        lines = [replace(line, asked=line.ordered) for line in lines_of[order.id]]
        changed, said = followed(order, lines, cause)
        if any(line.cancelled for line in lines):
            publish.append(_said_cancelled(order, lines, command.reason))
        save += [changed, *lines]
        publish += said
    return Decision(save=save, publish=publish, answer=answer)


def _said_cancelled(order: PurchaseOrder, lines: Iterable[OrderLine], reason: str) -> OrderCancelled:
    return OrderCancelled(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=order.request_id,
        reason=reason,
        lines=tuple(
            CancelledLine(
                order_line_id=line.id, request_line_id=line.request_line_id, cancelled=line.cancelled
            )
            for line in lines
            if line.cancelled
        ),
    )


HANDLERS: Handlers = (
    Handler(
        on=CreateOrder,
        holds=orders_of,
        reads=items_and_vendors,
        numbers=lambda command: {NUMBER: len({line.sku for line in command.lines})},
        decide=create,
        weight=lambda command: len(command.lines),
    ),
    Handler(on=CancelOrder, holds=all_of_request, decide=cancel),
)
