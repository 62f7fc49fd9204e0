"""Purchase orders: what is bought from one vendor, from its submission until nothing is owed to us any more.

A command sets only what was ordered and what was asked to be cancelled; what arrived is counted from the
dock's facts, and the order's status is a function of its lines' numbers. How orders are made and cancelled is
told in `request_orders`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Key, Keys, Many, Record, Records
from libs.contracts.message import Event
from libs.contracts.purchasing import OrderPartiallyReceived, OrderReceived, SurplusFound
from libs.contracts.receiving import GoodsReceived
from libs.contracts.values import AssetCreation, Kind, derived_id


class Status(StrEnum):
    """Where an order stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    CANCELLED = "cancelled"


# A cancelled order becomes received when goods turn up that the dock took before it heard of it.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.SUBMITTED}),
    Status.SUBMITTED: frozenset({Status.PARTIALLY_RECEIVED, Status.RECEIVED, Status.CANCELLED}),
    Status.PARTIALLY_RECEIVED: frozenset({Status.RECEIVED}),
    Status.RECEIVED: frozenset(),
    Status.CANCELLED: frozenset({Status.RECEIVED}),
}


@dataclass(frozen=True, kw_only=True)
class PurchaseOrder(Record):
    """What is bought from one vendor for one request."""

    TRANSITIONS: ClassVar = TRANSITIONS

    requisition_number: str
    status: Status = Status.DRAFT
    status_since: datetime
    request_id: UUID
    request_number: str
    requester: str
    vendor_id: UUID
    vendor_name: str
    deliver_to: str
    currency: str
    total: Decimal
    submitted_at: datetime


@dataclass(frozen=True, kw_only=True)
class OrderLine(Record):
    """So many of one item, at the price and version the catalog had.

    `accepted` and `rejected` count receipts, `asked` is how many units somebody wanted cancelled; all other
    figures follow from these.
    """

    order_id: UUID
    request_id: UUID
    request_line_id: UUID
    position: int
    item_id: UUID
    catalog_version: int
    sku: str
    name: str
    kind: Kind
    asset_creation: AssetCreation
    warranty_months: int
    ordered: int
    unit_price: Decimal
    line_total: Decimal
    asked: int = 0
    accepted: int = 0
    rejected: int = 0

    @property
    def kept(self) -> int:
        """Units we have."""
        return self.accepted

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


def number_of(ordinal: int) -> str:
    """The requisition number people use: PR-000001."""
    return f"PR-{ordinal:06d}"


def order_id_of(request_id: UUID, vendor_id: UUID) -> UUID:
    """The one order of a request at a vendor."""
    return derived_id("order", request_id, vendor_id)


def status_of(lines: Iterable[OrderLine]) -> Status:
    """The status of a submitted order with these lines."""
    lines = tuple(lines)
    if any(line.open for line in lines):
        return Status.PARTIALLY_RECEIVED if any(line.kept for line in lines) else Status.SUBMITTED
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


def followed(
    order: PurchaseOrder, lines: Iterable[OrderLine], cause: Cause
) -> tuple[PurchaseOrder, list[Event]]:
    """The order in the status of its lines, and what is to be said about the change."""
    status = status_of(lines)
    if status is order.status:
        return order, []
    order = order.become(status, status_since=cause.at)
    if status not in (Status.RECEIVED, Status.PARTIALLY_RECEIVED):
        return order, []
    fact = OrderReceived if status is Status.RECEIVED else OrderPartiallyReceived
    said = fact(order_id=order.id, requisition_number=order.requisition_number, request_id=order.request_id)
    return order, [said]


def in_order(lines: Iterable[OrderLine]) -> list[OrderLine]:
    """An order's lines by their position."""
    return sorted(lines, key=lambda line: line.position)


HANDLERS: Handlers = (Handler(on=GoodsReceived, holds=order_and_lines, early=Early.WAIT, decide=receive),)
