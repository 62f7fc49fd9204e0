"""What the purchasing service says and obeys: vendors, catalog and purchase orders."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, model_validator

from libs.contracts import message
from libs.contracts.message import Answered, Command, Event, Value
from libs.contracts.permissions import Action
from libs.contracts.values import (
    AssetCreation,
    Code,
    Count,
    Currency,
    Destination,
    ExchangeRate,
    Kind,
    LongText,
    Money,
    PersonId,
    Quantity,
    Text,
    UnitPrice,
)

CUSTOM_SKU_PREFIX = "CUSTOM-"
"""What is ordered though the catalog has no such item gets a SKU of its own that begins with this."""


class DefineVendor(Command):
    """Create a vendor, or change the one with this number."""

    type: ClassVar[str] = "purchasing.define_vendor.v1"
    action: ClassVar[Action | None] = Action.MANAGE_VENDORS
    number: Code
    name: Text
    currency: Currency
    lead_time_days: Annotated[int, Field(ge=0, le=3650)] = 0
    active: bool = True


class DefineCatalogItem(Command):
    """Create a catalog item, or change the one with this SKU. The vendor is the preferred one, at its agreed price."""

    type: ClassVar[str] = "purchasing.define_catalog_item.v1"
    action: ClassVar[Action | None] = Action.MANAGE_CATALOG
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


class DefineExchangeRate(Command):
    """From this day on, one unit of the currency is worth so many of the base currency."""

    type: ClassVar[str] = "purchasing.define_exchange_rate.v1"
    action: ClassVar[Action | None] = Action.MANAGE_CATALOG
    currency: Currency
    base: Currency
    rate: ExchangeRate
    valid_from: date

    @model_validator(mode="after")
    def is_between_two_currencies(self) -> "DefineExchangeRate":
        """A currency has no rate against itself."""
        if self.currency == self.base:
            raise ValueError("a rate is between two currencies")
        return self


class LineToOrder(Value):
    """One approved request line: what, how many, for whom, and the unit price that was approved.

    Without a SKU it is a custom item, told by name and kind, and the price is an estimate. A vendor that was named
    is the only one that was approved. Software runs from `starts_on` to `ends_on`, where these are given.
    """

    request_line_id: UUID
    sku: Code | None = None
    name: Text | None = None
    kind: Kind | None = None
    quantity: Quantity
    approved_unit_price: UnitPrice
    vendor_number: Code | None = None
    destination: Destination | None = None
    starts_on: date | None = None
    ends_on: date | None = None

    @model_validator(mode="after")
    def says_what(self) -> "LineToOrder":
        """What the catalog does not describe, the line does."""
        if self.sku is None and (self.name is None or self.kind is None):
            raise ValueError("a line without a SKU says name and kind")
        return self


class CreateOrder(Command):
    """Order what was approved: one command per request, split by purchasing into orders.

    Catalog lines are grouped by vendor (the named one, else the preferred) and submitted at once as long as all that
    is submitted for the request costs no more than was approved; an order that would cost more awaits approval.
    Custom lines become drafts, one per named vendor and one for those without, that wait for vendor and prices.
    Answered with `orders`: `order_id`, `requisition_number` and `status` of each.
    """

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
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    request_id: UUID
    reason: Annotated[LongText, Field(min_length=1)]


class CompletedLine(Value):
    """The price of one order line."""

    order_line_id: UUID
    unit_price: UnitPrice


class CompleteOrder(Command):
    """Set the vendor and prices of an order that was not submitted yet; what is not named stays as it is.

    One that awaits approval becomes a draft again: what was asked for it is void.
    """

    type: ClassVar[str] = "purchasing.complete_order.v1"
    subject: ClassVar[str] = "order_id"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    order_id: UUID
    vendor_number: Code | None = None
    currency: Currency
    lines: Annotated[tuple[CompletedLine, ...], Field(max_length=100)] = ()


class SubmitOrder(Command):
    """Place a drafted order: it has a vendor and every line a price.

    If it costs more than was approved for the request, or goes to another vendor than was named, it awaits approval.
    """

    type: ClassVar[str] = "purchasing.submit_order.v1"
    subject: ClassVar[str] = "order_id"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    order_id: UUID


class CancelOneOrder(Command):
    """Cancel what is still open of one order; the request's other orders stay."""

    type: ClassVar[str] = "purchasing.cancel_one_order.v1"
    subject: ClassVar[str] = "order_id"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    order_id: UUID
    reason: Annotated[LongText, Field(min_length=1)]


class ConfirmService(Command):
    """A service was rendered: so many units of the order line, or all that are open."""

    type: ClassVar[str] = "purchasing.confirm_service.v1"
    subject: ClassVar[str] = "order_id"
    action: ClassVar[Action | None] = Action.CONFIRM_SERVICES
    order_id: UUID
    order_line_id: UUID
    quantity: Quantity | None = None


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


class ExchangeRateChanged(Event):
    """A rate was set: from `valid_from` on, one unit of the currency is worth so many of the base currency."""

    type: ClassVar[str] = "purchasing.exchange_rate_changed.v1"
    subject: ClassVar[str] = "rate_id"
    carries: ClassVar = "state"
    rate_id: UUID
    currency: str
    base: str
    rate: ExchangeRate
    valid_from: date


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
    vendor_number: str | None = None
    unit_price: UnitPrice
    currency: str
    manufacturer: str | None = None
    model: str | None = None
    gtin: str | None = None
    warranty_months: int = 0
    active: bool


class DraftedLine(Value):
    """One line of an order that waits."""

    order_line_id: UUID
    request_line_id: UUID | None
    quantity: Quantity


class OrderDrafted(Event):
    """An order waits: as a draft for its vendor and prices, or for the approval of what it would cost.

    Said whenever that changes. `total` is what its priced lines cost; `order_revision` counts its changes.
    """

    type: ClassVar[str] = "purchasing.order_drafted.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    status: Literal["draft", "awaiting_approval"]
    order_revision: int = 1
    vendor_number: str | None = None
    total: Money
    lines: Annotated[tuple[DraftedLine, ...], Field(min_length=1, max_length=100)]


class SpendingQuestionDropped(Event):
    """What requests was asked about an order need not be decided any more: it was placed within what was approved,
    changed, or cancelled."""

    type: ClassVar[str] = "purchasing.spending_question_dropped.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID
    order_revision: int
    reason: str


class OrderedLine(Value):
    """One line of a submitted order. Software is available from `starts_on` (else at once) until `ends_on`."""

    order_line_id: UUID
    request_line_id: UUID | None
    sku: str
    name: str
    kind: Kind
    quantity: Quantity
    unit_price: UnitPrice
    asset_creation: AssetCreation
    warranty_months: int = 0
    destination: Destination | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class OrderSubmitted(Event):
    """The order went to its vendor; from now on its goods are expected. Its software counts as delivered."""

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
    """What was still open of the order will not come, and its software is given back, but for what is in use.

    An order that was never submitted was not expected by anybody but the request.
    """

    type: ClassVar[str] = "purchasing.order_cancelled.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    reason: str
    was_submitted: bool = True
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


class ServiceConfirmed(Event):
    """A service was rendered: so many units of an order line of this kind are done."""

    type: ClassVar[str] = "purchasing.service_confirmed.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    order_line_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    quantity: Quantity
    confirmed_by: str


class SurplusFound(Event):
    """More is here than was ordered less cancelled: a receipt that was made before the dock heard of a cancellation."""

    type: ClassVar[str] = "purchasing.surplus_found.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    order_line_id: UUID
    over: Count


class AnnounceAll(message.AnnounceAll):
    """Say every vendor, catalog item and exchange rate again into the asker's bulk queue."""

    type: ClassVar[str] = "purchasing.announce_all.v1"


class CommandAnswered(Answered):
    """How a command given to purchasing ended."""

    type: ClassVar[str] = "purchasing.command_answered.v1"
