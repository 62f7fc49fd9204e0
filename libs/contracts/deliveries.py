"""What the receiving service says and obeys about deliveries that nobody expected, and about how strict the dock is."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, model_validator

from libs.contracts.message import Command, Event
from libs.contracts.permissions import Action
from libs.contracts.receiving import RECEIPT_UNITS_MAX, UnitToReceive
from libs.contracts.values import Code, Count, Kind, Percent, Quantity, Text


class Unexpected(StrEnum):
    """Why a delivery was not expected."""

    BEYOND_TOLERANCE = "beyond_tolerance"
    NEEDS_APPROVAL = "needs_approval"
    NOTHING_OPEN = "nothing_open"
    NO_ORDER = "no_order"


class RecordUnexpectedDelivery(Command):
    """Note goods that came without an order that is known, so that they are not lost.

    Hardware is told unit by unit, anything else as a quantity; `description` is what stands on it.
    """

    type: ClassVar[str] = "receiving.record_unexpected_delivery.v1"
    action: ClassVar[Action | None] = Action.TAKE_DELIVERY
    sku: Code | None = None
    description: Text
    vendor_name: Text | None = None
    delivery_note: Text | None = None
    units: Annotated[tuple[UnitToReceive, ...], Field(max_length=RECEIPT_UNITS_MAX)] = ()
    quantity: Quantity | None = None
    location: Code
    storage_space: Code

    @model_validator(mode="after")
    def says_how_many(self) -> "RecordUnexpectedDelivery":
        """Units or a quantity."""
        if bool(self.units) == (self.quantity is not None):
            raise ValueError("tell either units or a quantity")
        return self


class AttachUnexpectedDelivery(Command):
    """Take an unexpected delivery for an order line after all; this is also how what needed an approval gets it.

    Named by its id or number. No more is taken than the line has open or tolerates.
    """

    type: ClassVar[str] = "receiving.attach_unexpected_delivery.v1"
    action: ClassVar[Action | None] = Action.SETTLE_UNEXPECTED
    unexpected_id: UUID | None = None
    number: Code | None = None
    order_line_id: UUID

    @model_validator(mode="after")
    def names_one_delivery(self) -> "AttachUnexpectedDelivery":
        """Exactly one way to name it."""
        if (self.unexpected_id is None) == (self.number is None):
            raise ValueError("name it by either unexpected_id or number")
        return self


class ReturnUnexpectedDelivery(Command):
    """Send an unexpected delivery back; it never counted for any order. Named by its id or number."""

    type: ClassVar[str] = "receiving.return_unexpected_delivery.v1"
    action: ClassVar[Action | None] = Action.SETTLE_UNEXPECTED
    unexpected_id: UUID | None = None
    number: Code | None = None
    reason: Text
    rma: Text | None = None

    @model_validator(mode="after")
    def names_one_delivery(self) -> "ReturnUnexpectedDelivery":
        """Exactly one way to name it."""
        if (self.unexpected_id is None) == (self.number is None):
            raise ValueError("name it by either unexpected_id or number")
        return self


class UnexpectedDeliveryRecorded(Event):
    """Goods came that nobody expected, or more than was: somebody must attach them to an order, or return them."""

    type: ClassVar[str] = "receiving.unexpected_delivery_recorded.v1"
    subject: ClassVar[str] = "unexpected_id"
    unexpected_id: UUID
    number: str
    why: Unexpected
    order_id: UUID | None = None
    order_line_id: UUID | None = None
    shipment_id: UUID | None = None
    sku: str | None = None
    description: str
    quantity: Quantity
    recorded_by: str


class UnexpectedDeliverySettled(Event):
    """An unexpected delivery was attached to an order line, as this receipt, or returned."""

    type: ClassVar[str] = "receiving.unexpected_delivery_settled.v1"
    subject: ClassVar[str] = "unexpected_id"
    unexpected_id: UUID
    number: str
    outcome: Literal["attached", "returned"]
    order_line_id: UUID | None = None
    receipt_id: UUID | None = None
    settled_by: str


class DefineReceiptTolerance(Command):
    """How many percent more than is wanted of an order line may be accepted: of an item, of a vendor, or of all.

    The most particular one holds: the item's, else the vendor's, else that for all; shipped is none. Without `percent`
    it is taken back. With `needs_approval` the surplus waits as an unexpected delivery until somebody attaches it.
    """

    type: ClassVar[str] = "receiving.define_receipt_tolerance.v1"
    action: ClassVar[Action | None] = Action.MANAGE_RECEIPT_TOLERANCES
    sku: Code | None = None
    vendor_number: Code | None = None
    percent: Percent | None = None
    needs_approval: bool = False

    @model_validator(mode="after")
    def is_of_one_thing(self) -> "DefineReceiptTolerance":
        """Of an item, of a vendor, or of all."""
        if self.sku is not None and self.vendor_number is not None:
            raise ValueError("a tolerance is of an item or of a vendor")
        return self


class ReceiptToleranceChanged(Event):
    """How much more than is wanted may be accepted was changed."""

    type: ClassVar[str] = "receiving.receipt_tolerance_changed.v1"
    subject: ClassVar[str] = "tolerance_id"
    carries: ClassVar = "state"
    tolerance_id: UUID
    sku: str | None = None
    vendor_number: str | None = None
    percent: Percent | None = None
    needs_approval: bool


class DefineReceivingPolicy(Command):
    """How strict the dock is: one policy, defined as a whole.

    Of kinds in `full_delivery_only` a delivery is taken when it brings all that is open of its lines, in all its parts
    together; none by default. A shipment of which nothing is heard for `stale_after_days` is reported.
    """

    type: ClassVar[str] = "receiving.define_policy.v1"
    action: ClassVar[Action | None] = Action.MANAGE_RECEIVING_POLICY
    full_delivery_only: Annotated[
        tuple[Literal[Kind.HARDWARE, Kind.CONSUMABLE], ...], Field(max_length=2)
    ] = ()
    stale_after_days: Annotated[int, Field(ge=1, le=365)] = 14


class ReceivingPolicyChanged(Event):
    """The dock is stricter or less strict from now on."""

    type: ClassVar[str] = "receiving.policy_changed.v1"
    subject: ClassVar[str] = "policy_id"
    policy_id: UUID
    full_delivery_only: tuple[Kind, ...]
    stale_after_days: Count
    defined_by: str
