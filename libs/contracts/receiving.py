"""What the receiving service says and obeys: deliveries taken at the dock."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, model_validator

from libs.contracts import message
from libs.contracts.message import Answered, Command, Event, Value
from libs.contracts.permissions import Action
from libs.contracts.values import (
    QUANTITY_MAX,
    UNITS_PER_FACT,
    AssetCreation,
    Code,
    Count,
    Quantity,
    Serial,
    Text,
)

SERIALS_MAX = 2_000
"""So many of the longest serial numbers fit a message."""


class Condition(StrEnum):
    """How a unit looked when it was taken."""

    NEW = "new"
    USED = "used"
    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"


class UnitToReceive(Value):
    """One unit of hardware. Naming its template is optional: the lowest open unit of the line is taken."""

    serial: Serial
    asset_id: UUID | None = None
    tag: Code | None = None
    condition: Condition = Condition.NEW
    location: Code
    storage_space: Code


class LineToReceive(Value):
    """What arrived of one order line: what was accepted, and how many units were rejected and why.

    Hardware is accepted unit by unit; consumables as a quantity that was put into one storage space.
    """

    order_line_id: UUID
    units: Annotated[tuple[UnitToReceive, ...], Field(max_length=UNITS_PER_FACT)] = ()
    quantity: Quantity | None = None
    location: Code | None = None
    storage_space: Code | None = None
    rejected: Annotated[int, Field(ge=0, le=QUANTITY_MAX)] = 0
    rejection_reason: Text | None = None

    @model_validator(mode="after")
    def is_put_somewhere(self) -> "LineToReceive":
        """A quantity has its place, and nothing else has; units have their own."""
        if {self.quantity is None} != {self.location is None, self.storage_space is None}:
            raise ValueError("a quantity, and only that, is put into a location and storage space")
        if self.quantity is not None and self.units:
            raise ValueError("a line is received by units or by quantity")
        return self


class ShippedLine(Value):
    """So many units of an order line are on their way; `serials` is the manifest, as far as the vendor gave one."""

    order_line_id: UUID
    quantity: Quantity
    serials: Annotated[tuple[Serial, ...], Field(max_length=QUANTITY_MAX)] = ()

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
    duplicate, another one under its number is refused. Without a location it goes where the order does. Answered with
    `shipment_id` and our own `number`.
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


class RecordReceipt(Command):
    """Take a delivery for an order, named by its id, requisition number or purchase-order number.

    All of it is recorded, or nothing. `shipment_id` is the shipment of that order that it came with, if it was told of.
    """

    type: ClassVar[str] = "receiving.record_receipt.v1"
    action: ClassVar[Action | None] = Action.TAKE_DELIVERY
    order_id: UUID | None = None
    requisition_number: Text | None = None
    purchase_order_number: Code | None = None
    shipment_id: UUID | None = None
    delivery_note: Text | None = None
    lines: Annotated[tuple[LineToReceive, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def names_one_order(self) -> "RecordReceipt":
        """Exactly one way to name the order, and no more units than one message may carry."""
        if [self.order_id, self.requisition_number, self.purchase_order_number].count(None) != 2:
            raise ValueError("name the order by one of order_id, requisition_number, purchase_order_number")
        if sum(len(line.units) for line in self.lines) > UNITS_PER_FACT:
            raise ValueError(f"one receipt takes at most {UNITS_PER_FACT} units; send the rest as another")
        return self

    @property
    def number(self) -> str | None:
        """The number that names the order, if it is not named by its id."""
        return self.requisition_number or self.purchase_order_number


class ReceivedUnit(Value):
    """One accepted unit: which template it turned out to be, and where it was put."""

    asset_id: UUID
    unit_number: int
    serial: str
    tag: str | None = None
    condition: Condition
    location: str
    storage_space: str


class ReceivedLine(Value):
    """What a receipt accepted and rejected of one order line. Location and storage space tell where a quantity is."""

    receipt_line_id: UUID
    order_line_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None
    sku: str
    accepted: Count
    rejected: Count
    rejection_reason: str | None = None
    asset_creation: AssetCreation = AssetCreation.ON_SUBMISSION
    location: str | None = None
    storage_space: str | None = None
    units: tuple[ReceivedUnit, ...] = ()


class GoodsReceived(Event):
    """Goods were taken at the dock. A big receipt is said in several facts; their counts add up to it."""

    type: ClassVar[str] = "receiving.goods_received.v1"
    subject: ClassVar[str] = "receipt_id"
    receipt_id: UUID
    receipt_number: str
    order_id: UUID
    request_id: UUID | None
    shipment_id: UUID | None = None
    received_by: str
    lines: tuple[ReceivedLine, ...]


class TakenBackLine(Value):
    """So many units of an order line, that a receipt had accepted or rejected, count no longer."""

    order_line_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None = None
    accepted: Count
    rejected: Count = 0
    asset_ids: tuple[UUID, ...] = ()


class ReceiptReversed(Event):
    """A receipt was taken back by another one: what it accepted is to come again."""

    type: ClassVar[str] = "receiving.receipt_reversed.v1"
    subject: ClassVar[str] = "receipt_id"
    receipt_id: UUID
    receipt_number: str
    reverses: UUID
    order_id: UUID
    reversed_by: str
    reason: str
    lines: tuple[TakenBackLine, ...]


class ReturnedLine(Value):
    """So many units of an order line went back to the vendor."""

    order_line_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None = None
    quantity: Quantity
    asset_ids: tuple[UUID, ...] = ()


class GoodsReturned(Event):
    """Goods went back to their vendor: for replacement, which is to come, or for credit, after which nothing is."""

    type: ClassVar[str] = "receiving.goods_returned.v1"
    subject: ClassVar[str] = "return_id"
    return_id: UUID
    order_id: UUID
    purpose: Literal["replacement", "credit"]
    returned_by: str
    reason: str
    lines: tuple[ReturnedLine, ...]


class RenewCopies(message.RenewCopies):
    """Have every location said again by assets and every open order by purchasing.

    What came of an order that is known already is left as it is counted here, also if that was restored from before.
    """

    type: ClassVar[str] = "receiving.renew_copies.v1"


class CommandAnswered(Answered):
    """How a command given to receiving ended."""

    type: ClassVar[str] = "receiving.command_answered.v1"
