"""Taking delivery: what was accepted and rejected of an order's lines, and which unit each serial number is.

A receipt is recorded whole or not at all, and never changed.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
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
    Part,
    ReceivedLine,
    RecordReceipt,
)
from services.receiving import unexpected
from services.receiving.dock import Dock, check_line
from services.receiving.expectation import (
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    OrderName,
    UnitStatus,
    order_name_id,
)
from services.receiving.goods import beyond_told, counted_against, in_parts, left_of, received_line
from services.receiving.invoiced import InvoicedDelivery, came_with, invoice_named, unknown_invoice
from services.receiving.label import RegisteredLabel, is_printed_elsewhere, label_id
from services.receiving.parts import (
    delivery_of,
    locations_of,
    waits,
    what_staged_parts_change,
    what_staged_parts_read,
)
from services.receiving.place import place_key
from services.receiving.serial import RegisteredSerial, serial_id
from services.receiving.shipment import Shipment, arrived, unknown_shipment
from services.receiving.sorting import by_line, check_all_full, sorted_out
from services.receiving.strictness import how_strict


@dataclass(frozen=True, kw_only=True)
class Receipt(Record):
    """One delivery taken: for which order, by whom and when.

    `received_on` is the day on which it came, `received_at` when it was told; it was told in so many facts as are
    `said`. One that `reverses` another counts below zero what that one counted.
    """

    APPEND_ONLY: ClassVar[bool] = True

    number: str
    order_id: UUID
    request_id: UUID | None
    shipment_id: UUID | None = None
    invoice_id: UUID | None = None
    received_by: str
    received_at: datetime
    received_on: date
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


@dataclass(frozen=True)
class Arrival:
    """What is to be recorded as one receipt: its id, its number, and what came."""

    receipt_id: UUID
    number: str
    came: RecordReceipt


def receipt_unit_id(receipt_id: UUID, asset_id: UUID) -> UUID:
    """What a receipt says of a unit."""
    return caused_id(receipt_id, asset_id.hex)


def take_delivery(command: RecordReceipt, held: Records, cause: Cause) -> Decision:
    """Record a delivery if every line of it stands the checks; each serial number is an expected unit.

    What is more than may be accepted becomes an unexpected delivery, each line of it one of its own.
    """
    order = _order_named(command, held)
    _check(command, order, held, cause)
    dock = Dock(held)
    drawn = f"{cause.numbers['receipt_number'][0]:06d}"
    if command.part_of is not None:
        return _take_part(command, command.part_of, drawn, order, dock, cause)
    check_all_full([command], held)
    facts, answer = _taken(cause.id("receipt"), drawn, command, order, dock, cause)
    return Decision(save=dock.kept, publish=facts, answer=answer)


def _take_part(
    command: RecordReceipt, part: Part, drawn: str, order: ExpectedOrder, dock: Dock, cause: Cause
) -> Decision:
    """A part of a delivery: taken as it comes, or with the others that wait for the last one."""
    delivery = delivery_of(command, part, order, dock.held, drawn)
    if (again := delivery.answer_again(command, part)) is not None:
        return Decision(duplicate=True, answer=again)
    number = f"{delivery.number}.{part.part}"
    if not delivery.is_last(part) and waits(command, dock.held):
        kept = command.model_copy(update={"received_on": command.received_on or cause.at.date()})
        answer: dict[str, object] = {
            "order_id": str(order.id),
            "receipt_id": str(delivery.receipt_id(part.part)),
            "receipt_number": f"RCV-{number}",
            "waits": True,
        }
        staged = replace(delivery.after(command, part, answer), staged=(*delivery.staged, kept))
        return Decision(save=[staged], answer=answer)
    waiting = delivery.staged if delivery.is_last(part) else ()
    check_all_full([*waiting, command], dock.held)
    facts: list[Event] = []
    for each in waiting:
        assert each.part_of is not None  # or it would not wait
        its_id, its_number = delivery.receipt_id(each.part_of.part), f"{delivery.number}.{each.part_of.part}"
        said, _ = _taken(its_id, its_number, each, order, dock, cause)
        facts += said
    said, answer = _taken(delivery.receipt_id(part.part), number, command, order, dock, cause)
    taken = delivery.after(command, part, answer)
    dock.keep(replace(taken, staged=()) if waiting else taken)
    return Decision(save=dock.kept, publish=[*facts, *said], answer=answer)


def _taken(
    receipt_id: UUID, number: str, command: RecordReceipt, order: ExpectedOrder, dock: Dock, cause: Cause
) -> tuple[list[Event], dict[str, object]]:
    """Keep the receipt and the unexpected deliveries that a delivery is; what is said and answered."""
    came, beyond = sorted_out(command, order, dock.held)
    facts: list[Event] = []
    answer: dict[str, object] = {"order_id": str(order.id)}
    if came.lines:
        facts = take(Arrival(receipt_id, f"RCV-{number}", came), order, dock, cause)
        answer |= {"receipt_id": str(receipt_id), "receipt_number": f"RCV-{number}"}
        answer |= beyond_told(facts)
    surplus = list(unexpected.recorded(beyond, command, order, dock.held, cause, number=f"UNX-{number}"))
    for each in surplus:
        dock.keep(each)
        facts.append(each.recorded)
    if surplus:
        answer["unexpected"] = [each.answer for each in surplus]
    return facts, answer


def take(arrival: Arrival, order: ExpectedOrder, dock: Dock, cause: Cause) -> list[Event]:
    """Keep one receipt of what came, and what is to be said of it."""
    command = arrival.came
    said: list[ReceivedLine | None] = [None] * len(command.lines)
    for line_id, entries in by_line(command).items():
        line = dock.held[ExpectedLine, line_id]
        accepted = sum(delivered.quantity or len(delivered.units) for _, delivered in entries)
        rejected = sum(delivered.rejected for _, delivered in entries)
        named = [(f"lines[{index}]", delivered) for index, delivered in entries]
        for (index, delivered), units in zip(
            entries, dock.accept(line, named, arrival.receipt_id), strict=True
        ):
            received = received_line(arrival.receipt_id, index, delivered, order, line, units)
            _keep_line(arrival, received, dock)
            said[index] = received
        dock.keep(
            replace(
                line,
                accepted=line.accepted + accepted,
                rejected=line.rejected + rejected,
                surplus_made=line.surplus_made + dock.surplus_of(line),
            )
        )
    lines = [line for line in said if line is not None]
    if shipment := dock.held.find(Shipment, command.shipment_id) if command.shipment_id else None:
        lines = counted_against(lines, left_of(shipment), "beyond_shipped")
    if command.invoice_id is not None:
        invoice = invoice_named(command.invoice_id, order, dock.held)
        lines = counted_against(lines, invoice.left, "beyond_invoiced")
        dock.keep(came_with(invoice, lines))
    parts = list(in_parts(lines))
    received_by, received_on = cause.actor.id or cause.sender, command.received_on or cause.at.date()
    receipt = Receipt(
        id=arrival.receipt_id,
        number=arrival.number,
        order_id=order.id,
        request_id=order.request_id,
        shipment_id=command.shipment_id,
        invoice_id=command.invoice_id,
        received_by=received_by,
        received_at=cause.at,
        received_on=received_on,
        delivery_note=command.delivery_note,
        accepted=sum(line.accepted for line in lines),
        rejected=sum(line.rejected for line in lines),
        order_line_ids=tuple(dict.fromkeys(line.order_line_id for line in lines)),
        said=len(parts),
    )
    dock.keep(receipt)
    facts: list[Event] = [
        GoodsReceived(
            receipt_id=receipt.id,
            receipt_number=receipt.number,
            said=position,
            order_id=order.id,
            request_id=order.request_id,
            shipment_id=command.shipment_id,
            received_by=received_by,
            received_on=received_on,
            lines=part,
        )
        for position, part in enumerate(parts, 1)
    ]
    if command.shipment_id is not None:
        shipment, told = arrived(command.shipment_id, order, lines, dock.held, received_on)
        dock.keep(shipment)
        facts += told
    return facts


def _keep_line(arrival: Arrival, line: ReceivedLine, dock: Dock) -> None:
    dock.keep(
        ReceiptLine(
            id=line.receipt_line_id,
            receipt_id=arrival.receipt_id,
            order_line_id=line.order_line_id,
            sku=line.sku,
            accepted=line.accepted,
            rejected=line.rejected,
            rejection_reason=line.rejection_reason,
            location=line.location,
            storage_space=line.storage_space,
        )
    )
    for unit in line.units:
        dock.keep(
            ReceiptUnit(
                id=receipt_unit_id(arrival.receipt_id, unit.asset_id),
                receipt_line_id=line.receipt_line_id,
                **{name: value for name, value in unit if name != "after"},
            )
        )


def _order_named(command: RecordReceipt, held: Records) -> ExpectedOrder:
    """Goods are taken for an order that the dock has heard of; what they came with can name it."""
    if orders := held.all(ExpectedOrder):
        return orders[0]
    names = ("order_id", "requisition_number", "purchase_order_number")
    field = next((name for name in names if getattr(command, name) is not None), None)
    if field is None:
        raise (
            unknown_shipment(command.shipment_id)
            if command.shipment_id
            else unknown_invoice(command.invoice_id)
        )
    named = command.order_id or command.number
    raise Rejection("order_unknown", field=field, message=f"No submitted order is called {named}.")


def _check(command: RecordReceipt, order: ExpectedOrder, held: Records, cause: Cause) -> None:
    """It came today or before, and every line is one of the order's and told as it should be."""
    # Somewhere on earth it is tomorrow already.
    if command.received_on and command.received_on > (cause.at + timedelta(hours=14)).date():
        message = f"Goods cannot have come on {command.received_on}, which is yet to come."
        raise Rejection("date_in_future", field="received_on", message=message)
    for index, delivered in enumerate(command.lines):
        line = held.find(ExpectedLine, delivered.order_line_id)
        if line is None or line.order_id != order.id:
            message = f"Order {order.requisition_number} has no line {delivered.order_line_id}."
            raise Rejection("order_line_unknown", field=f"lines[{index}].order_line_id", message=message)
        check_line(line, delivered, of=f"lines[{index}]")


def _what_it_changes(command: RecordReceipt) -> Keys:
    yield from what_staged_parts_change(command)
    if command.shipment_id is not None:
        yield Key(Shipment, command.shipment_id)
    if command.invoice_id is not None:
        yield Key(InvoicedDelivery, command.invoice_id)
    for line_id, entries in by_line(command).items():
        # The line's lock guards its units, so those that are only counted down need none of their own.
        yield Key(ExpectedLine, line_id, may_be_new=True)
        if units := sum(len(delivered.units) for _, delivered in entries):
            yield Many(
                ExpectedUnit,
                by="order_line_id",
                value=line_id,
                where={"status": UnitStatus.OPEN},
                order_by="unit_number",
                limit=units,
            )
            # A unit that was taken back and is to come again is known by the serial number or label that it had.
            yield Many(ExpectedUnit, by="line_again", value=line_id)
    for line in command.lines:
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
    elif command.shipment_id:
        yield Key(ExpectedOrder, Via(Shipment, command.shipment_id, "order_id"))
    elif command.invoice_id:
        yield Key(ExpectedOrder, Via(InvoicedDelivery, command.invoice_id, "order_id"))
    yield from how_strict(command)
    yield from what_staged_parts_read(command)
    yield from map(place_key, locations_of(command))


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
