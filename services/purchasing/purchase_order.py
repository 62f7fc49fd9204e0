"""Purchase orders: what is bought from one vendor, from its draft until nothing is owed to us any more.

A command sets only what was ordered and what was asked to be cancelled; what arrived is counted from the dock's facts,
services as they are confirmed, and the order's status is a function of its lines' numbers. What happens to orders is
told in modules named after it: `draft`, `combining`, `submission`, `spending`, `counting`, `cancellation`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Cause, Key, Keys, Many, Record, Records, Rejection, Via
from libs.contracts.orders import Contract, OrderCommand
from libs.contracts.values import (
    AssetCreation,
    Destination,
    DestinationKind,
    Kind,
    derived_id,
    line_total,
)

TOTAL_MAX = Decimal("999999999999999")
"""The largest amount there is, in whatever minor unit."""

WORDS_MAX = 10_000
"""So many characters of an order are searched."""


class Status(StrEnum):
    """Where an order stands."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    SUBMITTED = "submitted"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    CLOSED = "closed"
    CANCELLED = "cancelled"


# A cancelled order becomes received when goods turn up that the dock took before it heard of it; a received one is
# cancelled when all it brought was software, which can be given back, or goods that were sent back for credit. What
# was taken back or sent back for replacement is to come again, also of an order that was closed.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.AWAITING_APPROVAL, Status.SUBMITTED, Status.CANCELLED}),
    Status.AWAITING_APPROVAL: frozenset({Status.DRAFT, Status.SUBMITTED, Status.CANCELLED}),
    Status.SUBMITTED: frozenset({Status.PARTIALLY_RECEIVED, Status.RECEIVED, Status.CANCELLED}),
    Status.PARTIALLY_RECEIVED: frozenset({Status.SUBMITTED, Status.RECEIVED, Status.CANCELLED}),
    Status.RECEIVED: frozenset(
        {Status.SUBMITTED, Status.PARTIALLY_RECEIVED, Status.CLOSED, Status.CANCELLED}
    ),
    Status.CLOSED: frozenset({Status.SUBMITTED, Status.PARTIALLY_RECEIVED, Status.CANCELLED}),
    Status.CANCELLED: frozenset({Status.RECEIVED}),
}

ORDER_NAMES = ("order_id", "requisition_number", "purchase_order_number")

UNSUBMITTED = frozenset({Status.DRAFT, Status.AWAITING_APPROVAL})


@dataclass(frozen=True, kw_only=True)
class PurchaseOrder(Record):
    """What is bought from one vendor, for one request, for several, or for none. A draft may have no vendor yet.

    `requests` are all that its lines serve; `request_id` is empty unless all of them serve the same one. `items` are
    the catalog items on a draft, `changed_by` those who changed it. `revision` counts what approvers can see change:
    vendor, prices, and how often they were asked. While it awaits approval, or an amendment of it does, `awaits` holds
    the ids of the requests whose approvers have not said yes and its own id for the approval that orders of its size
    need; `granted` those that have, `asked_total` what they were asked for. `amendments` counts changes since its
    submission. `total` is what its lines cost, net; `expected_cost` is that with freight and tax; `rate` is what its
    currency was worth in `base_currency` when it was submitted, if that was known; `expected_on` the last day on which
    a line was expected then. `short` tells that somebody closed it though not all of it was here. `receivers` took
    goods of it; the invoiced figures count credits as negative.
    """

    TRANSITIONS: ClassVar = TRANSITIONS

    ordinal: int
    requisition_number: str
    purchase_order_number: str | None = None
    name: str | None = None
    status: Status = Status.DRAFT
    status_since: datetime
    revision: int = 1
    amendments: int = 0
    request_id: UUID | None
    requests: tuple[UUID, ...] = ()
    items: tuple[UUID, ...] = ()
    request_number: str | None = None
    requester: str | None = None
    drafted_by: str = ""
    changed_by: tuple[str, ...] = ()
    submitted_by: str | None = None
    vendor_id: UUID | None
    vendor_number: str | None
    vendor_name: str | None
    deliver_to: str
    currency: str
    payment_terms: str | None = None
    freight: Decimal = Decimal(0)
    total: Decimal
    tax: Decimal = Decimal(0)
    expected_cost: Decimal = Decimal(0)
    rate: Decimal | None = None
    base_currency: str | None = None
    awaits: tuple[UUID, ...] = ()
    granted: tuple[UUID, ...] = ()
    asked_total: Decimal | None = None
    submitted_at: datetime | None = None
    expected_on: date | None = None
    closed_at: datetime | None = None
    short: bool = False
    receivers: tuple[str, ...] = ()
    invoices: tuple[UUID, ...] = ()
    invoiced_net: Decimal = Decimal(0)
    invoiced_beside_lines: Decimal = Decimal(0)
    invoiced_freight: Decimal = Decimal(0)
    invoiced_gross: Decimal = Decimal(0)
    differs: bool = False
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class OrderLine(Record):
    """So many of one item for one request line or none, at the price and version the catalog had; a custom item has
    neither until it is completed.

    `offered_price` is what the catalog said when the line was made; another one has a `price_reason`. `bundle` is the
    SKU that it is a component of. `units_made` is the highest unit number it ever had. `accepted` and `rejected` count
    receipts less reversals, `returned` what went back to the vendor, `confirmed` services rendered, `entitled` software
    that came with the submission and was not given back, because it was not asked for or is in use; `invoiced` is net
    of credits; `asked` is how many units somebody wanted cancelled, `credited` how many went back and are wanted no
    more. All other figures follow from these.
    `named_vendor` is the only vendor that was approved, if one was named.
    """

    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    position: int
    item_id: UUID | None
    catalog_version: int | None
    sku: str
    name: str
    kind: Kind
    bundle: str | None = None
    metric: str | None = None
    term_months: int | None = None
    asset_creation: AssetCreation
    warranty_months: int
    named_vendor: str | None = None
    destination_kind: DestinationKind | None = None
    destination: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    lead_time_days: int | None = None
    expected_on: date | None = None
    contract: Contract | None = None
    ordered: int
    units_made: int = 0
    approved_unit_price: Decimal | None
    offered_price: Decimal | None = None
    unit_price: Decimal | None
    price_reason: str | None = None
    line_total: Decimal
    tax_percent: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    asked: int = 0
    credited: int = 0
    accepted: int = 0
    rejected: int = 0
    returned: int = 0
    confirmed: int = 0
    entitled: int = 0
    invoiced: int = 0

    @property
    def bought_for(self) -> Destination | None:
        """Whom or what it is for, if that was said."""
        if self.destination_kind is None:
            return None
        return Destination(kind=DestinationKind(self.destination_kind), name=self.destination)

    @property
    def agreed_price(self) -> Decimal:
        """The unit price that its vendor is to know."""
        if self.unit_price is None:
            raise RuntimeError(f"line {self.position} of order {self.order_id} has no price")
        return self.unit_price

    @property
    def kept(self) -> int:
        """Units we have. What is taken back may be heard of before it was heard that it came."""
        return max(0, self.accepted - self.returned) + self.confirmed + self.entitled

    @property
    def cancelled(self) -> int:
        """Units that will not come. The dock wins: whatever we have was not cancelled."""
        return min(self.asked + self.credited, max(0, self.ordered - self.kept))

    @property
    def living(self) -> int:
        """Units that are here or will come."""
        return self.ordered - self.cancelled

    @property
    def open(self) -> int:
        """Units still owed to us; rejected ones are."""
        return max(0, self.ordered - self.cancelled - self.kept)

    @property
    def over(self) -> int:
        """Units we have beyond what was ordered and not cancelled."""
        return max(0, self.kept + self.cancelled - self.ordered)

    def net_of(self, quantity: int, currency: str) -> Decimal:
        """What so many of its units cost, rounded as invoices are; nothing as long as it has no price."""
        return Decimal(0) if self.unit_price is None else line_total(self.unit_price, quantity, currency)

    def tax_of(self, quantity: int, currency: str) -> Decimal:
        """The tax on so many of its units, rounded half up per line."""
        if not self.tax_percent:
            return Decimal(0)
        return line_total(self.net_of(quantity, currency) * self.tax_percent / 100, 1, currency)

    def costing(self, currency: str) -> "OrderLine":
        """The line with what all of it costs."""
        return replace(
            self,
            line_total=within_limit(self.net_of(self.ordered, currency)),
            tax=within_limit(self.tax_of(self.ordered, currency)),
        )


@dataclass(frozen=True, kw_only=True)
class OrderName(Record):
    """A number by which an order is named: its requisition number, and each purchase-order number it was ever given."""

    APPEND_ONLY: ClassVar[bool] = True

    name: str
    order_id: UUID


def order_name_id(name: str) -> UUID:
    """Where a number leads to its order."""
    return derived_id("order_name", name)


def order_meant(command: OrderCommand) -> UUID | Via:
    """The id of the order that a command names, or the way to it."""
    if command.order_id is not None:
        return command.order_id
    return Via(OrderName, order_name_id(command.named), "order_id")


def order_of(command: OrderCommand) -> Keys:
    """The order with all its lines."""
    order_id = order_meant(command)
    return (Key(PurchaseOrder, order_id), Many(OrderLine, by="order_id", value=order_id))


def number_of(ordinal: int) -> str:
    """The requisition number people use: PR-000001."""
    return f"PR-{ordinal:06d}"


def order_id_of(request_id: UUID, vendor_id: UUID) -> UUID:
    """The one order of a request's catalog lines at a vendor."""
    return derived_id("order", request_id, vendor_id)


def custom_order_id_of(request_id: UUID, vendor_number: str | None) -> UUID:
    """The one order of a request's custom lines that name this vendor, or none."""
    return derived_id("custom-order", request_id, vendor_number)


def status_of(lines: Iterable[OrderLine]) -> Status:
    """The status of a submitted order with these lines; closing it is another matter. Software alone does not make it
    partially received."""
    lines = tuple(lines)
    if any(line.open for line in lines):
        arrived = any(line.kept > line.entitled for line in lines)
        return Status.PARTIALLY_RECEIVED if arrived else Status.SUBMITTED
    return Status.RECEIVED if any(line.kept for line in lines) else Status.CANCELLED


def with_sums(order: PurchaseOrder, lines: Iterable[OrderLine]) -> PurchaseOrder:
    """The order with what these lines cost and whom they serve."""
    lines = in_order(lines)
    requests = tuple(dict.fromkeys(line.request_id for line in lines if line.request_id is not None))
    only = requests[0] if len(requests) == 1 and all(line.request_id for line in lines) else None
    return replace(
        order,
        requests=requests,
        request_id=only,
        items=tuple(dict.fromkeys(line.item_id for line in lines if line.item_id is not None)),
        total=within_limit(sum((line.line_total for line in lines), Decimal(0))),
        tax=within_limit(sum((line.tax for line in lines), Decimal(0))),
        expected_cost=within_limit(expected_cost_of(order, lines)),
        words=words_of(order, lines),
    )


def redrafted(order: PurchaseOrder, lines: Iterable[OrderLine], cause: Cause) -> PurchaseOrder:
    """An order that was not submitted, changed: a draft that nobody was asked about."""
    order = with_sums(order, lines)
    if order.status is not Status.DRAFT:
        order = order.become(Status.DRAFT, status_since=cause.at)
    return replace(order, revision=order.revision + 1, awaits=(), granted=(), asked_total=None)


def expected_cost_of(order: PurchaseOrder, lines: Iterable[OrderLine]) -> Decimal:
    """What is to be paid for the order, exact to the cent: what of its lines was not cancelled, tax and freight."""
    living = [line for line in lines if line.cancelled < line.ordered]
    costs = (line.net_of(line.living, order.currency) for line in living)
    taxes = (line.tax_of(line.living, order.currency) for line in living)
    return sum(costs, Decimal(0)) + sum(taxes, Decimal(0)) + (order.freight if living else Decimal(0))


def words_of(order: PurchaseOrder, lines: Iterable[OrderLine]) -> str:
    """What a search for an order looks through: its numbers, its name, its vendor, and what is on it."""
    named = (
        order.requisition_number,
        order.purchase_order_number,
        order.name,
        order.request_number,
        order.vendor_number,
        order.vendor_name,
        *(word for line in lines for word in (line.sku, line.name)),
    )
    return " ".join(dict.fromkeys(word for word in named if word))[:WORDS_MAX]


def within_limit(total: Decimal) -> Decimal:
    """The total, unless it is larger than an amount can be."""
    if total > TOTAL_MAX:
        raise Rejection("total_too_large", message=f"{total} is larger than an amount can be.")
    return total


def order_named(held: Records, command: OrderCommand) -> PurchaseOrder:
    """The order that a command names."""
    for order in held.all(PurchaseOrder):
        return order
    field = next(name for name in ORDER_NAMES if getattr(command, name) is not None)
    raise Rejection("order_unknown", field=field, message=f"There is no order {command.named}.")


def in_order(lines: Iterable[OrderLine]) -> Sequence[OrderLine]:
    """An order's lines by their position."""
    return sorted(lines, key=lambda line: line.position)


def lines_held(held: Records, order: PurchaseOrder) -> Sequence[OrderLine]:
    """All lines of an order by their position."""
    return in_order(held.all(OrderLine, order_id=order.id))


def as_named(order: PurchaseOrder) -> dict[str, object]:
    """What is answered to who did something with an order."""
    return {
        "order_id": str(order.id),
        "requisition_number": order.requisition_number,
        "status": order.status.value,
        "revision": order.revision,
    }
