"""Software: what may be used by how many, from the order on. Nothing of it is received at a dock.

An entitlement follows its order as that is amended or cancelled, but never below what was given to somebody already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Record,
    Records,
    Rejection,
    Timer,
)
from libs.contracts import purchasing
from libs.contracts.assets import (
    AllocateEntitlement,
    EntitlementAllocated,
    EntitlementChanged,
    EntitlementCreated,
)
from libs.contracts.message import Message
from libs.contracts.values import DestinationKind, derived_id
from services.assets.holder import check_holder, holder_read
from services.assets.ordered_line import OrderedLine


class EntitlementStatus(StrEnum):
    """Whether software may be used."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[EntitlementStatus, frozenset[EntitlementStatus]] = {
    EntitlementStatus.PENDING: frozenset(
        {EntitlementStatus.ACTIVE, EntitlementStatus.EXPIRED, EntitlementStatus.CANCELLED}
    ),
    EntitlementStatus.ACTIVE: frozenset({EntitlementStatus.EXPIRED, EntitlementStatus.CANCELLED}),
    EntitlementStatus.EXPIRED: frozenset(),
    # All of it was cancelled, and then more was ordered.
    EntitlementStatus.CANCELLED: frozenset(
        {EntitlementStatus.PENDING, EntitlementStatus.ACTIVE, EntitlementStatus.EXPIRED}
    ),
}
OVER = frozenset({EntitlementStatus.EXPIRED, EntitlementStatus.CANCELLED})


@dataclass(frozen=True, kw_only=True)
class Entitlement(Record):
    """What one order line of software entitles to: so many may use it, from a day to a day, bought from whom for what.

    `asked` is how many of those ordered somebody wanted cancelled; `allocated` how many somebody was given. `metric` is
    what is counted, for instance named users.
    """

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = TRANSITIONS

    order_line_id: UUID
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    request_line_id: UUID | None
    is_for_stock: bool
    sku: str
    name: str
    vendor_id: UUID
    vendor_name: str
    cost: Decimal
    currency: str
    metric: str | None = None
    status: EntitlementStatus
    starts_on: date | None
    ends_on: date | None
    ordered: int
    asked: int = 0
    allocated: int = 0

    @property
    def free(self) -> int:
        """How many more can be given to somebody."""
        return max(0, self.ordered - self.asked - self.allocated)

    @property
    def quantity(self) -> int:
        """How many may use it: what was ordered and not cancelled, and never fewer than do."""
        return self.allocated + self.free


@dataclass(frozen=True, kw_only=True)
class Allocation(Record):
    """Somebody was given so many of an entitlement."""

    APPEND_ONLY: ClassVar[bool] = True

    entitlement_id: UUID
    request_id: UUID | None
    holder_kind: DestinationKind
    holder: str
    quantity: int
    allocated_by: str
    allocated_at: datetime


class EntitlementStarts(Message):
    """The first day of an entitlement has come. Said by the service to itself."""

    type: ClassVar[str] = "assets.entitlement_starts.v1"
    subject: ClassVar[str] = "entitlement_id"
    entitlement_id: UUID


class EntitlementEnds(Message):
    """The last day of an entitlement is over. Said by the service to itself."""

    type: ClassVar[str] = "assets.entitlement_ends.v1"
    subject: ClassVar[str] = "entitlement_id"
    entitlement_id: UUID


def entitlement_id_of(order_line_id: UUID) -> UUID:
    """The entitlement that an order line of software brings."""
    return derived_id("entitlement", order_line_id)


def create(line: OrderedLine, ordered: purchasing.OrderedLine, vendor_id: UUID, cause: Cause) -> Decision:
    """Software was ordered: it may be used at once, or from its start date on."""
    pending = ordered.starts_on is not None and ordered.starts_on > cause.at.date()
    status = EntitlementStatus.PENDING if pending else EntitlementStatus.ACTIVE
    made = Entitlement(
        id=entitlement_id_of(line.id),
        order_line_id=line.id,
        order_id=line.order_id,
        requisition_number=line.requisition_number,
        request_id=line.request_id,
        request_line_id=line.request_line_id,
        is_for_stock=line.is_for_stock,
        sku=line.sku,
        name=line.name,
        vendor_id=vendor_id,
        vendor_name=line.vendor_name or "",
        cost=line.unit_price,
        currency=line.currency,
        metric=ordered.metric,
        status=status,
        starts_on=ordered.starts_on,
        ends_on=ordered.ends_on,
        ordered=line.ordered,
        asked=line.asked,
    )
    said = EntitlementCreated(
        entitlement_id=made.id,
        order_line_id=made.order_line_id,
        order_id=made.order_id,
        request_id=made.request_id,
        request_line_id=made.request_line_id,
        quantity=made.quantity,
        status="pending" if pending else "active",
    )
    timers = []
    if pending and made.starts_on:
        timers.append(_timer(made.starts_on, "start", EntitlementStarts(entitlement_id=made.id)))
    if made.ends_on and made.ends_on < date.max:  # what never ends is not waited for
        timers.append(
            _timer(made.ends_on + timedelta(days=1), "end", EntitlementEnds(entitlement_id=made.id))
        )
    return Decision(save=[made], publish=[said], schedule=timers)


def follow(line: OrderedLine, held: Records, cause: Cause) -> Decision:
    """Its order was amended, or some of it cancelled. What somebody was given stays theirs, which purchasing must hear
    in any case: it has counted all of that as given back."""
    known = held.find(Entitlement, entitlement_id_of(line.id))
    if known is None:
        return Decision(save=[line])
    now = replace(known, ordered=line.ordered, asked=max(known.asked, line.asked), cost=line.unit_price)
    line = replace(line, kept=now.quantity)
    if (now.asked, now.ordered) == (known.asked, known.ordered):
        return Decision(save=[line, now])
    status = _status_on(now, cause.at.date())
    if status is not now.status:
        now = now.become(status)
    return Decision(save=[line, now], publish=[_said_changed(now)])


def _status_on(entitlement: Entitlement, day: date) -> EntitlementStatus:
    """The status since an amendment or cancellation on this day: what is over stays so, unless more was ordered."""
    if entitlement.status is EntitlementStatus.EXPIRED:
        return entitlement.status
    if not entitlement.quantity:
        return EntitlementStatus.CANCELLED
    if entitlement.status is not EntitlementStatus.CANCELLED:
        return entitlement.status
    if entitlement.ends_on is not None and entitlement.ends_on < day:
        return EntitlementStatus.EXPIRED
    pending = entitlement.starts_on is not None and entitlement.starts_on > day
    return EntitlementStatus.PENDING if pending else EntitlementStatus.ACTIVE


def start(timer: EntitlementStarts, held: Records, cause: Cause) -> Decision:
    """From now on it may be used, unless it was cancelled."""
    known = held[Entitlement, timer.entitlement_id]
    if known.status is not EntitlementStatus.PENDING:
        return Decision()
    active = known.become(EntitlementStatus.ACTIVE)
    return Decision(save=[active], publish=[_said_changed(active)])


def end(timer: EntitlementEnds, held: Records, cause: Cause) -> Decision:
    """From now on it must not be used any more."""
    known = held[Entitlement, timer.entitlement_id]
    if known.status in OVER:
        return Decision()
    expired = known.become(EntitlementStatus.EXPIRED)
    return Decision(save=[expired], publish=[_said_changed(expired)])


def allocate(command: AllocateEntitlement, held: Records, cause: Cause) -> Decision:
    """Give somebody so many of what is free; what was ordered for a request, for that request."""
    entitlement = held.find(Entitlement, command.entitlement_id)
    if entitlement is None:
        message = f"There is no entitlement {command.entitlement_id}."
        raise Rejection("entitlement_unknown", field="entitlement_id", message=message)
    allocation = Allocation(
        id=_allocation_id(command) or cause.id("allocation"),
        entitlement_id=entitlement.id,
        request_id=command.request_id,
        holder_kind=command.holder.kind,
        holder=command.holder.name or "",
        quantity=command.quantity,
        allocated_by=cause.actor.id or cause.sender,
        allocated_at=cause.at,
    )
    answer = {"allocation_id": str(allocation.id), "entitlement_id": str(entitlement.id)}
    earlier = held.find(Allocation, allocation.id)
    if earlier is not None:
        if _content(earlier) != _content(allocation):
            message = f"{earlier.quantity} were allocated to {earlier.holder} for this request."
            raise Rejection("allocation_differs", field="request_id", message=message)
        return Decision(duplicate=True, answer=answer)
    _check(entitlement, command)
    check_holder(held, command.holder, of="holder")
    said = EntitlementAllocated(
        allocation_id=allocation.id,
        entitlement_id=entitlement.id,
        request_id=command.request_id,
        request_line_id=entitlement.request_line_id,
        holder=command.holder,
        quantity=command.quantity,
    )
    used = replace(entitlement, allocated=entitlement.allocated + command.quantity)
    return Decision(save=[used, allocation], publish=[said], answer=answer)


def _check(entitlement: Entitlement, command: AllocateEntitlement) -> None:
    bought_for = None if entitlement.is_for_stock else entitlement.request_id
    if bought_for is not None and bought_for != command.request_id:
        message = f"{entitlement.name} was ordered for request {bought_for}; name that one."
        raise Rejection("entitlement_for_other_request", field="request_id", message=message)
    if entitlement.status in OVER:
        message = f"The entitlement to {entitlement.name} is {entitlement.status}."
        raise Rejection("entitlement_not_active", field="entitlement_id", message=message)
    if command.quantity > entitlement.free:
        message = f"{command.quantity} of {entitlement.name} are wanted but {entitlement.free} are free."
        raise Rejection("entitlement_exceeded", field="quantity", message=message)


def _content(allocation: Allocation) -> tuple[str, str, int]:
    return allocation.holder_kind, allocation.holder, allocation.quantity


def _allocation_id(command: AllocateEntitlement) -> UUID | None:
    """A request is given of an entitlement once."""
    if command.request_id is None:
        return None
    return derived_id("allocation", command.entitlement_id, command.request_id)


def _said_changed(entitlement: Entitlement) -> EntitlementChanged:
    return EntitlementChanged(
        entitlement_id=entitlement.id,
        order_line_id=entitlement.order_line_id,
        order_id=entitlement.order_id,
        request_id=entitlement.request_id,
        request_line_id=entitlement.request_line_id,
        quantity=entitlement.quantity,
        allocated=entitlement.allocated,
        status=entitlement.status.value,
    )


def _timer(day: date, name: str, message: EntitlementStarts | EntitlementEnds) -> Timer:
    due_at = datetime.combine(day, time(), tzinfo=UTC)
    return Timer(of=message.entitlement_id, name=name, due_at=due_at, message=message)


def _entitlement_and_allocation(command: AllocateEntitlement) -> Keys:
    yield Key(Entitlement, command.entitlement_id, may_be_new=True)
    if allocation := _allocation_id(command):
        yield Key(Allocation, allocation, may_be_new=True)


def _the_entitlement(timer: EntitlementStarts | EntitlementEnds) -> Keys:
    return (Key(Entitlement, timer.entitlement_id),)


HANDLERS: Handlers = (
    Handler(
        on=AllocateEntitlement,
        holds=_entitlement_and_allocation,
        reads=lambda command: holder_read(command.holder),
        decide=allocate,
    ),
    Handler(on=EntitlementStarts, holds=_the_entitlement, decide=start),
    Handler(on=EntitlementEnds, holds=_the_entitlement, decide=end),
)
