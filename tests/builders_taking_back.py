"""What tests of taking back are built from: receipts one after the other, reversals, returns and shipments."""

from typing import Any, Literal
from uuid import UUID

from libs.contracts.receiving import (
    GoodsReceived,
    GoodsReturned,
    ReceiptReversed,
    ReceivedUnit,
    ReturnedLine,
    TakenBackLine,
    goods_id_of,
)
from libs.contracts.shipments import LineInShipment, ShipmentMoved, ShipmentStatus
from libs.contracts.values import asset_id_of, derived_id
from tests.builders_dock import LINE, ORDER, RECEIPT, goods


def receipt_id(name: object) -> UUID:
    """Each name is a receipt of its own."""
    return derived_id("test-receipt", name)


def a_receipt(name: object, *units: ReceivedUnit, again: bool = False, **changes: Any) -> GoodsReceived:
    """Units of the line came, with this receipt."""
    return goods(*units, **changes).model_copy(update={"receipt_id": receipt_id(name), "again": again})


def reversal_id(name: object) -> UUID:
    """Each name is a reversal of its own."""
    return derived_id("test-reversal", name)


def taken_back(
    *numbers: int,
    receipt: UUID = RECEIPT,
    name: object = 1,
    waits: bool = False,
    ids: tuple[UUID, ...] = (),
    **line: Any,
) -> ReceiptReversed:
    """A receipt that brought these units was a mistake; it `waits` until that is known."""
    asset_ids = ids or tuple(asset_id_of(LINE, number) for number in numbers)
    values: dict[str, Any] = {"accepted": len(asset_ids), "asset_ids": asset_ids}
    return ReceiptReversed(
        receipt_id=reversal_id(name),
        receipt_number="RCV-000099",
        reverses=receipt,
        goods=(goods_id_of(receipt, 1),) if waits else (),
        order_id=ORDER,
        reversed_by="dock",
        reason="wrong order",
        lines=(TakenBackLine(**{"order_line_id": LINE} | values | line),),
    )


def return_id(name: object) -> UUID:
    """Each name is a return of its own."""
    return derived_id("test-return", name)


def sent_back(
    *numbers: int,
    purpose: Literal["replacement", "credit"] = "replacement",
    name: object = 1,
    receipts: tuple[UUID, ...] = (),
    **line: Any,
) -> GoodsReturned:
    """These units went back to the vendor; who hears of it waits for their receipts, if any are named."""
    asset_ids = tuple(asset_id_of(LINE, number) for number in numbers)
    values: dict[str, Any] = {"quantity": len(asset_ids), "asset_ids": asset_ids}
    if purpose == "credit":
        values["credited"] = len(asset_ids)
    return GoodsReturned(
        return_id=return_id(name),
        goods=tuple(goods_id_of(receipt, 1) for receipt in receipts),
        order_id=ORDER,
        purpose=purpose,
        returned_by="dock",
        reason="scratched",
        lines=(ReturnedLine(**{"order_line_id": LINE} | values | line),),
    )


def on_its_way(
    quantity: int,
    *,
    received: int = 0,
    status: ShipmentStatus = ShipmentStatus.IN_TRANSIT,
    name: object = 1,
) -> ShipmentMoved:
    """So many units of the line are in a shipment."""
    return ShipmentMoved(
        shipment_id=derived_id("test-shipment", name),
        number="SHP-000001",
        order_id=ORDER,
        status=status,
        lines=(LineInShipment(order_line_id=LINE, quantity=quantity, received=received),),
    )
