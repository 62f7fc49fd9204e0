"""A purchase request: what it is, which states it has and which steps between them are possible.

How it comes in is told in `submission`, how it is changed or taken back in `editing`, who says yes in `approval`,
and what happens then in `fulfilment`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Record
from libs.contracts.values import Destination, DestinationKind, Kind, Money, derived_id, money


class Status(StrEnum):
    """Where a request stands. After approval it follows what the other services say about its lines."""

    SUBMITTED = "submitted"
    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    APPROVED = "approved"
    PARTIALLY_ORDERED = "partially_ordered"
    ORDERED = "ordered"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


# Facts of three services arrive in any order, so an approved request may skip stages. It goes back only when an
# amendment puts units on an order again, or takes off what had come in the place of others.
# A cancelled one goes on when goods turn up that the dock had taken before it heard of the cancellation; what was
# received is cancelled when all of it was software, which can be given back. What was taken back at the dock is to come
# again.
_ON_ORDER = (Status.APPROVED, Status.PARTIALLY_ORDERED, Status.ORDERED)
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.SUBMITTED: frozenset({Status.AWAITING_APPROVAL, Status.APPROVED}),
    Status.AWAITING_APPROVAL: frozenset({Status.APPROVED, Status.REJECTED, Status.WITHDRAWN, Status.EXPIRED}),
    Status.REJECTED: frozenset(),
    Status.WITHDRAWN: frozenset(),
    Status.EXPIRED: frozenset(),
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
        {
            Status.PARTIALLY_ORDERED,
            Status.PARTIALLY_RECEIVED,
            Status.RECEIVED,
            Status.FULFILLED,
            Status.CANCELLED,
        }
    ),
    Status.PARTIALLY_RECEIVED: frozenset(
        {*_ON_ORDER, Status.RECEIVED, Status.FULFILLED, Status.CANCELLED},
    ),
    Status.RECEIVED: frozenset(
        {*_ON_ORDER, Status.PARTIALLY_RECEIVED, Status.FULFILLED, Status.CANCELLED},
    ),
    Status.FULFILLED: frozenset(),
    Status.CANCELLED: frozenset(
        {Status.PARTIALLY_ORDERED, Status.ORDERED, Status.RECEIVED, Status.FULFILLED}
    ),
}

BEFORE_APPROVAL = frozenset({Status.SUBMITTED, Status.AWAITING_APPROVAL})
NEVER_APPROVED = frozenset({Status.REJECTED, Status.WITHDRAWN, Status.EXPIRED})

NUMBER = "request_number"
"""The sequence that requests are numbered by."""
NO_CURRENCY = "XXX"
"""ISO 4217's code for none: of a request of which only the withdrawal has arrived."""


@dataclass(frozen=True, kw_only=True)
class PurchaseRequest(Record):
    """What somebody asked for; its source (who sent it) and external reference are unique together.

    `content` stands for all that was wanted in this revision; it is empty as long as only the withdrawal has
    arrived, which overtook the request. `first_content` is what the first revision was sent with, so that a
    reference used again for something else is noticed. `round` counts the rounds of approval; `approved_total`
    is what may be spent. `words` is what a search looks through.
    """

    TRANSITIONS: ClassVar = TRANSITIONS

    ordinal: int
    number: str
    status: Status = Status.SUBMITTED
    status_since: datetime
    source: str
    external_reference: str | None = None
    reference_id: UUID | None = None
    revision: int = 1
    content: UUID | None
    first_content: UUID | None
    requester: str
    on_behalf_of: str | None = None
    submitted_by: str
    edited_by: str | None = None
    cost_centre: str | None = None
    justification: str = ""
    needed_by: date | None = None
    deliver_to: str | None
    currency: str
    total: Decimal
    approved_total: Decimal | None = None
    submitted_at: datetime
    message_id: UUID
    round: int = 0
    reason: str = ""
    words: str = ""

    @property
    def money(self) -> Money:
        """The total as money."""
        return money(self.total, self.currency)

    @property
    def receiver(self) -> str:
        """In whose hands it ends, where its lines say nothing else."""
        return self.on_behalf_of or self.requester

    @property
    def people(self) -> frozenset[str]:
        """Everybody whose request it is; whoever has changed it last answers for it too."""
        asked = (self.requester, self.submitted_by, self.on_behalf_of, self.edited_by)
        return frozenset(person for person in asked if person is not None)


@dataclass(frozen=True, kw_only=True)
class RequestLine(Record):
    """So many of one item: from the catalog, at the price and version it had, or custom, at the estimated price.

    `vendor` is the number of the vendor it is to come from: the one that was named, else the preferred one of the
    catalog; a custom item may have none. A part of a bundle says of which, and how many of that were asked for. A
    line that a later revision lacks is `withdrawn`.
    """

    request_id: UUID
    position: int
    item_id: UUID | None = None
    catalog_version: int | None = None
    sku: str | None = None
    name: str
    kind: Kind
    quantity: int
    unit_price: Decimal
    line_total: Decimal
    vendor: str | None = None
    vendor_named: bool = False
    destination_kind: DestinationKind
    destination_name: str | None = None
    bundle: str | None = None
    bundle_quantity: int | None = None
    withdrawn: bool = False

    @property
    def destination(self) -> Destination:
        """Whom or what it is for."""
        return Destination(kind=self.destination_kind, name=self.destination_name)


@dataclass(frozen=True, kw_only=True)
class RequestRevision(Record):
    """What a request looked like in one of its earlier revisions, and who changed it then; never changed."""

    APPEND_ONLY: ClassVar[bool] = True

    request_id: UUID
    number: int
    content: UUID
    wish: dict[str, object]
    total: Decimal
    currency: str
    edited_by: str
    at: datetime


def number_of(ordinal: int) -> str:
    """The number people use: REQ-000001."""
    return f"REQ-{ordinal:06d}"


def ordinal_of(number: str) -> int | None:
    """The ordinal that a number says; None if it is no number."""
    digits = number.removeprefix("REQ-")
    known = int(digits) if len(digits) <= 18 and digits.isascii() and digits.isdigit() else 0
    return known if number_of(known) == number else None


def reference_id_of(external_reference: str) -> UUID:
    """What all requests with this external reference share, whoever sent them."""
    return derived_id("external_reference", external_reference)


def line_id_of(request_id: UUID, position: int) -> UUID:
    """The id of a request's line, counted from 1."""
    return derived_id("request_line", request_id, position)


def live(lines: Iterable[RequestLine]) -> list[RequestLine]:
    """The lines of the current revision by their position."""
    return sorted((line for line in lines if not line.withdrawn), key=lambda line: line.position)
