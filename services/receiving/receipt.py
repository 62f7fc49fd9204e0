"""Taking delivery: what was accepted and rejected of an order's lines, and which unit each serial number is.

A receipt is recorded whole or not at all, and never changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
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
    Via,
)
from libs.chassis.ids import caused_id
from libs.contracts.message import Event
from libs.contracts.receiving import (
    Condition,
    GoodsReceived,
    ReceivedLine,
    RecordReceipt,
)
from services.receiving.dock import Dock
from services.receiving.expectation import (
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    OrderName,
    UnitStatus,
    order_name_id,
)
from services.receiving.label import RegisteredLabel, is_printed_elsewhere, label_id
from services.receiving.place import place_key
from services.receiving.serial import RegisteredSerial, serial_id
from services.receiving.shipment import Shipment, arrived

UNITS_PER_GOODS_RECEIVED = 250
"""Half of what a fact may carry: with 100 lines and the longest texts allowed, more would pass 256 KiB."""


@dataclass(frozen=True, kw_only=True)
class Receipt(Record):
    """One delivery taken: for which order, by whom and when.

    It was told in so many facts as are `said`. One that `reverses` another counts below zero what that one counted.
    """

    APPEND_ONLY: ClassVar[bool] = True

    number: str
    order_id: UUID
    request_id: UUID | None
    shipment_id: UUID | None = None
    received_by: str
    received_at: datetime
    delivery_note: str | None
    accepted: int
    rejected: int
    order_line_ids: tuple[UUID, ...]
    said: int = 1
    reverses: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptLine(Record):
    """What a receipt accepted and rejected of one order line, and where it put what is not received unit by unit."""

    APPEND_ONLY: ClassVar[bool] = True

    receipt_id: UUID
    order_line_id: UUID
    sku: str
    accepted: int
    rejected: int
    rejection_reason: str | None
    location: str | None = None
    storage_space: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptUnit(Record):
    """One accepted unit: the template it turned out to be, what stood on it and where it was put."""

    APPEND_ONLY: ClassVar[bool] = True

    receipt_line_id: UUID
    asset_id: UUID
    unit_number: int
    serial: str
    tag: str | None
    condition: Condition
    location: str
    storage_space: str


def receipt_unit_id(receipt_id: UUID, asset_id: UUID) -> UUID:
    """What a receipt says of a unit."""
    return caused_id(receipt_id, asset_id.hex)


def take_delivery(command: RecordReceipt, held: Records, cause: Cause) -> Decision:
    """Record a delivery if every line of it stands the checks; each serial number is an expected unit."""
    order = _order_named(command, held)
    lines = _lines_named(command, order, held)
    receipt_id = cause.id("receipt")
    number = f"RCV-{cause.numbers['receipt_number'][0]:06d}"
    dock = Dock(held, receipt_id)
    said: list[ReceivedLine] = []
    for index, (line, delivered) in enumerate(zip(lines, command.lines, strict=True)):
        received_line_id = cause.id("receipt_line", index)
        units = tuple(dock.accept(line, delivered, of=f"lines[{index}]"))
        accepted = delivered.quantity or len(units)
        reason = delivered.rejection_reason if delivered.rejected else None
        dock.save += [
            replace(
                line,
                accepted=line.accepted + accepted,
                rejected=line.rejected + delivered.rejected,
                surplus_made=line.surplus_made + dock.surplus_of(line),
            ),
            ReceiptLine(
                id=received_line_id,
                receipt_id=receipt_id,
                order_line_id=line.id,
                sku=line.sku,
                accepted=accepted,
                rejected=delivered.rejected,
                rejection_reason=reason,
                location=delivered.location,
                storage_space=delivered.storage_space,
            ),
            *(
                ReceiptUnit(
                    id=receipt_unit_id(receipt_id, unit.asset_id),
                    receipt_line_id=received_line_id,
                    **{name: value for name, value in unit if name != "after"},
                )
                for unit in units
            ),
        ]
        said.append(
            ReceivedLine(
                receipt_line_id=received_line_id,
                order_line_id=line.id,
                request_id=line.request_id or order.request_id,
                request_line_id=line.request_line_id,
                sku=line.sku,
                accepted=accepted,
                rejected=delivered.rejected,
                rejection_reason=reason,
                asset_creation=line.asset_creation,
                location=delivered.location,
                storage_space=delivered.storage_space,
                units=units,
            )
        )
    parts = list(_parts(said))
    receipt = Receipt(
        id=receipt_id,
        number=number,
        order_id=order.id,
        request_id=order.request_id,
        shipment_id=command.shipment_id,
        received_by=cause.actor.id or cause.sender,
        received_at=cause.at,
        delivery_note=command.delivery_note,
        accepted=sum(line.accepted for line in said),
        rejected=sum(line.rejected for line in said),
        order_line_ids=tuple(dict.fromkeys(line.id for line in lines)),
        said=len(parts),
    )
    facts: list[Event] = [
        GoodsReceived(
            receipt_id=receipt_id,
            receipt_number=number,
            said=position,
            order_id=order.id,
            request_id=order.request_id,
            shipment_id=command.shipment_id,
            received_by=cause.actor.id or cause.sender,
            lines=part,
        )
        for position, part in enumerate(parts, 1)
    ]
    came: list[Record] = []
    if command.shipment_id is not None:
        shipment, received = arrived(command.shipment_id, order, said, held, cause.at.date())
        came, facts = [shipment], [*facts, *received]
    answer = {"receipt_id": str(receipt_id), "receipt_number": number, "order_id": str(order.id)}
    return Decision(save=[receipt, *came, *dock.save, *dock.claims], publish=facts, answer=answer)


def _order_named(command: RecordReceipt, held: Records) -> ExpectedOrder:
    """Goods are taken for an order that the dock has heard of."""
    named = command.order_id or command.number
    orders = held.all(ExpectedOrder)
    if not orders:
        names = ("order_id", "requisition_number", "purchase_order_number")
        field = next(name for name in names if getattr(command, name) is not None)
        raise Rejection("order_unknown", field=field, message=f"No submitted order is called {named}.")
    return orders[0]


def _lines_named(command: RecordReceipt, order: ExpectedOrder, held: Records) -> list[ExpectedLine]:
    """Every line is one of the order's, named once."""
    lines: dict[UUID, ExpectedLine] = {}
    for index, delivered in enumerate(command.lines):
        field = f"lines[{index}].order_line_id"
        line = held.find(ExpectedLine, delivered.order_line_id)
        if line is None or line.order_id != order.id:
            message = f"Order {order.requisition_number} has no line {delivered.order_line_id}."
            raise Rejection("order_line_unknown", field=field, message=message)
        if line.id in lines:
            raise Rejection(
                "order_line_repeated", field=field, message="This line stands in the receipt already."
            )
        lines[line.id] = line
    return list(lines.values())


def _parts(lines: Sequence[ReceivedLine]) -> Iterator[tuple[ReceivedLine, ...]]:
    """The receipt's lines in parts that fit a message; a split line counts its rejected units once."""
    part: list[ReceivedLine] = []
    room = UNITS_PER_GOODS_RECEIVED
    for line in lines:
        rest = line
        while len(rest.units) > room:
            now = rest.units[:room]
            part.append(rest.model_copy(update={"units": now, "accepted": len(now)}))
            rest = rest.model_copy(
                update={"units": rest.units[room:], "accepted": rest.accepted - len(now), "rejected": 0}
            )
            yield tuple(part)
            part, room = [], UNITS_PER_GOODS_RECEIVED
        part.append(rest)
        room -= len(rest.units)
    yield tuple(part)


def _what_it_changes(command: RecordReceipt) -> Keys:
    if command.shipment_id is not None:
        yield Key(Shipment, command.shipment_id)
    for line in command.lines:
        # The line's lock guards its units, so those that are only counted down need none of their own.
        yield Key(ExpectedLine, line.order_line_id, may_be_new=True)
        if line.units:
            yield Many(
                ExpectedUnit,
                by="order_line_id",
                value=line.order_line_id,
                where={"status": UnitStatus.OPEN},
                order_by="unit_number",
                limit=len(line.units),
            )
            # A unit that was taken back and is to come again is known by the serial number or label that it had.
            yield Many(ExpectedUnit, by="line_again", value=line.order_line_id)
        for unit in line.units:
            if unit.asset_id:
                yield Key(ExpectedUnit, unit.asset_id, may_be_new=True)
            yield Key(RegisteredSerial, serial_id(unit.serial), may_be_new=True)
            if unit.tag and is_printed_elsewhere(unit.tag):
                yield Key(RegisteredLabel, label_id(unit.tag), may_be_new=True)
            elif unit.tag:
                yield Many(ExpectedUnit, by="tag", value=unit.tag)


def _what_it_reads(command: RecordReceipt) -> Keys:
    if command.order_id:
        yield Key(ExpectedOrder, command.order_id)
    elif command.number:
        yield Key(ExpectedOrder, Via(OrderName, order_name_id(command.number), "order_id"))
    locations = {unit.location for line in command.lines for unit in line.units if unit.location}
    for location in locations | {line.location for line in command.lines if line.location}:
        yield place_key(location)


HANDLERS: Handlers = (
    Handler(
        on=RecordReceipt,
        holds=_what_it_changes,
        reads=_what_it_reads,
        numbers=lambda _: {"receipt_number": 1},
        early=Early.WAIT_10_MINUTES,
        decide=take_delivery,
        weight=lambda command: max(1, sum(len(line.units) for line in command.lines)),
    ),
)
