"""What becomes of unexpected deliveries: attached to an order line after all, as a receipt, or sent back."""

from collections.abc import Callable
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
    NamedBy,
    Records,
    Rejection,
    Via,
)
from libs.contracts.deliveries import (
    AttachUnexpectedDelivery,
    ReturnUnexpectedDelivery,
    UnexpectedDeliverySettled,
)
from libs.contracts.receiving import RECEIPT_UNITS_MAX, LineToReceive, RecordReceipt, UnitToReceive
from libs.contracts.values import location_id_of
from services.receiving.dock import Dock, check_line
from services.receiving.expectation import ExpectedLine, ExpectedOrder, ExpectedUnit, UnitStatus
from services.receiving.label import RegisteredLabel, is_printed_elsewhere, label_id
from services.receiving.place import Place
from services.receiving.receipt import Arrival, take
from services.receiving.serial import RegisteredSerial, serial_id
from services.receiving.shipment import Shipment
from services.receiving.strictness import allowed_of, check_full, how_strict
from services.receiving.unexpected import UnexpectedDelivery, UnexpectedStatus


def attach(command: AttachUnexpectedDelivery, held: Records, cause: Cause) -> Decision:
    """Take it for an order line: a receipt like any other, of no more than is open or tolerated."""
    delivery = _delivery_named(command, held)
    line = held.find(ExpectedLine, command.order_line_id)
    order = held.find(ExpectedOrder, line.order_id) if line else None
    if line is None or order is None:
        message = f"No submitted order has a line {command.order_line_id}."
        raise Rejection("order_line_unknown", field="order_line_id", message=message)
    if delivery.sku is not None and delivery.sku != line.sku:
        message = f"{delivery.number} is of {delivery.sku}, the order line of {line.sku}."
        raise Rejection("unexpected_delivery_differs", field="order_line_id", message=message)
    came = _what_came(delivery, line, held)
    check_line(line, came, of="order_line_id")
    check_full(line, delivery.quantity, delivery.quantity, 0, held)
    allowed = allowed_of(line, order, held).in_the_end
    if delivery.quantity > allowed:
        message = f"{delivery.quantity} of {line.sku} came but only {allowed} can be accepted."
        raise Rejection("receipt_exceeds_open", field="order_line_id", message=message)
    shipment = held.find(Shipment, delivery.shipment_id) if delivery.shipment_id else None
    receipt = RecordReceipt(
        order_id=order.id,
        shipment_id=shipment.id if shipment and shipment.order_id == order.id else None,
        delivery_note=delivery.delivery_note,
        received_on=delivery.received_on,
        lines=(came,),
    )
    dock = Dock(held)
    arrival = Arrival(cause.id("receipt"), f"RCV-{cause.numbers['receipt_number'][0]:06d}", receipt)
    facts = take(arrival, order, dock, cause)
    attached = delivery.become(
        UnexpectedStatus.ATTACHED,
        order_id=order.id,
        order_line_id=line.id,
        receipt_id=arrival.receipt_id,
        settled_by=cause.actor.id or cause.sender,
        settled_at=cause.at,
    )
    said = UnexpectedDeliverySettled(
        unexpected_id=delivery.id,
        number=delivery.number,
        outcome="attached",
        order_line_id=line.id,
        receipt_id=arrival.receipt_id,
        settled_by=cause.actor.id or cause.sender,
    )
    answer = {
        "unexpected_id": str(delivery.id),
        "receipt_id": str(arrival.receipt_id),
        "receipt_number": arrival.number,
    }
    return Decision(save=[attached, *dock.kept], publish=[said, *facts], answer=answer)


def send_back(command: ReturnUnexpectedDelivery, held: Records, cause: Cause) -> Decision:
    """It goes back. It never counted for any order, so nothing else changes."""
    delivery = _delivery_named(command, held)
    settled_by = cause.actor.id or cause.sender
    returned = delivery.become(
        UnexpectedStatus.RETURNED,
        settled_by=settled_by,
        settled_at=cause.at,
        reason=command.reason,
        rma=command.rma,
    )
    said = UnexpectedDeliverySettled(
        unexpected_id=delivery.id, number=delivery.number, outcome="returned", settled_by=settled_by
    )
    return Decision(save=[returned], publish=[said], answer={"unexpected_id": str(delivery.id)})


Settling = AttachUnexpectedDelivery | ReturnUnexpectedDelivery


def _delivery_named(command: Settling, held: Records) -> UnexpectedDelivery:
    """One that nobody has settled yet."""
    found = held.all(UnexpectedDelivery)
    if not found:
        field = "unexpected_id" if command.unexpected_id else "number"
        message = f"No unexpected delivery is called {command.unexpected_id or command.number}."
        raise Rejection("unexpected_delivery_unknown", field=field, message=message)
    delivery = found[0]
    if delivery.status is not UnexpectedStatus.RECORDED:
        message = f"{delivery.number} was {delivery.status} already."
        raise Rejection("unexpected_delivery_settled", message=message)
    return delivery


def _what_came(delivery: UnexpectedDelivery, line: ExpectedLine, held: Records) -> LineToReceive:
    """The goods as a line of a receipt. A unit that names one that is not to come stands for another one."""

    def meant(unit: UnitToReceive) -> UnitToReceive:
        expected = held.find(ExpectedUnit, unit.asset_id) if unit.asset_id else None
        if expected and expected.order_line_id == line.id and expected.status is UnitStatus.OPEN:
            return unit
        return unit.model_copy(update={"asset_id": None})

    return LineToReceive(
        order_line_id=line.id,
        units=tuple(map(meant, delivery.units)),
        quantity=None if delivery.units else delivery.quantity,
        location=delivery.location,
        storage_space=delivery.storage_space,
    )


def _id_of(command: Settling) -> UUID | Via:
    return command.unexpected_id or Via(UnexpectedDelivery, command.number or "", "id", by="number")


def _what_attaching_changes(command: AttachUnexpectedDelivery) -> Keys:
    id, line_id = _id_of(command), command.order_line_id
    yield Key(UnexpectedDelivery, id)
    yield Key(ExpectedLine, line_id)
    yield Many(
        ExpectedUnit,
        by="order_line_id",
        value=line_id,
        where={"status": UnitStatus.OPEN},
        order_by="unit_number",
        limit=RECEIPT_UNITS_MAX,
    )
    yield Many(ExpectedUnit, by="line_again", value=line_id)
    yield NamedBy(ExpectedUnit, UnexpectedDelivery, id, _of_units(lambda unit: unit.asset_id))
    yield NamedBy(RegisteredSerial, UnexpectedDelivery, id, _of_units(lambda unit: serial_id(unit.serial)))
    yield NamedBy(RegisteredLabel, UnexpectedDelivery, id, _of_units(_label_of))
    yield NamedBy(
        Shipment, UnexpectedDelivery, id, lambda each: [each.shipment_id] if each.shipment_id else []
    )


def _of_units(named: Callable[[UnitToReceive], UUID | None]) -> Callable[[UnexpectedDelivery], list[UUID]]:
    return lambda delivery: [id for unit in delivery.units if (id := named(unit)) is not None]


def _label_of(unit: UnitToReceive) -> UUID | None:
    return label_id(unit.tag) if unit.tag and is_printed_elsewhere(unit.tag) else None


def _places_of(delivery: UnexpectedDelivery) -> list[UUID]:
    locations = {delivery.location, *(unit.location for unit in delivery.units)}
    return [location_id_of(location) for location in locations if location]


def _what_attaching_reads(command: AttachUnexpectedDelivery) -> Keys:
    yield Key(ExpectedOrder, Via(ExpectedLine, command.order_line_id, "order_id"))
    yield NamedBy(Place, UnexpectedDelivery, _id_of(command), _places_of)
    yield from how_strict(command)


HANDLERS: Handlers = (
    Handler(
        on=AttachUnexpectedDelivery,
        holds=_what_attaching_changes,
        reads=_what_attaching_reads,
        numbers=lambda _: {"receipt_number": 1},
        early=Early.WAIT_10_MINUTES,
        decide=attach,
        # As many units as it may have.
        weight=lambda _: RECEIPT_UNITS_MAX // 4,
    ),
    Handler(
        on=ReturnUnexpectedDelivery,
        holds=lambda command: (Key(UnexpectedDelivery, _id_of(command)),),
        early=Early.WAIT_10_MINUTES,
        decide=send_back,
    ),
)
