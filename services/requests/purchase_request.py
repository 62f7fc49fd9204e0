"""A purchase request: what it is, which states it has and which steps between them are possible.

How it comes in is told in `submission`, who says yes in `approval`, and what happens then in `fulfilment`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Record
from libs.contracts.values import Money, derived_id, money


class Status(StrEnum):
    """Where a request stands. After approval it follows what the other services say about its lines."""

    SUBMITTED = "submitted"
    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"
    APPROVED = "approved"
    PARTIALLY_ORDERED = "partially_ordered"
    ORDERED = "ordered"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


class Role(StrEnum):
    """Who may be asked to approve."""

    PROCUREMENT_MANAGER = "procurement_manager"
    ASSET_MANAGER = "asset_manager"


# Facts of three services arrive in any order, so an approved request may skip stages, but it never goes back.
# A cancelled one goes on when goods turn up that the dock had taken before it heard of the cancellation.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.SUBMITTED: frozenset({Status.AWAITING_APPROVAL, Status.APPROVED}),
    Status.AWAITING_APPROVAL: frozenset({Status.APPROVED, Status.REJECTED}),
    Status.REJECTED: frozenset(),
    Status.APPROVED: frozenset(
        {
            Status.PARTIALLY_ORDERED,
            Status.ORDERED,
            Status.PARTIALLY_RECEIVED,
            Status.RECEIVED,
            Status.FULFILLED,
            Status.CANCELLED,
        }
    ),
    Status.PARTIALLY_ORDERED: frozenset(
        {Status.ORDERED, Status.PARTIALLY_RECEIVED, Status.RECEIVED, Status.FULFILLED, Status.CANCELLED}
    ),
    Status.ORDERED: frozenset(
        {Status.PARTIALLY_RECEIVED, Status.RECEIVED, Status.FULFILLED, Status.CANCELLED}
    ),
    Status.PARTIALLY_RECEIVED: frozenset({Status.RECEIVED, Status.FULFILLED}),
    Status.RECEIVED: frozenset({Status.FULFILLED}),
    Status.FULFILLED: frozenset(),
    Status.CANCELLED: frozenset({Status.RECEIVED, Status.FULFILLED}),
}


@dataclass(frozen=True, kw_only=True)
class PurchaseRequest(Record):
    """What somebody asked for; its source (who sent it) and external reference are unique together.

    `content` stands for all that was sent, so that a reference used again for something else is noticed;
    `message_id` is the message that brought it.
    `approval_step` counts the approval steps taken; `awaiting_role` says who must take the next one.
    """

    TRANSITIONS: ClassVar = TRANSITIONS

    number: str
    status: Status = Status.SUBMITTED
    status_since: datetime
    source: str
    external_reference: str | None = None
    reference_id: UUID | None = None
    content: UUID
    requester: str
    on_behalf_of: str | None = None
    cost_centre: str | None = None
    justification: str = ""
    needed_by: date | None = None
    deliver_to: str
    currency: str
    total: Decimal
    submitted_at: datetime
    message_id: UUID
    approval_step: int = 0
    awaiting_role: Role | None = None
    reminders: int = 0

    @property
    def money(self) -> Money:
        """The total as money."""
        return money(self.total, self.currency)

    @property
    def receiver(self) -> str:
        """In whose hands it ends."""
        return self.on_behalf_of or self.requester


@dataclass(frozen=True, kw_only=True)
class RequestLine(Record):
    """So many of one catalog item, at the price and version the catalog had when it was requested."""

    request_id: UUID
    position: int
    item_id: UUID
    catalog_version: int
    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    line_total: Decimal


def number_of(ordinal: int) -> str:
    """The number people use: REQ-000001."""
    return f"REQ-{ordinal:06d}"


def reference_id_of(external_reference: str) -> UUID:
    """What all requests with this external reference share, whoever sent them."""
    return derived_id("external_reference", external_reference)


def request_id_of(source: str, external_reference: str) -> UUID:
    """The one request that this source can make under this reference."""
    return derived_id("request", source, external_reference)


def line_id_of(request_id: UUID, position: int) -> UUID:
    """The id of a request's line, counted from 1."""
    return derived_id("request_line", request_id, position)
