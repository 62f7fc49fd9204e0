"""What the receiving service says and obeys: deliveries taken at the dock, taken back, and sent back."""

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
    derived_id,
)

RECEIPT_UNITS_MAX = 1_000
"""One receipt takes so many units; what is delivered together in more is taken in parts."""
PARTS_MAX = 200
REFERENCES_MAX = 500


class Condition(StrEnum):
    """How a unit looked when it was taken."""

    NEW = "new"
    USED = "used"
    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"


class UnitToReceive(Value):
    """One unit of hardware, put where its line says unless it says itself.

    Naming its template is optional: it is the unit whose tag it bears, else the one that had its serial number before,
    else the lowest open one of the line.
    """

    serial: Serial
    asset_id: UUID | None = None
    tag: Code | None = None
    condition: Condition = Condition.NEW
    location: Code | None = None
    storage_space: Code | None = None

    @model_validator(mode="after")
    def is_put_into_a_space(self) -> "UnitToReceive":
        """A place is a location and one of its storage spaces."""
        if (self.location is None) != (self.storage_space is None):
            raise ValueError("a unit is put into a location and storage space, or where its line is put")
        return self


class LineToReceive(Value):
    """What arrived of one order line: what was accepted, and how many units were rejected and why.

    Hardware is accepted unit by unit; consumables as a quantity. `location` and `storage_space` are where the quantity
    was put, and those units that say no other place. A line whose quantity was put into several spaces stands in the
    receipt once for each.
    """

    order_line_id: UUID
    units: Annotated[tuple[UnitToReceive, ...], Field(max_length=RECEIPT_UNITS_MAX)] = ()
    quantity: Quantity | None = None
    location: Code | None = None
    storage_space: Code | None = None
    rejected: Annotated[int, Field(ge=0, le=QUANTITY_MAX)] = 0
    rejection_reason: Text | None = None

    @model_validator(mode="after")
    def is_put_somewhere(self) -> "LineToReceive":
        """Whatever was accepted has its place."""
        if (self.location is None) != (self.storage_space is None):
            raise ValueError("a line is put into a location and storage space")
        if self.quantity is not None and self.units:
            raise ValueError("a line is received by units or by quantity")
        if self.location is None and (
            self.quantity is not None or any(unit.location is None for unit in self.units)
        ):
            raise ValueError("say into which location and storage space it was put")
        return self


class Part(Value):
    """One of the parts in which a delivery is told. `delivery` is the sender's own name for all of them together."""

    delivery: Code
    part: Annotated[int, Field(ge=1, le=PARTS_MAX)]
    parts: Annotated[int, Field(ge=1, le=PARTS_MAX)]

    @model_validator(mode="after")
    def is_one_of_them(self) -> "Part":
        """Parts are numbered from 1."""
        if self.part > self.parts:
            raise ValueError("there is no part after the last")
        return self


class RecordReceipt(Command):
    """Take a delivery for an order, named by its id, requisition or purchase-order number, or by what it came with.

    `shipment_id` and `invoice_id` are the shipment and the invoice of that order that it came with, if it was told of;
    either names the order if nothing else does. All of it is recorded, or nothing. What is more than is open and
    tolerated becomes an unexpected delivery, or with `surplus` refuse the receipt is refused. `received_on` is the day
    on which it came, today if nothing is said. More than 1,000 units are told in parts, each a receipt and an answer of
    its own; the same part again is a duplicate.
    """

    type: ClassVar[str] = "receiving.record_receipt.v1"
    action: ClassVar[Action | None] = Action.TAKE_DELIVERY
    order_id: UUID | None = None
    requisition_number: Text | None = None
    purchase_order_number: Code | None = None
    shipment_id: UUID | None = None
    invoice_id: UUID | None = None
    delivery_note: Text | None = None
    received_on: date | None = None
    surplus: Literal["record", "refuse"] = "record"
    part_of: Part | None = None
    lines: Annotated[tuple[LineToReceive, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def names_one_order(self) -> "RecordReceipt":
        """At most one way to name the order, at least one way to find it, and no more units than a receipt takes."""
        named = 3 - [self.order_id, self.requisition_number, self.purchase_order_number].count(None)
        found = named or self.shipment_id or self.invoice_id
        if named > 1 or not found:
            raise ValueError("name the order by one of order_id, requisition_number, purchase_order_number")
        if sum(len(line.units) for line in self.lines) > RECEIPT_UNITS_MAX:
            raise ValueError(
                f"one receipt takes at most {RECEIPT_UNITS_MAX} units; tell the rest as another part"
            )
        return self

    @property
    def number(self) -> str | None:
        """The number that names the order, if a number does."""
        return self.requisition_number or self.purchase_order_number


class ReceivedUnit(Value):
    """One accepted unit: which template it turned out to be, and where it was put.

    A unit that nobody ordered has a number below zero. `after` is the reversal or return by which the same unit, here
    before, was to come again.
    """

    asset_id: UUID
    unit_number: int
    after: UUID | None = None
    serial: str
    tag: str | None = None
    condition: Condition
    location: str
    storage_space: str


class ReceivedLine(Value):
    """What a receipt accepted and rejected of one order line. Location and storage space tell where a quantity is.

    `beyond_shipped` and `beyond_invoiced` say how many more than the shipment, or the invoice, that it came with.
    """

    receipt_line_id: UUID
    order_line_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None
    sku: str
    accepted: Count
    rejected: Count
    rejection_reason: str | None = None
    beyond_shipped: Count = 0
    beyond_invoiced: Count = 0
    asset_creation: AssetCreation = AssetCreation.ON_SUBMISSION
    location: str | None = None
    storage_space: str | None = None
    units: tuple[ReceivedUnit, ...] = ()


class GoodsReceived(Event):
    """Goods were taken at the dock. A big receipt is said in several facts; their counts add up to it.

    `said` numbers these facts from 1. With `again` nothing came: these units are here as before, because they could not
    be taken back.
    """

    type: ClassVar[str] = "receiving.goods_received.v1"
    subject: ClassVar[str] = "receipt_id"
    receipt_id: UUID
    receipt_number: str
    said: int = 1
    order_id: UUID
    request_id: UUID | None
    shipment_id: UUID | None = None
    received_by: str
    received_on: date | None = None
    again: bool = False
    lines: tuple[ReceivedLine, ...]


def goods_id_of(receipt_id: UUID, said: int) -> UUID:
    """Where a listener can note that it has taken this fact about a receipt: what undoes it waits for that."""
    return derived_id("goods", receipt_id, said)


class ReverseReceipt(Command):
    """Take back a receipt that was a mistake, named by its id or number: all of it.

    Refused if any of it was acknowledged, issued, disposed of or sent back to the vendor.
    """

    type: ClassVar[str] = "receiving.reverse_receipt.v1"
    action: ClassVar[Action | None] = Action.REVERSE_RECEIPTS
    receipt_id: UUID | None = None
    receipt_number: Code | None = None
    reason: Text

    @model_validator(mode="after")
    def names_one_receipt(self) -> "ReverseReceipt":
        """Exactly one way to name it."""
        if (self.receipt_id is None) == (self.receipt_number is None):
            raise ValueError("name the receipt by either receipt_id or receipt_number")
        return self


class TakenBackLine(Value):
    """So many units of an order line, that a receipt had accepted or rejected, count no longer.

    Location and storage space tell where a quantity had been put.
    """

    order_line_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None = None
    accepted: Count
    rejected: Count = 0
    asset_creation: AssetCreation = AssetCreation.ON_SUBMISSION
    location: str | None = None
    storage_space: str | None = None
    asset_ids: tuple[UUID, ...] = ()


class ReceiptReversed(Event):
    """A receipt was taken back by another one: what it accepted is to come again.

    It is one fact, however many units the receipt has: what comes again waits for all of it. `goods` are the facts that
    told of the receipt.
    """

    type: ClassVar[str] = "receiving.receipt_reversed.v1"
    subject: ClassVar[str] = "receipt_id"
    receipt_id: UUID
    receipt_number: str
    reverses: UUID
    goods: Annotated[tuple[UUID, ...], Field(max_length=REFERENCES_MAX)] = ()
    order_id: UUID
    reversed_by: str
    reason: str
    lines: tuple[TakenBackLine, ...]


class LineToReturn(Value):
    """What of an order line goes back: units by their assets, or a quantity by the receipt line that it came with."""

    order_line_id: UUID
    asset_ids: Annotated[tuple[UUID, ...], Field(max_length=UNITS_PER_FACT)] = ()
    quantity: Quantity | None = None
    receipt_line_id: UUID | None = None

    @model_validator(mode="after")
    def says_what_goes_back(self) -> "LineToReturn":
        """Units, or a quantity that came with a receipt."""
        by_quantity = self.quantity is not None and self.receipt_line_id is not None
        if bool(self.asset_ids) == by_quantity or (self.quantity is None) != (self.receipt_line_id is None):
            raise ValueError("name either asset_ids, or quantity and receipt_line_id")
        if len(set(self.asset_ids)) < len(self.asset_ids):
            raise ValueError("each asset goes back once")
        return self


class ReturnGoods(Command):
    """Send goods of an order back to their vendor: for replacement, which is to come, or for credit.

    Credited units make a surplus smaller first; the rest is wanted no more. `rma` is the number under which the vendor
    takes them back.
    """

    type: ClassVar[str] = "receiving.return_goods.v1"
    action: ClassVar[Action | None] = Action.RETURN_GOODS
    order_id: UUID | None = None
    requisition_number: Text | None = None
    purchase_order_number: Code | None = None
    purpose: Literal["replacement", "credit"]
    reason: Text
    rma: Text | None = None
    lines: Annotated[tuple[LineToReturn, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def names_one_order(self) -> "ReturnGoods":
        """Exactly one way to name the order, and no more units than a fact is about."""
        if [self.order_id, self.requisition_number, self.purchase_order_number].count(None) != 2:
            raise ValueError("name the order by one of order_id, requisition_number, purchase_order_number")
        if sum(len(line.asset_ids) for line in self.lines) > UNITS_PER_FACT:
            raise ValueError(f"one return is of at most {UNITS_PER_FACT} units")
        return self

    @property
    def number(self) -> str | None:
        """The number that names the order, if it is not named by its id."""
        return self.requisition_number or self.purchase_order_number


class ReturnedLine(Value):
    """So many units of an order line went back to the vendor; `credited` of them are wanted no more."""

    order_line_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None = None
    quantity: Quantity
    credited: Count | None = None
    asset_creation: AssetCreation = AssetCreation.ON_SUBMISSION
    location: str | None = None
    storage_space: str | None = None
    asset_ids: tuple[UUID, ...] = ()


class GoodsReturned(Event):
    """Goods went back to their vendor: for replacement, which is to come, or for credit, after which nothing is.

    `goods` are the facts that told of their receipts.
    """

    type: ClassVar[str] = "receiving.goods_returned.v1"
    subject: ClassVar[str] = "return_id"
    return_id: UUID
    return_number: str | None = None
    goods: Annotated[tuple[UUID, ...], Field(max_length=REFERENCES_MAX)] = ()
    order_id: UUID
    purpose: Literal["replacement", "credit"]
    returned_by: str
    reason: str
    rma: str | None = None
    lines: tuple[ReturnedLine, ...]


class RenewCopies(message.RenewCopies):
    """Have every location said again by assets, every open order and catalog item by purchasing.

    What came of an order that is known already is left as it is counted here, also if that was restored from before.
    """

    type: ClassVar[str] = "receiving.renew_copies.v1"


class CommandAnswered(Answered):
    """How a command given to receiving ended."""

    type: ClassVar[str] = "receiving.command_answered.v1"
