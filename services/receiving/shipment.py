"""Shipments: what vendors say is on its way, and how much of it has come. Goods come just as well without one.

How far they have come is told in `tracking`, what is in them in `manifest`.
"""

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
    Many,
    NamedBy,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.message import Event, Message
from libs.contracts.receiving import ReceivedLine, TakenBackLine
from libs.contracts.shipments import (
    LineInShipment,
    LineOnItsWay,
    RegisterShipment,
    ShipmentMoved,
    ShipmentReceived,
    ShipmentRegistered,
    ShipmentStatus,
)
from libs.contracts.values import derived_id
from services.receiving.expectation import ExpectedLine, ExpectedOrder, OrderName, order_name_id
from services.receiving.manifest import announced, content_of, lines_named, package_keys, packages_of
from services.receiving.place import check_destination, place_key
from services.receiving.punctuality import ShipmentStaleDue, overdue_timer, stale_timer
from services.receiving.strictness import POLICY_KEY

NUMBER = "shipment_number"


@dataclass(frozen=True, kw_only=True)
class Shipment(Record):
    """Something of an order on its way. Its id follows from the vendor, whatever it is called, and their number of it.

    `announced` is how many serial numbers were told of each line, `received` how many units came with it. One of which
    all came is received; a receipt that is taken back makes it one that has arrived. `told` stands for what was
    registered, `heard_on` is the day of the latest news. `overdue_on` is the latest expected day of which it was said
    that it is over, `stale_on` the day on which it was said that nothing was heard.
    """

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = {
        ShipmentStatus.ANNOUNCED: frozenset(
            {ShipmentStatus.IN_TRANSIT, ShipmentStatus.ARRIVED, ShipmentStatus.RECEIVED}
        ),
        ShipmentStatus.IN_TRANSIT: frozenset({ShipmentStatus.ARRIVED, ShipmentStatus.RECEIVED}),
        ShipmentStatus.ARRIVED: frozenset({ShipmentStatus.RECEIVED}),
        ShipmentStatus.RECEIVED: frozenset({ShipmentStatus.ARRIVED}),
    }

    ordinal: int
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
    arrived_on: date | None = None
    location: str
    storage_space: str | None
    packages: tuple[str, ...] = ()
    lines: tuple[LineOnItsWay, ...]
    announced: tuple[int, ...]
    received: tuple[int, ...]
    told: UUID
    heard_on: date
    overdue_on: date | None = None
    stale_on: date | None = None
    words: str
    registered_by: str
    registered_at: datetime

    @property
    def has_arrived(self) -> bool:
        """Whether it is at the dock, taken or not."""
        return self.status in (ShipmentStatus.ARRIVED, ShipmentStatus.RECEIVED)

    @property
    def is_here(self) -> bool:
        """Whether all that is in it was taken."""
        return all(here >= line.quantity for line, here in zip(self.lines, self.received, strict=True))


@dataclass(frozen=True, kw_only=True)
class ShipmentName(Record):
    """Our number of a shipment, which leads to it."""

    APPEND_ONLY: ClassVar[bool] = True

    shipment_id: UUID


@dataclass(frozen=True, kw_only=True)
class TrackingNumber(Record):
    """A carrier's number and the shipment that it stands for."""

    APPEND_ONLY: ClassVar[bool] = True

    shipment_id: UUID


def shipment_id_of(order: ExpectedOrder, shipment_number: str) -> UUID:
    """The shipment to which the order's vendor gave this number, whatever the vendor is called by then."""
    return derived_id("shipment", order.vendor_id or order.vendor_name, shipment_number)


def shipment_name_id(number: str) -> UUID:
    """Where our number leads to its shipment."""
    return derived_id("shipment_name", number)


def tracking_id(carrier: str, tracking_number: str) -> UUID:
    """Where a carrier's number leads to its shipment."""
    return derived_id("tracking", carrier, tracking_number)


def register(command: RegisterShipment, held: Records, cause: Cause) -> Decision:
    """Note what is on its way. More may be shipped than is open: what comes is for the dock to count."""
    order = _order_named(command, held)
    lines = lines_named(command, order, held)
    if command.location is not None:
        check_destination(held, command.location, command.storage_space)
    id, told = shipment_id_of(order, command.shipment_number), content_of(command, order, lines)
    known = held.find(Shipment, id)
    if known is not None:
        if known.told != told:
            message = (
                f"{known.vendor_name} told of shipment {known.shipment_number} with other content before."
            )
            raise Rejection("shipment_number_reused", field="shipment_number", message=message)
        return Decision(duplicate=True, answer=answer_about(known))
    ordinal = cause.numbers[NUMBER][0]
    dispatched = command.dispatched_on is not None
    shipment = Shipment(
        id=id,
        ordinal=ordinal,
        number=f"SHP-{ordinal:06d}",
        shipment_number=command.shipment_number,
        order_id=order.id,
        vendor_name=order.vendor_name,
        status=ShipmentStatus.IN_TRANSIT if dispatched else ShipmentStatus.ANNOUNCED,
        invoice_number=command.invoice_number,
        carrier=command.carrier,
        tracking_number=command.tracking_number,
        dispatched_on=command.dispatched_on,
        expected_on=command.expected_on,
        location=command.location or order.deliver_to,
        storage_space=command.storage_space,
        packages=command.packages,
        lines=tuple(
            LineOnItsWay(order_line_id=line.id, quantity=shipped.quantity)
            for line, shipped in zip(lines, command.lines, strict=True)
        ),
        announced=tuple(len(shipped.serials) for shipped in command.lines),
        received=(0,) * len(lines),
        told=told,
        heard_on=cause.at.date(),
        words=_words(command, order, f"SHP-{ordinal:06d}"),
        registered_by=cause.actor.id or cause.sender,
        registered_at=cause.at,
    )
    manifest = announced(id, zip(lines, (shipped.serials for shipped in command.lines), strict=True))
    return Decision(
        save=[
            shipment,
            ShipmentName(id=shipment_name_id(shipment.number), shipment_id=id),
            *tracked(shipment, held),
            *packages_of(id, command.packages, held),
            *manifest,
        ],
        publish=[_registered(shipment), moved(shipment)],
        schedule=[
            stale_timer(id, shipment.heard_on, held),
            *([overdue_timer(id, command.expected_on)] if command.expected_on else ()),
        ],
        answer=answer_about(shipment),
    )


def _registered(shipment: Shipment) -> ShipmentRegistered:
    return ShipmentRegistered(
        shipment_id=shipment.id,
        number=shipment.number,
        shipment_number=shipment.shipment_number,
        order_id=shipment.order_id,
        invoice_number=shipment.invoice_number,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        dispatched_on=shipment.dispatched_on,
        expected_on=shipment.expected_on,
        location=shipment.location,
        storage_space=shipment.storage_space,
        registered_by=shipment.registered_by,
        lines=shipment.lines,
    )


def moved(shipment: Shipment) -> ShipmentMoved:
    """How far it has come by now."""
    return ShipmentMoved(
        shipment_id=shipment.id,
        number=shipment.number,
        order_id=shipment.order_id,
        status=shipment.status,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        dispatched_on=shipment.dispatched_on,
        expected_on=shipment.expected_on,
        arrived_on=shipment.arrived_on,
        lines=tuple(
            LineInShipment(order_line_id=line.order_line_id, quantity=line.quantity, received=received)
            for line, received in zip(shipment.lines, shipment.received, strict=True)
        ),
    )


def arrived(
    shipment_id: UUID, order: ExpectedOrder, lines: Iterable[ReceivedLine], held: Records, on: date
) -> tuple[Shipment, Sequence[Event]]:
    """The shipment with which so much of an order came on a day, and what is to be said about it.

    Whatever was taken of it shows that it has arrived.
    """
    shipment = held.find(Shipment, shipment_id)
    if shipment is None:
        raise unknown_shipment(shipment_id)
    if shipment.order_id != order.id:
        message = f"Shipment {shipment.number} is not of order {order.requisition_number}."
        raise Rejection("shipment_for_other_order", field="shipment_id", message=message)
    shipment = _counted(shipment, ((line.order_line_id, line.accepted) for line in lines))
    shipment = replace(shipment, arrived_on=shipment.arrived_on or on, heard_on=max(shipment.heard_on, on))
    if shipment.status is ShipmentStatus.RECEIVED:
        return shipment, [moved(shipment)]
    if not shipment.is_here:
        if shipment.status is not ShipmentStatus.ARRIVED:
            shipment = shipment.become(ShipmentStatus.ARRIVED)
        return shipment, [moved(shipment)]
    shipment = shipment.become(ShipmentStatus.RECEIVED)
    said = ShipmentReceived(
        shipment_id=shipment.id,
        number=shipment.number,
        shipment_number=shipment.shipment_number,
        order_id=order.id,
    )
    return shipment, [said, moved(shipment)]


def taken_back(shipment: Shipment, lines: Iterable[TakenBackLine]) -> tuple[Shipment, Sequence[Message]]:
    """The shipment after a receipt that came with it was taken back, and what is to be said about it.

    One of which all had come waits at the dock again, and can be forgotten there.
    """
    shipment = _counted(shipment, ((line.order_line_id, -line.accepted) for line in lines))
    if shipment.status is not ShipmentStatus.RECEIVED or shipment.is_here:
        return shipment, [moved(shipment)]
    shipment = shipment.become(ShipmentStatus.ARRIVED)
    return shipment, [moved(shipment), ShipmentStaleDue(shipment_id=shipment.id)]


def _counted(shipment: Shipment, changes: Iterable[tuple[UUID, int]]) -> Shipment:
    """The shipment with so many more units of each order line taken, or so many less."""
    more: dict[UUID, int] = {}
    for order_line_id, change in changes:
        more[order_line_id] = more.get(order_line_id, 0) + change
    received = tuple(
        max(0, before + more.get(line.order_line_id, 0))
        for line, before in zip(shipment.lines, shipment.received, strict=True)
    )
    return replace(shipment, received=received)


def tracked(shipment: Shipment, held: Records) -> list[TrackingNumber]:
    """The claim on the carrier's number, which no other shipment has; none where it is claimed already."""
    if shipment.carrier is None or shipment.tracking_number is None:
        return []
    id = tracking_id(shipment.carrier, shipment.tracking_number)
    claim = held.find(TrackingNumber, id)
    if claim is None:
        return [TrackingNumber(id=id, shipment_id=shipment.id)]
    if claim.shipment_id != shipment.id:
        message = f"{shipment.carrier} carries another shipment as {shipment.tracking_number}."
        raise Rejection("shipment_number_reused", field="tracking_number", message=message)
    return []


def unknown_shipment(shipment_id: UUID | None) -> Rejection:
    """Nobody told of it."""
    message = f"No shipment has the id {shipment_id}."
    return Rejection("shipment_unknown", field="shipment_id", message=message)


def _order_named(command: RegisterShipment, held: Records) -> ExpectedOrder:
    for order in held.all(ExpectedOrder):
        return order
    names = ("order_id", "requisition_number", "purchase_order_number")
    field = next(name for name in names if getattr(command, name) is not None)
    named = command.order_id or command.order_number
    raise Rejection("order_unknown", field=field, message=f"No submitted order is called {named}.")


def _words(command: RegisterShipment, order: ExpectedOrder, number: str) -> str:
    """All that people look for a shipment by."""
    names = (
        number,
        command.shipment_number,
        command.tracking_number,
        command.invoice_number,
        order.requisition_number,
        order.purchase_order_number,
        order.vendor_name,
        *command.packages,
    )
    return " ".join(name for name in names if name)


def answer_about(shipment: Shipment) -> dict[str, object]:
    """What whoever told of it is told."""
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
    yield from package_keys(command.packages)


def _order_and_lines(command: RegisterShipment) -> Keys:
    yield Key(ExpectedOrder, _order_meant(command))
    yield Many(ExpectedLine, by="order_id", value=_order_meant(command))
    yield POLICY_KEY
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
        weight=lambda command: len(command.lines) + sum(len(line.serials) for line in command.lines),
    ),
)
