"""What purchasing is told to order for requests, and what it says about orders; its other words stand in `catalog`,
`orders` and `invoices`."""

from datetime import date
from decimal import Decimal
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
    Kind,
    LongText,
    Money,
    Percent,
    PersonId,
    Quantity,
    Text,
    UnitPrice,
)

CUSTOM_SKU_PREFIX = "CUSTOM-"
"""What is ordered though the catalog has no such item gets a SKU of its own that begins with this."""


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


class DraftedLine(Value):
    """One line of an order that waits."""

    order_line_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None
    quantity: Quantity


class OrderDrafted(Event):
    """An order waits: as a draft for its vendor and prices, or for the approval of what it would cost.

    Said whenever that changes. `total` is what its priced lines cost; `order_revision` counts its changes.
    An order can serve several requests: then `request_id` is empty, and each line says which one it is for.
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
    changed, or cancelled. Without a request it is the order's own approval that nobody need decide on."""

    type: ClassVar[str] = "purchasing.spending_question_dropped.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    order_revision: int
    reason: str


class OrderedLine(Value):
    """One line of a submitted order. Software is available from `starts_on` (else at once) until `ends_on`.

    A line serves one request line, of `request_id`, or none. `units_made` is the highest unit number it ever had:
    units 1 to `quantity` at first; those that an amendment adds get new numbers.
    """

    order_line_id: UUID
    request_id: UUID | None = None
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
    metric: str | None = None
    expected_on: date | None = None


class OrderSubmitted(Event):
    """The order went to its vendor; from now on its goods are expected. Its software counts as delivered.

    `total` is what its lines cost, net; `expected_cost` is that with freight and tax. It may serve several requests:
    then `request_id` is empty, and each line says which one it is for.
    """

    type: ClassVar[str] = "purchasing.order_submitted.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    purchase_order_number: str | None = None
    order_revision: int = 1
    request_id: UUID | None
    vendor_id: UUID
    vendor_number: str | None = None
    vendor_name: str
    deliver_to: str
    total: Money
    expected_cost: Money | None = None
    lines: Annotated[tuple[OrderedLine, ...], Field(min_length=1, max_length=100)]


class OrderChange(Value):
    """One thing that an amendment changed, of the order or of one of its lines, as people would write it."""

    what: str
    order_line_id: UUID | None = None
    before: str | None
    after: str | None


class AmendedLine(Value):
    """A line of an order as it stands since an amendment.

    `quantity` is what is ordered now; `units_made` the highest unit number it ever had. When it went down the
    highest-numbered open units are ordered no longer; numbers are never used again. `asked` is how many units somebody
    had wanted cancelled when it was amended.
    """

    order_line_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None = None
    quantity_before: Quantity
    quantity: Quantity
    units_made: Annotated[int, Field(ge=1)]
    asked: Count = 0
    unit_price: UnitPrice
    expected_on: date | None = None


class OrderAmended(Event):
    """A submitted order was changed: `lines` are those that stand otherwise now, `added` are new.

    `amendment` counts from 1; an amendment is to be taken after the one before.
    """

    type: ClassVar[str] = "purchasing.order_amended.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    purchase_order_number: str | None = None
    request_id: UUID | None
    amendment: Annotated[int, Field(ge=1)]
    order_revision: int
    vendor_id: UUID
    vendor_name: str
    amended_by: str
    reason: str = ""
    total: Money
    expected_cost: Money
    changes: tuple[OrderChange, ...]
    lines: tuple[AmendedLine, ...] = ()
    added: tuple[OrderedLine, ...] = ()


class CancelledLine(Value):
    """How many units of one order line will not come: the line's `cancelled` figure after the change.

    `asked` is how many somebody wanted cancelled by now, of which those that arrive all the same are not.
    """

    order_line_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None = None
    cancelled: Count
    asked: Count | None = None


class OrderCancelled(Event):
    """What was still open of the order, or of these lines, will not come; software goes back but for what is in use.

    `whole`: nothing of the order is left. `amendment` is the last one before. Unsubmitted, only its request expects it.
    """

    type: ClassVar[str] = "purchasing.order_cancelled.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    reason: str
    was_submitted: bool = True
    whole: bool = True
    amendment: int = 0
    lines: tuple[CancelledLine, ...]


class OrderPartiallyReceived(Event):
    """The first of what was ordered has arrived; the rest is still owed to us. `request_ids` are those it serves."""

    type: ClassVar[str] = "purchasing.order_partially_received.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    request_ids: tuple[UUID, ...] = ()


class OrderReceived(Event):
    """Everything ordered has arrived or was cancelled; nothing more is owed to us. It serves `request_ids`."""

    type: ClassVar[str] = "purchasing.order_received.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    request_ids: tuple[UUID, ...] = ()


class OrderClosed(Event):
    """An order is done with: all of it is here or cancelled, and invoiced, where invoices are used. `short` tells that
    somebody closed it with some of it missing."""

    type: ClassVar[str] = "purchasing.order_closed.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    short: bool
    reason: str = ""


class AnnouncedLine(OrderedLine):
    """One line of an open order with its figures by now."""

    units_made: Annotated[int, Field(ge=1)]
    asked: Count = 0
    kept: Count = 0


class OrderAnnounced(Event):
    """An open order as it stands: said again to whoever asks for copies."""

    type: ClassVar[str] = "purchasing.order_announced.v1"
    subject: ClassVar[str] = "order_id"
    carries: ClassVar = "state"
    order_id: UUID
    requisition_number: str
    purchase_order_number: str | None = None
    order_revision: int
    amendment: int = 0
    request_id: UUID | None
    status: str
    vendor_id: UUID
    vendor_number: str
    vendor_name: str
    deliver_to: str
    total: Money
    lines: Annotated[tuple[AnnouncedLine, ...], Field(min_length=1)]


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


class DefinePurchasingPolicy(Command):
    """How this company buys; all of it at once.

    `uses_invoices`: an order is closed when it is received and invoiced, else when it is received.
    `submits_by_itself`: catalog lines of approved requests are placed without a person.
    `approve_orders_from`: orders that cost as much (net with freight) need an approval of their own; none by default.
    `spending_tolerance`: by how many percent of what was approved orders may cost more without asking.
    `separates_duties`: who received goods does not accept a difference of their invoice.
    `company`, `address`, `terms` stand on order documents.
    """

    type: ClassVar[str] = "purchasing.define_policy.v1"
    action: ClassVar[Action | None] = Action.MANAGE_PURCHASING_POLICY
    uses_invoices: bool = True
    submits_by_itself: bool = True
    approve_orders_from: Money | None = None
    spending_tolerance: Percent = Decimal(0)
    separates_duties: bool = True
    base_currency: Currency = "EUR"
    company: Text | None = None
    address: LongText = ""
    terms: LongText = ""


class PurchasingPolicyChanged(Event):
    """How this company buys was changed."""

    type: ClassVar[str] = "purchasing.policy_changed.v1"
    subject: ClassVar[str] = "policy_id"
    policy_id: UUID
    defined_by: str


class OrderReopened(Event):
    """Of an order that had been received, or closed, something is to come again: it was taken back or sent back."""

    type: ClassVar[str] = "purchasing.order_reopened.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_ids: tuple[UUID, ...] = ()


class AnnounceAll(message.AnnounceAll):
    """Say every vendor, catalog item, exchange rate and open order again into the asker's bulk queue."""

    type: ClassVar[str] = "purchasing.announce_all.v1"
    action: ClassVar[Action | None] = Action.COPY_PURCHASING


class CommandAnswered(Answered):
    """How a command given to purchasing ended."""

    type: ClassVar[str] = "purchasing.command_answered.v1"
