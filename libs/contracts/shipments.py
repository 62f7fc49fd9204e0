"""What the receiving service says and obeys about shipments: what vendors send, and how far it has come."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from libs.contracts.message import Command, Event, Value
from libs.contracts.permissions import Action
from libs.contracts.values import QUANTITY_MAX, Code, Count, Quantity, Serial, Text, checked_digits

SERIALS_MAX = 2_000
"""So many of the longest serial numbers fit a message."""
PACKAGES_MAX = 500

Sscc = Annotated[str, StringConstraints(pattern=r"^[0-9]{18}$"), AfterValidator(checked_digits)]
"""The number on a package's label, which no other package has."""


class ShipmentStatus(StrEnum):
    """How far a shipment has come."""

    ANNOUNCED = "announced"
    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    RECEIVED = "received"


class ShippedLine(Value):
    """So many units of an order line are on their way; `serials` is the manifest, as far as the vendor gave one.

    The line is named by its id, or by its item where no other line of the order is of the same.
    """

    order_line_id: UUID | None = None
    sku: Code | None = None
    quantity: Quantity
    serials: Annotated[tuple[Serial, ...], Field(max_length=QUANTITY_MAX)] = ()

    @model_validator(mode="after")
    def names_one_line(self) -> "ShippedLine":
        """Exactly one way to name it."""
        if (self.order_line_id is None) == (self.sku is None):
            raise ValueError("name the line by either order_line_id or sku")
        return self

    @model_validator(mode="after")
    def announces_no_serial_too_many(self) -> "ShippedLine":
        """A serial number is one unit's."""
        if len(self.serials) > self.quantity or len(set(self.serials)) < len(self.serials):
            raise ValueError("there are at most as many serial numbers as units, each of them once")
        return self


class RegisterShipment(Command):
    """Something of an order is on its way: with which carrier, until when, where to, and what is in it.

    The order is named by its id, requisition number or purchase-order number, the invoice by the vendor's number, if
    there is one yet. `shipment_number` is the vendor's, and stands once with each vendor: the same shipment again is a
    duplicate, another one under its number is refused. With `dispatched_on` it is in transit. Without a location it
    goes where the order does. Answered with `shipment_id` and our own `number`.
    """

    type: ClassVar[str] = "receiving.register_shipment.v1"
    action: ClassVar[Action | None] = Action.MANAGE_SHIPMENTS
    order_id: UUID | None = None
    requisition_number: Code | None = None
    purchase_order_number: Code | None = None
    shipment_number: Text
    invoice_number: Text | None = None
    carrier: Text | None = None
    tracking_number: Text | None = None
    dispatched_on: date | None = None
    expected_on: date | None = None
    location: Code | None = None
    storage_space: Code | None = None
    packages: Annotated[tuple[Sscc, ...], Field(max_length=PACKAGES_MAX)] = ()
    lines: Annotated[tuple[ShippedLine, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def names_one_order(self) -> "RegisterShipment":
        """Exactly one way to name the order; a storage space is at a location, a tracking number with a carrier."""
        if [self.order_id, self.requisition_number, self.purchase_order_number].count(None) != 2:
            raise ValueError("name the order by one of order_id, requisition_number, purchase_order_number")
        if self.storage_space is not None and self.location is None:
            raise ValueError("a storage space is at a location")
        if self.tracking_number is not None and self.carrier is None:
            raise ValueError("a tracking number is a carrier's")
        if sum(len(line.serials) for line in self.lines) > SERIALS_MAX:
            raise ValueError(f"one shipment announces at most {SERIALS_MAX} serial numbers")
        if len(set(self.packages)) < len(self.packages):
            raise ValueError("each package stands in a shipment once")
        return self

    @property
    def order_number(self) -> str | None:
        """The number that names the order, if it is not named by its id."""
        return self.requisition_number or self.purchase_order_number


class LineOnItsWay(Value):
    """So many units of an order line are in a shipment."""

    order_line_id: UUID
    quantity: Quantity


class ShipmentRegistered(Event):
    """A vendor told what is on its way."""

    type: ClassVar[str] = "receiving.shipment_registered.v1"
    subject: ClassVar[str] = "shipment_id"
    shipment_id: UUID
    number: str
    shipment_number: str
    order_id: UUID
    invoice_number: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    dispatched_on: date | None = None
    expected_on: date | None = None
    location: str
    storage_space: str | None = None
    registered_by: str
    lines: tuple[LineOnItsWay, ...]


class ShipmentReceived(Event):
    """All that was in a shipment has been taken at the dock."""

    type: ClassVar[str] = "receiving.shipment_received.v1"
    subject: ClassVar[str] = "shipment_id"
    shipment_id: UUID
    number: str
    shipment_number: str
    order_id: UUID


class Tracking(Value):
    """How far a shipment has come, or on which other day it is expected.

    `on` is the day on which it was dispatched or arrived, today if nothing is said.
    """

    status: Literal[ShipmentStatus.IN_TRANSIT, ShipmentStatus.ARRIVED] | None = None
    on: date | None = None
    expected_on: date | None = None
    carrier: Text | None = None
    tracking_number: Text | None = None

    @model_validator(mode="after")
    def says_something(self) -> "Tracking":
        """There is something to say; a day is of a status, a tracking number of a carrier."""
        if self.status is None and self.expected_on is None and self.tracking_number is None:
            raise ValueError("say a status, expected_on or a tracking_number")
        if self.on is not None and self.status is None:
            raise ValueError("a day without a status says nothing")
        if (self.tracking_number is None) != (self.carrier is None):
            raise ValueError("a tracking number is a carrier's")
        return self


class TrackShipment(Tracking, Command):
    """Say how far a shipment has come, or that it is expected on another day; named by its id or our number.

    It only goes forward: what has arrived is not in transit again. `on` is the day on which it was dispatched or
    arrived, today if nothing is said.
    """

    type: ClassVar[str] = "receiving.track_shipment.v1"
    action: ClassVar[Action | None] = Action.MANAGE_SHIPMENTS
    shipment_id: UUID | None = None
    number: Code | None = None

    @model_validator(mode="after")
    def names_one_shipment(self) -> "TrackShipment":
        """Exactly one way to name it."""
        if (self.shipment_id is None) == (self.number is None):
            raise ValueError("name the shipment by either shipment_id or number")
        return self


class LineInShipment(Value):
    """How many units of an order line are in a shipment, and how many of these were taken at the dock."""

    order_line_id: UUID
    quantity: Quantity
    received: Count


class ShipmentMoved(Event):
    """How far a shipment has come by now: all of it. What is in transit or arrived, and not taken, is on its way."""

    type: ClassVar[str] = "receiving.shipment_moved.v1"
    subject: ClassVar[str] = "shipment_id"
    carries: ClassVar = "state"
    shipment_id: UUID
    number: str
    order_id: UUID
    status: ShipmentStatus
    carrier: str | None = None
    tracking_number: str | None = None
    dispatched_on: date | None = None
    expected_on: date | None = None
    arrived_on: date | None = None
    lines: tuple[LineInShipment, ...]


class ShipmentOverdue(Event):
    """The day on which a shipment was expected is over, and it has not arrived. Said once for that day."""

    type: ClassVar[str] = "receiving.shipment_overdue.v1"
    subject: ClassVar[str] = "shipment_id"
    shipment_id: UUID
    number: str
    shipment_number: str
    order_id: UUID
    expected_on: date


class ShipmentStale(Event):
    """Nothing was heard for long of a shipment that has not arrived, or it arrived and was not taken. Said once."""

    type: ClassVar[str] = "receiving.shipment_stale.v1"
    subject: ClassVar[str] = "shipment_id"
    shipment_id: UUID
    number: str
    shipment_number: str
    order_id: UUID
    status: ShipmentStatus
    since: date
