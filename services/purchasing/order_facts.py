"""What is said about orders, in one place, so that each fact is said the same whatever brought it about."""

from collections.abc import Iterable

from libs.contracts.purchasing import (
    AnnouncedLine,
    CancelledLine,
    DraftedLine,
    OrderAnnounced,
    OrderCancelled,
    OrderClosed,
    OrderDrafted,
    OrderedLine,
    OrderPartiallyReceived,
    OrderReceived,
    OrderReopened,
    OrderSubmitted,
)
from libs.contracts.values import money
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, PurchaseOrder, Status


def said_drafted(order: PurchaseOrder, lines: Iterable[OrderLine]) -> OrderDrafted:
    """An order waits, with those of its lines that are still wanted."""
    return OrderDrafted(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=order.request_id,
        status="draft" if order.status is Status.DRAFT else "awaiting_approval",
        order_revision=order.revision,
        vendor_number=order.vendor_number,
        total=money(order.total, order.currency),
        lines=tuple(
            DraftedLine(
                order_line_id=line.id,
                request_id=line.request_id,
                request_line_id=line.request_line_id,
                quantity=line.ordered,
            )
            for line in lines
            if line.living
        ),
    )


def said_submitted(order: PurchaseOrder, lines: Iterable[OrderLine]) -> OrderSubmitted:
    """An order went to its vendor, with those of its lines that are still wanted."""
    if order.vendor_id is None or order.vendor_name is None:
        raise RuntimeError(f"order {order.requisition_number} has no vendor and cannot be submitted")
    return OrderSubmitted(
        order_id=order.id,
        requisition_number=order.requisition_number,
        purchase_order_number=order.purchase_order_number,
        order_revision=order.revision,
        request_id=order.request_id,
        vendor_id=order.vendor_id,
        vendor_number=order.vendor_number,
        vendor_name=order.vendor_name,
        deliver_to=order.deliver_to,
        total=money(order.total, order.currency),
        expected_cost=money(order.expected_cost, order.currency),
        lines=tuple(said_ordered(line) for line in lines if line.living),
    )


def said_ordered(line: OrderLine) -> OrderedLine:
    """A line as those who expect it need it."""
    return OrderedLine(
        order_line_id=line.id,
        request_id=line.request_id,
        request_line_id=line.request_line_id,
        sku=line.sku,
        name=line.name,
        kind=line.kind,
        quantity=line.ordered,
        unit_price=line.agreed_price,
        asset_creation=line.asset_creation,
        warranty_months=line.warranty_months,
        destination=line.bought_for,
        starts_on=line.starts_on,
        ends_on=line.ends_on,
        metric=line.metric,
        expected_on=line.expected_on,
    )


def said_announced(order: PurchaseOrder, lines: Iterable[OrderLine]) -> OrderAnnounced:
    """A submitted order as it stands, for who keeps a copy of it."""
    if order.status in UNSUBMITTED or order.vendor_id is None:
        raise RuntimeError(f"order {order.requisition_number} was not submitted and is announced to nobody")
    return OrderAnnounced(
        order_id=order.id,
        requisition_number=order.requisition_number,
        purchase_order_number=order.purchase_order_number,
        order_revision=order.revision,
        amendment=order.amendments,
        request_id=order.request_id,
        status=order.status,
        vendor_id=order.vendor_id,
        vendor_number=order.vendor_number or "",
        vendor_name=order.vendor_name or "",
        deliver_to=order.deliver_to,
        total=money(order.total, order.currency),
        lines=tuple(
            AnnouncedLine(
                **dict(said_ordered(line)), units_made=line.units_made, asked=line.asked, kept=line.kept
            )
            for line in sorted(lines, key=lambda line: line.position)
            if line.unit_price is not None
        ),
    )


def said_cancelled(order: PurchaseOrder, lines: Iterable[OrderLine], reason: str) -> OrderCancelled:
    """Units of an order will not come; all such figures of the order by now, and whether it is cancelled as a whole."""
    return OrderCancelled(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=order.request_id,
        reason=reason,
        was_submitted=order.submitted_at is not None,
        whole=order.status is Status.CANCELLED,
        amendment=order.amendments,
        lines=tuple(
            CancelledLine(
                order_line_id=line.id,
                request_id=line.request_id,
                request_line_id=line.request_line_id,
                cancelled=line.cancelled,
                asked=line.asked,
            )
            for line in lines
            if line.cancelled and (order.submitted_at is None or line.unit_price is not None)
        ),
    )


def said_received(order: PurchaseOrder) -> OrderReceived | OrderPartiallyReceived:
    """Some or all of an order is here."""
    fact = OrderReceived if order.status is Status.RECEIVED else OrderPartiallyReceived
    return fact(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=order.request_id,
        request_ids=order.requests,
    )


def said_reopened(order: PurchaseOrder) -> OrderReopened:
    """Something of an order is to come again."""
    return OrderReopened(
        order_id=order.id, requisition_number=order.requisition_number, request_ids=order.requests
    )


def said_closed(order: PurchaseOrder, reason: str = "") -> OrderClosed:
    """An order is done with."""
    return OrderClosed(
        order_id=order.id, requisition_number=order.requisition_number, short=order.short, reason=reason
    )
