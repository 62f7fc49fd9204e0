"""What tests of buying are built from: drafts without a request, amendments, and what the dock says of an order."""

from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from libs.contracts import orders, receiving
from libs.contracts.values import Kind, derived_id
from services.purchasing.purchase_order import OrderLine, PurchaseOrder


def a_line_to_draft(sku: str | None = None, quantity: int = 2, **changes: Any) -> orders.LineToDraft:
    """So many of a catalog item, at the agreed price; without a SKU chairs at 100 each."""
    custom = {"name": "Chair", "kind": Kind.HARDWARE, "unit_price": Decimal(100)}
    values: dict[str, Any] = {"sku": sku, "quantity": quantity} | ({} if sku else custom)
    return orders.LineToDraft(**values | changes)


def a_draft(*lines: orders.LineToDraft, vendor: str | None = "V-1", **changes: Any) -> orders.DraftOrder:
    """An order that is drafted without a request."""
    values: dict[str, Any] = {
        "vendor_number": vendor,
        "currency": "EUR",
        "deliver_to": "SITE-1",
        "lines": lines or (a_line_to_draft(),),
    }
    return orders.DraftOrder(**values | changes)


def an_amendment(
    order: PurchaseOrder, *lines: tuple[OrderLine, dict[str, Any]], **changes: Any
) -> orders.AmendOrder:
    """Another revision of an order: what of each of these lines is to be different."""
    changed = tuple(orders.ChangedLine(order_line_id=line.id, **fields) for line, fields in lines)
    values: dict[str, Any] = {"order_id": order.id, "lines": changed, "reason": "as agreed"}
    return orders.AmendOrder(**values | changes)


def a_split(
    order: PurchaseOrder, *moved: tuple[OrderLine, int | None], vendor: str | None = None
) -> orders.SplitOrder:
    """So many units of these lines, or all of them, go to a draft of their own."""
    lines = tuple(orders.MovedLine(order_line_id=line.id, quantity=quantity) for line, quantity in moved)
    return orders.SplitOrder(order_id=order.id, lines=lines, vendor_number=vendor)


def a_reversal(receipt: receiving.GoodsReceived, name: object = 1) -> receiving.ReceiptReversed:
    """All that a receipt said counts no longer."""
    return receiving.ReceiptReversed(
        receipt_id=derived_id("test-reversal", name),
        receipt_number="RCV-000099",
        reverses=receipt.receipt_id,
        order_id=receipt.order_id,
        reversed_by="dock",
        reason="wrong order",
        lines=tuple(
            receiving.TakenBackLine(
                order_line_id=line.order_line_id,
                request_id=line.request_id,
                request_line_id=line.request_line_id,
                accepted=line.accepted,
                rejected=line.rejected,
            )
            for line in receipt.lines
        ),
    )


def a_return(
    order_id: UUID,
    *returned: tuple[UUID, int],
    purpose: Literal["replacement", "credit"] = "replacement",
    name: object = 1,
    credited: int | None = None,
) -> receiving.GoodsReturned:
    """So many units of these lines went back to the vendor."""
    return receiving.GoodsReturned(
        return_id=derived_id("test-return", name),
        order_id=order_id,
        purpose=purpose,
        returned_by="dock",
        reason="scratched",
        lines=tuple(
            receiving.ReturnedLine(order_line_id=line, quantity=quantity, credited=credited)
            for line, quantity in returned
        ),
    )
