"""Shipments: what vendors say is on its way, and how much of it has come. Goods come just as well without one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    NamedBy,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.message import Event
from libs.contracts.receiving import (
    ReceivedLine,
)
from libs.contracts.shipments import (
    LineOnItsWay,
    RegisterShipment,
    ShipmentReceived,
    ShipmentRegistered,
    ShipmentStatus,
    ShippedLine,
)
from libs.contracts.values import derived_id
from services.receiving.expectation import ExpectedLine, ExpectedOrder, OrderName, order_name_id
from services.receiving.place import check_destination, place_key

NUMBER = "shipment_number"


@dataclass(frozen=True, kw_only=True)
class Shipment(Record):
    """Something of an order on its way. Its id follows from the vendor, whatever it is called, and their number of it.

    `lines` are as the vendor told them; `received` is how many units came with it, line by line. One of which all came
    is received.
    """

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = {
        ShipmentStatus.ANNOUNCED: frozenset({ShipmentStatus.RECEIVED}),
        ShipmentStatus.RECEIVED: frozenset(),
    }

    number: str
    shipment_number: str
    order_id: UUID
    vendor_name: str
    status: ShipmentStatus = ShipmentStatus.ANNOUNCED
    invoice_number: str | None
    carrier: str | None
    tracking_number: str | None
    dispatched_on: date | None
    expected_on: date | None
    location: str
    storage_space: str | None
    lines: tuple[ShippedLine, ...]
    received: tuple[int, ...]
    registered_by: str
    registered_at: datetime


@dataclass(frozen=True, kw_only=True)
class TrackingNumber(Record):
    """A carrier's number and the shipment that it stands for."""

    APPEND_ONLY: ClassVar[bool] = True

    shipment_id: UUID


def shipment_id_of(order: ExpectedOrder, shipment_number: str) -> UUID:
    """The shipment to which the order's vendor gave this number, whatever the vendor is called by then."""
    return derived_id("shipment", order.vendor_id or order.vendor_name, shipment_number)


def tracking_id(carrier: str, tracking_number: str) -> UUID:
    """Where a carrier's number leads to its shipment."""
    return derived_id("tracking", carrier, tracking_number)


def register(command: RegisterShipment, held: Records, cause: Cause) -> Decision:
    """Note what is on its way. More may be shipped than is open: what comes is for the dock to count."""
    order = _order_named(command, held)
    _check_lines(command, order, held)
    if command.location is not None:
        check_destination(held, command.location, command.storage_space)
    shipment = Shipment(
        id=shipment_id_of(order, command.shipment_number),
        number=f"SHP-{cause.numbers[NUMBER][0]:06d}",
        shipment_number=command.shipment_number,
        order_id=order.id,
        vendor_name=order.vendor_name,
        invoice_number=command.invoice_number,
        carrier=command.carrier,
        tracking_number=command.tracking_number,
        dispatched_on=command.dispatched_on,
        expected_on=command.expected_on,
        location=command.location or order.deliver_to,
        storage_space=command.storage_space,
        lines=command.lines,
        received=(0,) * len(command.lines),
        registered_by=cause.actor.id or cause.sender,
        registered_at=cause.at,
    )
    known = held.find(Shipment, shipment.id)
    if known is not None:
        if _content(known) != _content(shipment):
            message = (
                f"{known.vendor_name} told of shipment {known.shipment_number} with other content before."
            )
            raise Rejection("shipment_number_reused", field="shipment_number", message=message)
        return Decision(duplicate=True, answer=_answer(known))
    said = ShipmentRegistered(
        shipment_id=shipment.id,
        number=shipment.number,
        shipment_number=shipment.shipment_number,
        order_id=order.id,
        invoice_number=shipment.invoice_number,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        dispatched_on=shipment.dispatched_on,
        expected_on=shipment.expected_on,
        location=shipment.location,
        storage_space=shipment.storage_space,
        registered_by=shipment.registered_by,
        lines=tuple(
            LineOnItsWay(order_line_id=line.order_line_id, quantity=line.quantity) for line in shipment.lines
        ),
    )
    claims = _tracked(command, shipment, held)
    return Decision(save=[shipment, *claims], publish=[said], answer=_answer(shipment))


def arrived(
    shipment_id: UUID, order: ExpectedOrder, lines: Iterable[ReceivedLine], held: Records
) -> tuple[Shipment, Sequence[Event]]:
    """The shipment with which so much of an order came, and what is to be said about it."""
    shipment = held.find(Shipment, shipment_id)
    if shipment is None:
        raise Rejection(
            "shipment_unknown", field="shipment_id", message=f"No shipment has the id {shipment_id}."
        )
    if shipment.order_id != order.id:
        message = f"Shipment {shipment.number} is not of order {order.requisition_number}."
        raise Rejection("shipment_for_other_order", field="shipment_id", message=message)
    accepted = {line.order_line_id: line.accepted for line in lines}
    received = tuple(
        before + accepted.get(line.order_line_id, 0)
        for line, before in zip(shipment.lines, shipment.received, strict=True)
    )
    shipment = replace(shipment, received=received)
    is_here = all(here >= line.quantity for line, here in zip(shipment.lines, received, strict=True))
    if not is_here or shipment.status is ShipmentStatus.RECEIVED:
        return shipment, []
    said = ShipmentReceived(
        shipment_id=shipment.id,
        number=shipment.number,
        shipment_number=shipment.shipment_number,
        order_id=order.id,
    )
    return shipment.become(ShipmentStatus.RECEIVED), [said]


def _order_named(command: RegisterShipment, held: Records) -> ExpectedOrder:
    for order in held.all(ExpectedOrder):
        return order
    names = ("order_id", "requisition_number", "purchase_order_number")
    field = next(name for name in names if getattr(command, name) is not None)
    named = command.order_id or command.order_number
    raise Rejection("order_unknown", field=field, message=f"No submitted order is called {named}.")


def _check_lines(command: RegisterShipment, order: ExpectedOrder, held: Records) -> None:
    """Every line is one of the order's that comes to a dock, named once."""
    named: set[UUID] = set()
    for index, shipped in enumerate(command.lines):
        field = f"lines[{index}].order_line_id"
        line = held.find(ExpectedLine, shipped.order_line_id)
        if line is None or line.order_id != order.id:
            message = f"Order {order.requisition_number} has no line {shipped.order_line_id}."
            raise Rejection("order_line_unknown", field=field, message=message)
        if line.id in named:
            message = "This line stands in the shipment already."
            raise Rejection("order_line_repeated", field=field, message=message)
        if not line.is_received:
            message = f"{line.sku} is {line.kind}, which does not come to a dock."
            raise Rejection("kind_not_received", field=field, message=message)
        named.add(line.id)


def _tracked(command: RegisterShipment, shipment: Shipment, held: Records) -> list[TrackingNumber]:
    """The claim on the carrier's number, which no other shipment has."""
    if command.carrier is None or command.tracking_number is None:
        return []
    id = tracking_id(command.carrier, command.tracking_number)
    if held.find(TrackingNumber, id) is not None:
        message = f"{command.carrier} carries another shipment as {command.tracking_number}."
        raise Rejection("shipment_number_reused", field="tracking_number", message=message)
    return [TrackingNumber(id=id, shipment_id=shipment.id)]


def _content(shipment: Shipment) -> tuple[object, ...]:
    """What was told of it, whoever told it and however much of it came."""
    return (
        shipment.order_id,
        shipment.invoice_number,
        (shipment.carrier, shipment.tracking_number),
        (shipment.dispatched_on, shipment.expected_on),
        (shipment.location, shipment.storage_space),
        shipment.lines,
    )


def _answer(shipment: Shipment) -> dict[str, object]:
    return {
        "shipment_id": str(shipment.id),
        "number": shipment.number,
        "order_id": str(shipment.order_id),
        "status": shipment.status.value,
    }


def _order_meant(command: RegisterShipment) -> UUID | Via:
    if command.order_id is not None:
        return command.order_id
    return Via(OrderName, order_name_id(command.order_number or ""), "order_id")


def _the_shipment(command: RegisterShipment) -> Keys:
    yield NamedBy(
        Shipment,
        by=ExpectedOrder,
        id=_order_meant(command),
        ids=lambda order: [shipment_id_of(order, command.shipment_number)],
    )
    if command.carrier is not None and command.tracking_number is not None:
        yield Key(TrackingNumber, tracking_id(command.carrier, command.tracking_number), may_be_new=True)


def _order_and_lines(command: RegisterShipment) -> Keys:
    yield Key(ExpectedOrder, _order_meant(command))
    for line in command.lines:
        yield Key(ExpectedLine, line.order_line_id, may_be_new=True)
    if command.location is not None:
        yield place_key(command.location)


HANDLERS: Handlers = (
    Handler(
        on=RegisterShipment,
        holds=_the_shipment,
        reads=_order_and_lines,
        numbers=lambda _: {NUMBER: 1},
        early=Early.WAIT_10_MINUTES,
        decide=register,
        weight=lambda command: len(command.lines),
    ),
)
