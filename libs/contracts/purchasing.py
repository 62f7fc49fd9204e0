"""What the purchasing service says and obeys: vendors, catalog and purchase orders."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from libs.contracts import message
from libs.contracts.message import Answered, Command, Event, Value
from libs.contracts.values import (
    AssetCreation,
    Code,
    Count,
    Currency,
    Kind,
    LongText,
    Money,
    PersonId,
    Quantity,
    Text,
    UnitPrice,
)


class DefineVendor(Command):
    """Create a vendor, or change the one with this number."""

    type: ClassVar[str] = "purchasing.define_vendor.v1"
    open_to_integrations: ClassVar[bool] = True
    number: Code
    name: Text
    currency: Currency
    lead_time_days: Annotated[int, Field(ge=0, le=3650)] = 0
    active: bool = True


class DefineCatalogItem(Command):
    """Create a catalog item, or change the one with this SKU. The vendor is the preferred one, at its agreed price."""

    type: ClassVar[str] = "purchasing.define_catalog_item.v1"
    open_to_integrations: ClassVar[bool] = True
    sku: Code
    name: Text
    kind: Kind
    vendor_number: Code
    unit_price: UnitPrice
    currency: Currency
    manufacturer: Text | None = None
    model: Text | None = None
    gtin: Annotated[str, Field(pattern=r"^[0-9]{8,14}$")] | None = None
    warranty_months: Annotated[int, Field(ge=0, le=240)] = 0
    asset_creation: AssetCreation = AssetCreation.ON_SUBMISSION
    active: bool = True


class LineToOrder(Value):
    """One approved request line: what, how many, and the unit price that was approved."""

    request_line_id: UUID
    sku: Code
    quantity: Quantity
    approved_unit_price: UnitPrice


class CreateOrder(Command):
    """Order what was approved: one command per request, split by purchasing into one order per preferred vendor."""

    type: ClassVar[str] = "purchasing.create_order.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    request_number: Text
    requester: PersonId
    deliver_to: Code
    approved_total: Money
    lines: Annotated[tuple[LineToOrder, ...], Field(min_length=1, max_length=100)]


class CancelOrder(Command):
    """Cancel what is still open of all orders of a request, even when this overtakes the command to create them."""

    type: ClassVar[str] = "purchasing.cancel_order.v1"
    subject: ClassVar[str] = "request_id"
    open_to_integrations: ClassVar[bool] = True
    request_id: UUID
    reason: Annotated[LongText, Field(min_length=1)]


class VendorChanged(Event):
    """A vendor was created or changed; this is all of it."""

    type: ClassVar[str] = "purchasing.vendor_changed.v1"
    subject: ClassVar[str] = "vendor_id"
    carries: ClassVar = "state"
    vendor_id: UUID
    number: str
    name: str
    currency: str
    active: bool


class CatalogItemChanged(Event):
    """A catalog item was created or changed; this is all of it."""

    type: ClassVar[str] = "purchasing.catalog_item_changed.v1"
    subject: ClassVar[str] = "item_id"
    carries: ClassVar = "state"
    item_id: UUID
    sku: str
    name: str
    kind: Kind
    vendor_id: UUID
    unit_price: UnitPrice
    currency: str
    manufacturer: str | None = None
    model: str | None = None
    gtin: str | None = None
    warranty_months: int = 0
    active: bool


class OrderedLine(Value):
    """One line of a submitted order."""

    order_line_id: UUID
    request_line_id: UUID | None
    sku: str
    name: str
    kind: Kind
    quantity: Quantity
    unit_price: UnitPrice
    asset_creation: AssetCreation
    warranty_months: int = 0


class OrderSubmitted(Event):
    """The order went to its vendor; from now on its goods are expected."""

    type: ClassVar[str] = "purchasing.order_submitted.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    vendor_id: UUID
    vendor_name: str
    deliver_to: str
    total: Money
    lines: Annotated[tuple[OrderedLine, ...], Field(min_length=1, max_length=100)]


class CancelledLine(Value):
    """How many units of one order line will not come: the line's `cancelled` figure after the change."""

    order_line_id: UUID
    request_line_id: UUID | None = None
    cancelled: Count


class OrderCancelled(Event):
    """What was still open of the order will not come."""

    type: ClassVar[str] = "purchasing.order_cancelled.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    reason: str
    lines: tuple[CancelledLine, ...]


class OrderPartiallyReceived(Event):
    """The first of what was ordered has arrived; the rest is still owed to us."""

    type: ClassVar[str] = "purchasing.order_partially_received.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None


class OrderReceived(Event):
    """Everything ordered has arrived or was cancelled; nothing more is owed to us."""

    type: ClassVar[str] = "purchasing.order_received.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None


class SurplusFound(Event):
    """More is here than was ordered less cancelled: a receipt that was made before the dock heard of a cancellation."""

    type: ClassVar[str] = "purchasing.surplus_found.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    order_line_id: UUID
    over: Count


class AnnounceAll(message.AnnounceAll):
    """Say every catalog item again into the asker's bulk queue."""

    type: ClassVar[str] = "purchasing.announce_all.v1"


class CommandAnswered(Answered):
    """How a command given to purchasing ended."""

    type: ClassVar[str] = "purchasing.command_answered.v1"
