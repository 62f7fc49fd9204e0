"""What people and other systems may do with purchase orders: draft, combine, complete, submit, amend, cancel, close."""

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, model_validator

from libs.contracts.message import Command, Event, Value
from libs.contracts.permissions import Action
from libs.contracts.purchasing import OrderChange
from libs.contracts.values import (
    AssetCreation,
    Code,
    Currency,
    Destination,
    Kind,
    LongText,
    Money,
    Percent,
    PositiveAmount,
    Quantity,
    Text,
    UnitPrice,
)

LINES_MAX = 100
ORDERS_COMBINED_MAX = 20
Reason = Annotated[LongText, Field(min_length=1)]


class Contract(Value):
    """The framework contract a line is bought under: a reference only."""

    number: Text
    vendor: Text | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class LineToDraft(Value):
    """One line of a draft: so many of a catalog item, or of something told by name and kind.

    Where a price is not given it is the vendor's agreed price of the day; another price than that, or a vendor who is
    not approved for the item, needs a `price_reason`. Without an expected day it is the vendor's lead time from the
    submission on. A bundle becomes a line for each of its components.
    """

    sku: Code | None = None
    name: Text | None = None
    kind: Kind | None = None
    quantity: Quantity
    unit_price: UnitPrice | None = None
    price_reason: Text | None = None
    tax_percent: Percent = Decimal(0)
    asset_creation: AssetCreation | None = None
    destination: Destination | None = None
    expected_on: date | None = None
    contract: Contract | None = None
    starts_on: date | None = None
    ends_on: date | None = None

    @model_validator(mode="after")
    def says_what(self) -> "LineToDraft":
        """What the catalog does not describe, the line does."""
        if self.sku is None and (self.name is None or self.kind is None):
            raise ValueError("a line without a SKU says name and kind")
        return self


class DraftOrder(Command):
    """Draft an order without a request. Answered with its id, requisition number, status and revision."""

    type: ClassVar[str] = "purchasing.draft_order.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    name: Text | None = None
    purchase_order_number: Code | None = None
    vendor_number: Code | None = None
    currency: Currency
    deliver_to: Code
    payment_terms: Text | None = None
    freight: PositiveAmount = Decimal(0)
    lines: Annotated[tuple[LineToDraft, ...], Field(min_length=1, max_length=LINES_MAX)]


class OrderCommand(Command):
    """Something to do with an order, named by exactly one of its id, requisition number and purchase-order number.

    One that is not known yet is waited for by queue, ten minutes.
    """

    subject: ClassVar[str] = "order_id"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    order_id: UUID | None = None
    requisition_number: Code | None = None
    purchase_order_number: Code | None = None

    @model_validator(mode="after")
    def names_one_order(self) -> "OrderCommand":
        """Exactly one way to name the order."""
        if [self.order_id, self.requisition_number, self.purchase_order_number].count(None) != 2:
            raise ValueError("name the order by one of order_id, requisition_number, purchase_order_number")
        return self

    @property
    def named(self) -> str:
        """What the order was called."""
        return str(self.order_id or self.requisition_number or self.purchase_order_number)


class CompletedLine(Value):
    """The price of one order line, and why it is another than the vendor's agreed one, if it is."""

    order_line_id: UUID
    unit_price: UnitPrice
    price_reason: Text | None = None


class CompleteOrder(OrderCommand):
    """Set the vendor and prices of an order that was not submitted yet; what is not named stays as it is.

    One that awaits approval becomes a draft again: what was asked for it is void.
    """

    type: ClassVar[str] = "purchasing.complete_order.v1"
    vendor_number: Code | None = None
    currency: Currency
    lines: Annotated[tuple[CompletedLine, ...], Field(max_length=LINES_MAX)] = ()


class ChangedLine(Value):
    """What of a line becomes different; what is not named stays as it is.

    Of a submitted order a quantity goes up or down, but not below what arrived, was invoiced or was cancelled.
    """

    order_line_id: UUID
    quantity: Quantity | None = None
    unit_price: UnitPrice | None = None
    price_reason: Text | None = None
    tax_percent: Percent | None = None
    asset_creation: AssetCreation | None = None
    destination: Destination | None = None
    expected_on: date | None = None
    contract: Contract | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class Amendment(Value):
    """What is to be different about an order; what is not named stays as it is."""

    reason: LongText = ""
    name: Text | None = None
    new_purchase_order_number: Code | None = None
    vendor_number: Code | None = None
    currency: Currency | None = None
    deliver_to: Code | None = None
    payment_terms: Text | None = None
    freight: PositiveAmount | None = None
    lines: Annotated[tuple[ChangedLine, ...], Field(max_length=LINES_MAX)] = ()
    add: Annotated[tuple[LineToDraft, ...], Field(max_length=LINES_MAX)] = ()
    remove: Annotated[tuple[UUID, ...], Field(max_length=LINES_MAX)] = ()


class AmendOrder(OrderCommand, Amendment):
    """Change an order: another revision, with what was different before. What is not named stays as it is.

    A draft may lose lines and change its vendor, its currency and all of its lines. Of a submitted order name, numbers,
    terms, freight, quantities, prices, tax, expected days and contracts can change and lines be added; what would make
    it cost more than was approved waits for approval first. `expected_revision` is the one its sender has seen. The
    purchase-order number it gets is `new_purchase_order_number`.
    """

    type: ClassVar[str] = "purchasing.amend_order.v1"
    expected_revision: Annotated[int, Field(ge=1)] | None = None


class MovedLine(Value):
    """So many units of a draft's line, or all of them."""

    order_line_id: UUID
    quantity: Quantity | None = None


class SplitOrder(OrderCommand):
    """Move lines, or some units of them, from a draft into a draft of its own, for instance for another vendor.

    Its units still belong to the request lines they were ordered for. For another vendor it gets that vendor's payment
    terms, unless others are said.
    """

    type: ClassVar[str] = "purchasing.split_order.v1"
    lines: Annotated[tuple[MovedLine, ...], Field(min_length=1, max_length=LINES_MAX)]
    vendor_number: Code | None = None
    payment_terms: Text | None = None


class CombineOrders(Command):
    """Put the lines of several drafts, of whatever requests, into the first of them.

    They are for one place, in one currency, and name the same vendor or none.
    """

    type: ClassVar[str] = "purchasing.combine_orders.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    order_ids: Annotated[tuple[UUID, ...], Field(min_length=2, max_length=ORDERS_COMBINED_MAX)]


class SubmitOrder(OrderCommand):
    """Place a drafted order: it has an active vendor and every line a price.

    If it costs more than was approved for a request it serves, or goes to another vendor than was named, or reaches the
    amount from which orders themselves are approved, it awaits approval.
    """

    type: ClassVar[str] = "purchasing.submit_order.v1"


class RecallOrder(OrderCommand):
    """Let an order that awaits approval wait for it no longer: it is a draft again, and what was asked is void."""

    type: ClassVar[str] = "purchasing.recall_order.v1"


class CancelOneOrder(OrderCommand):
    """Cancel what is still open of one order, or of some of its lines; the request's other orders stay."""

    type: ClassVar[str] = "purchasing.cancel_one_order.v1"
    reason: Reason
    lines: Annotated[tuple[UUID, ...], Field(max_length=LINES_MAX)] = ()


class CloseOrder(OrderCommand):
    """Nothing more is wanted of an order of which some has arrived: what is open is cancelled, and it is closed."""

    type: ClassVar[str] = "purchasing.close_order.v1"
    reason: Reason


class ConfirmService(OrderCommand):
    """A service was rendered: so many units of the order line, or all that are open."""

    type: ClassVar[str] = "purchasing.confirm_service.v1"
    action: ClassVar[Action | None] = Action.CONFIRM_SERVICES
    order_line_id: UUID
    quantity: Quantity | None = None


class AmendmentAwaited(Event):
    """A submitted order is to be changed, which would cost more than was approved: it waits for those who were asked.

    `order_revision` is the one it would make, `total` and `expected_cost` what the order would come to.
    """

    type: ClassVar[str] = "purchasing.amendment_awaited.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_ids: tuple[UUID, ...] = ()
    order_revision: int
    amended_by: str
    reason: str = ""
    total: Money
    expected_cost: Money
    changes: tuple[OrderChange, ...]


class AmendmentRefused(Event):
    """A change of a submitted order that waited for approval is not made: somebody said no, or it cannot be made."""

    type: ClassVar[str] = "purchasing.amendment_refused.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: str
    request_ids: tuple[UUID, ...] = ()
    order_revision: int
    reason: str
