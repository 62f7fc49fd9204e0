"""Purchase orders: what is bought from one vendor, from its draft until nothing is owed to us any more.

A command sets only what was ordered and what was asked to be cancelled; what arrived is counted from the
dock's facts, services as they are confirmed, and the order's status is a function of its lines' numbers. How orders
are made and cancelled is told in `request_orders`, how they are completed in `draft`, placed in `spending`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.assets import EntitlementChanged
from libs.contracts.message import Event
from libs.contracts.orders import ConfirmService, OrderCommand
from libs.contracts.purchasing import OrderPartiallyReceived, OrderReceived, ServiceConfirmed, SurplusFound
from libs.contracts.receiving import GoodsReceived
from libs.contracts.values import AssetCreation, Destination, DestinationKind, Kind, derived_id


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
    Status.PARTIALLY_RECEIVED: frozenset({Status.RECEIVED}),
    Status.RECEIVED: frozenset({Status.CANCELLED}),
    Status.CLOSED: frozenset(),
    Status.CANCELLED: frozenset({Status.RECEIVED}),
}

ORDER_NAMES = ("order_id", "requisition_number", "purchase_order_number")

UNSUBMITTED = frozenset({Status.DRAFT, Status.AWAITING_APPROVAL})


@dataclass(frozen=True, kw_only=True)
class PurchaseOrder(Record):
    """What is bought from one vendor, for one request, for several, or for none. A draft may have no vendor yet.

    `requests` are all that its lines serve; `request_id` is empty unless that is exactly one. `revision` counts what
    approvers can see change: vendor, prices, and how often they were asked. While it awaits approval, `awaits` holds
    the ids of the requests whose approvers have not said yes and its own id for the approval that orders of its size
    need; `granted` those that have, `asked_total` what they were asked for. `amendments` counts changes since its
    submission. `total` is what its lines cost, net; `expected_cost` is that with freight and tax; `rate` is what its
    currency was worth in `base_currency` when it was submitted, if that was known; `expected_on` the last day on which
    a line was expected then. `short` tells that somebody closed
    it though not all of it was here. `receivers` took goods of it; the invoiced figures count credits as negative.
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
    request_number: str | None = None
    requester: str | None = None
    drafted_by: str = ""
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
    of credits; `asked` is how many units somebody wanted cancelled or credited. All other figures follow from these.
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
    contract: Mapping[str, object] | None = None
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
        """Units we have."""
        return self.accepted - self.returned + self.confirmed + self.entitled

    @property
    def cancelled(self) -> int:
        """Units that will not come. The dock wins: whatever we have was not cancelled."""
        return min(self.asked, max(0, self.ordered - self.kept))

    @property
    def open(self) -> int:
        """Units still owed to us; rejected ones are."""
        return max(0, self.ordered - self.cancelled - self.kept)

    @property
    def over(self) -> int:
        """Units we have beyond what was ordered and not cancelled."""
        return max(0, self.kept + self.cancelled - self.ordered)


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
    """The status of a submitted order with these lines. Software alone does not make it partially received."""
    lines = tuple(lines)
    if any(line.open for line in lines):
        arrived = any(line.accepted or line.confirmed for line in lines)
        return Status.PARTIALLY_RECEIVED if arrived else Status.SUBMITTED
    return Status.RECEIVED if any(line.kept for line in lines) else Status.CANCELLED


def order_and_lines(fact: GoodsReceived) -> Keys:
    """The order with all its lines; those that arrived must be known."""
    return (
        Key(PurchaseOrder, fact.order_id),
        Many(OrderLine, by="order_id", value=fact.order_id),
        *(Key(OrderLine, received.order_line_id) for received in fact.lines),
    )


def receive(fact: GoodsReceived, held: Records, cause: Cause) -> Decision:
    """Count what arrived. The dock wins: goods are a fact, a surplus is reported, never refused."""
    order = held[PurchaseOrder, fact.order_id]
    lines = {line.id: line for line in in_order(held.all(OrderLine, order_id=order.id))}
    surplus: dict[UUID, SurplusFound] = {}
    for received in fact.lines:
        before = lines[received.order_line_id]
        line = replace(
            before,
            accepted=before.accepted + received.accepted,
            rejected=before.rejected + received.rejected,
        )
        lines[line.id] = line
        if line.over > before.over:
            surplus[line.id] = SurplusFound(order_id=order.id, order_line_id=line.id, over=line.over)
    changed, said = followed(order, lines.values(), cause)
    publish = [*surplus.values(), *said]
    arrived = [lines[line_id] for line_id in dict.fromkeys(line.order_line_id for line in fact.lines)]
    return Decision(save=[changed, *arrived] if publish else arrived, publish=publish)


def software_stays(fact: EntitlementChanged, held: Records, cause: Cause) -> Decision:
    """Of software whose order was cancelled, somebody had been given so many: these are not given back."""
    order = held[PurchaseOrder, fact.order_id]
    lines = {line.id: line for line in in_order(held.all(OrderLine, order_id=order.id))}
    line = lines[fact.order_line_id]
    if not line.asked or fact.allocated <= line.entitled:
        return Decision()
    line = lines[line.id] = replace(line, entitled=fact.allocated)
    changed, said = followed(order, lines.values(), cause)
    return Decision(save=[changed, line] if said else [line], publish=said)


def order_of_software(fact: EntitlementChanged) -> Keys:
    """The order with all its lines."""
    return (Key(PurchaseOrder, fact.order_id), Many(OrderLine, by="order_id", value=fact.order_id))


def confirm(command: ConfirmService, held: Records, cause: Cause) -> Decision:
    """A service was rendered: it is done as goods are that arrived. No more is confirmed than is open."""
    order = order_named(held, command)
    lines = {line.id: line for line in in_order(held.all(OrderLine, order_id=order.id))}
    line = lines.get(command.order_line_id)
    if line is None:
        message = f"Order {order.requisition_number} has no line {command.order_line_id}."
        raise Rejection("order_line_unknown", field="order_line_id", message=message)
    if line.kind is not Kind.SERVICE:
        message = f"{line.name} is {line.kind}: only a service is confirmed."
        raise Rejection("kind_not_confirmed", field="order_line_id", message=message)
    if order.status in UNSUBMITTED:
        message = f"Order {order.requisition_number} is {order.status}: nothing of it can have been rendered."
        raise Rejection("order_not_submitted", field="order_id", message=message)
    quantity = command.quantity or line.open
    if not quantity or quantity > line.open:
        message = f"{quantity} of {line.name} would be confirmed but {line.open} are open."
        raise Rejection("confirmation_exceeds_open", field="quantity", message=message)
    line = lines[line.id] = replace(line, confirmed=line.confirmed + quantity)
    changed, said = followed(order, lines.values(), cause)
    confirmed = ServiceConfirmed(
        order_id=order.id,
        order_line_id=line.id,
        request_id=order.request_id,
        request_line_id=line.request_line_id,
        quantity=quantity,
        confirmed_by=cause.actor.id or cause.sender,
    )
    answer = {
        "order_id": str(order.id),
        "order_line_id": str(line.id),
        "confirmed": line.confirmed,
        "open": line.open,
    }
    return Decision(save=[changed, line], publish=[confirmed, *said], answer=answer)


def followed(
    order: PurchaseOrder, lines: Iterable[OrderLine], cause: Cause
) -> tuple[PurchaseOrder, list[Event]]:
    """The order in the status of its lines, and what is to be said about the change; one that waits goes on waiting."""
    status = status_of(lines)
    if status is order.status or order.status in UNSUBMITTED:
        return order, []
    order = order.become(status, status_since=cause.at)
    if status not in (Status.RECEIVED, Status.PARTIALLY_RECEIVED):
        return order, []
    fact = OrderReceived if status is Status.RECEIVED else OrderPartiallyReceived
    said = fact(order_id=order.id, requisition_number=order.requisition_number, request_id=order.request_id)
    return order, [said]


def order_named(held: Records, command: OrderCommand) -> PurchaseOrder:
    """The order that a command names."""
    for order in held.all(PurchaseOrder):
        if command.named in (str(order.id), order.requisition_number):
            return order
    field = next(name for name in ORDER_NAMES if getattr(command, name) is not None)
    raise Rejection("order_unknown", field=field, message=f"There is no order {command.named}.")


def in_order(lines: Iterable[OrderLine]) -> Sequence[OrderLine]:
    """An order's lines by their position."""
    return sorted(lines, key=lambda line: line.position)


HANDLERS: Handlers = (
    Handler(on=GoodsReceived, holds=order_and_lines, early=Early.WAIT, decide=receive),
    Handler(on=EntitlementChanged, holds=order_of_software, early=Early.WAIT, decide=software_stays),
    Handler(on=ConfirmService, holds=order_of, early=Early.WAIT_10_MINUTES, decide=confirm),
)
