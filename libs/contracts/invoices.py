"""What the purchasing service says and obeys about invoices: recording, matching, what differs, who accepts it."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, model_validator

from libs.contracts.message import Command, Event, Value
from libs.contracts.permissions import Action
from libs.contracts.values import (
    Amount,
    Code,
    Currency,
    LongText,
    Money,
    Percent,
    PositiveAmount,
    Quantity,
    Text,
    UnitPrice,
)

INVOICE_LINES_MAX = 500
ORDERS_PER_INVOICE_MAX = 50
DIFFERENCES_SAID_MAX = 400


class Difference(StrEnum):
    """In what an invoice differs from its order and what was received; each has its own tolerance."""

    TOTAL = "total"
    LINE_QUANTITY = "line_quantity"
    LINE_PRICE = "line_price"
    TAX = "tax"
    FREIGHT = "freight"
    CURRENCY = "currency"
    OVER_INVOICED = "over_invoiced"
    INVOICED_NOT_RECEIVED = "invoiced_not_received"
    RECEIVED_NOT_INVOICED = "received_not_invoiced"
    UNKNOWN_LINE = "unknown_line"


class InvoicedOrder(Value):
    """An order that an invoice pays, named in one of three ways, and how much of the net total is for it.

    The amount may be left out where it is the only one.
    """

    order_id: UUID | None = None
    requisition_number: Code | None = None
    purchase_order_number: Code | None = None
    net: PositiveAmount | None = None

    @model_validator(mode="after")
    def names_one_order(self) -> "InvoicedOrder":
        """Exactly one way to name the order."""
        if [self.order_id, self.requisition_number, self.purchase_order_number].count(None) != 2:
            raise ValueError("name the order by one of order_id, requisition_number, purchase_order_number")
        return self


class InvoiceLine(Value):
    """One line as the vendor wrote it. `order` is the index of its order in `orders`.

    The order line is named by its id, its position on the order, or its SKU; what names none is an unknown line.
    `net` is quantity × unit price, rounded, unless the vendor says otherwise.
    """

    order: Annotated[int, Field(ge=0, lt=ORDERS_PER_INVOICE_MAX)] = 0
    order_line_id: UUID | None = None
    position: Annotated[int, Field(ge=1, le=1_000)] | None = None
    sku: Code | None = None
    description: Text | None = None
    quantity: Quantity
    unit_price: UnitPrice
    net: PositiveAmount | None = None
    tax_percent: Percent | None = None


class RecordInvoice(Command):
    """Record an invoice or a credit note of a vendor, as it was sent, with lines or only a total.

    Its number is unique per vendor, as it is written: `r-1` and `R-1` are two invoices. The same content again is a
    duplicate, other content under the number is refused. Amounts are positive on both; a credit note takes back, and
    names the invoice it `corrects` if it is about one. `net`, `tax` and `gross` agree to the cent, and so do lines and
    freight with `net`. Where it pays several orders each says its amount.
    """

    type: ClassVar[str] = "purchasing.record_invoice.v1"
    action: ClassVar[Action | None] = Action.RECORD_INVOICES
    vendor_number: Code
    number: Text
    kind: Literal["invoice", "credit_note"] = "invoice"
    corrects: Text | None = None
    invoiced_on: date
    due_on: date | None = None
    currency: Currency
    net: PositiveAmount
    tax: PositiveAmount = Decimal(0)
    gross: PositiveAmount
    freight: PositiveAmount = Decimal(0)
    orders: Annotated[tuple[InvoicedOrder, ...], Field(min_length=1, max_length=ORDERS_PER_INVOICE_MAX)]
    lines: Annotated[tuple[InvoiceLine, ...], Field(max_length=INVOICE_LINES_MAX)] = ()


class MatchInvoices(Command):
    """Compare the invoices of an order with it again: something of it was received, went back, or was changed."""

    type: ClassVar[str] = "purchasing.match_invoices.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID


class MatchRecordedInvoices(Command):
    """Match all invoices again that wait for a person, because what is tolerated or what a currency is worth was
    changed. `walk` numbers the walk through all of them; it goes on `after` an invoice, to those that it is about:
    of these `vendors` ("*" stands for all), or, if `unrated`, those whose worth was not known.
    """

    type: ClassVar[str] = "purchasing.match_recorded_invoices.v1"
    walk: int
    vendors: tuple[str, ...] = ()
    unrated: bool = False
    after: UUID | None = None


class InvoiceCommand(Command):
    """Something to do with an invoice, named by its id or by its vendor and number."""

    subject: ClassVar[str] = "invoice_id"
    action: ClassVar[Action | None] = Action.SETTLE_INVOICES
    invoice_id: UUID | None = None
    vendor_number: Code | None = None
    number: Text | None = None

    @model_validator(mode="after")
    def names_one_invoice(self) -> "InvoiceCommand":
        """By its id, or by vendor and number together."""
        named = (self.invoice_id is None, self.vendor_number is None, self.number is None)
        if named not in ((False, True, True), (True, False, False)):
            raise ValueError("name the invoice by invoice_id, or by vendor_number and number")
        return self


class AcceptInvoice(InvoiceCommand):
    """Pay it in spite of what differs. Who received the goods does not accept it, unless the policy allows that."""

    type: ClassVar[str] = "purchasing.accept_invoice.v1"
    reason: Annotated[LongText, Field(min_length=1)]


class DisputeInvoice(InvoiceCommand):
    """Do not pay it: the vendor is asked."""

    type: ClassVar[str] = "purchasing.dispute_invoice.v1"
    reason: Annotated[LongText, Field(min_length=1)]


class ResolveInvoice(InvoiceCommand):
    """The dispute is over; it is matched again as things are now."""

    type: ClassVar[str] = "purchasing.resolve_invoice.v1"
    resolution: Annotated[LongText, Field(min_length=1)]


class DefineTolerance(Command):
    """From how much on a difference needs a person: beyond `percent` or beyond `amount`, whichever is less.

    `amount` is in the order's currency, or in units where quantities are compared. It holds for one item, else one
    vendor, else for all; the most particular one counts. With neither bound it is taken back; shipped is nothing: any
    difference needs a person. It never decides whether a difference is shown. Invoices that wait for a person are
    matched again with it, some seconds later; what matched is not looked at again for its sake.
    """

    type: ClassVar[str] = "purchasing.define_tolerance.v1"
    action: ClassVar[Action | None] = Action.MANAGE_TOLERANCES
    difference: Difference
    sku: Code | None = None
    vendor_number: Code | None = None
    percent: Percent | None = None
    amount: PositiveAmount | None = None

    @model_validator(mode="after")
    def holds_for_one(self) -> "DefineTolerance":
        """For an item or for a vendor, not for both."""
        if self.sku and self.vendor_number:
            raise ValueError("a tolerance is for an item or for a vendor")
        return self


class ToleranceChanged(Event):
    """From how much on a difference needs a person was changed."""

    type: ClassVar[str] = "purchasing.tolerance_changed.v1"
    subject: ClassVar[str] = "tolerance_id"
    carries: ClassVar = "state"
    tolerance_id: UUID
    difference: Difference
    sku: str | None = None
    vendor_number: str | None = None
    percent: Percent | None = None
    amount: Amount | None = None


# Facts


class BilledLine(Value):
    """How much of an order line an invoice bills; negative on a credit note."""

    order_line_id: UUID
    quantity: int


class BilledOrder(Value):
    """How much of an invoice is for an order, net of tax; negative on a credit note."""

    order_id: UUID
    requisition_number: str
    net: Amount
    lines: tuple[BilledLine, ...] = ()


class InvoiceFact(Event):
    """Something about an invoice."""

    subject: ClassVar[str] = "invoice_id"
    invoice_id: UUID
    vendor_number: str
    number: str


class InvoiceRecorded(InvoiceFact):
    """A vendor sent an invoice or a credit note."""

    type: ClassVar[str] = "purchasing.invoice_recorded.v1"
    kind: Literal["invoice", "credit_note"]
    invoiced_on: date
    net: Money
    gross: Money
    orders: tuple[BilledOrder, ...]


class DifferenceFound(Value):
    """One thing that differs: what the order or the dock says, and what the invoice says.

    It is `pending` while more is to come or to be billed: then nobody must act.
    """

    difference: Difference
    order_id: UUID
    order_line_id: UUID | None = None
    invoice_line: int | None = None
    expected: str
    invoiced: str
    within_tolerance: bool
    pending: bool = False


class InvoiceDifferenceFound(InvoiceFact):
    """An invoice differs from its order, or from what was received, in more than it did when this was last said.

    These are the differences there are now; a person must act where one is not within its tolerance. Of very many those
    come first, and so many are `left_out`: the invoice itself shows them all.
    """

    type: ClassVar[str] = "purchasing.invoice_difference_found.v1"
    differences: tuple[DifferenceFound, ...]
    left_out: int = 0


class InvoiceMatched(InvoiceFact):
    """Nothing of an invoice differs by more than is tolerated: it can be paid."""

    type: ClassVar[str] = "purchasing.invoice_matched.v1"
    gross: Money


class InvoiceAccepted(InvoiceFact):
    """Somebody accepted what differs: it can be paid."""

    type: ClassVar[str] = "purchasing.invoice_accepted.v1"
    accepted_by: str
    reason: str
    gross: Money


class InvoiceDisputed(InvoiceFact):
    """It is not paid: the vendor is asked."""

    type: ClassVar[str] = "purchasing.invoice_disputed.v1"
    disputed_by: str
    reason: str


class InvoiceDisputeResolved(InvoiceFact):
    """The dispute about an invoice is over."""

    type: ClassVar[str] = "purchasing.invoice_dispute_resolved.v1"
    resolved_by: str
    resolution: str
