"""The memory of the fulfilment workflow: how far each line of an approved request has come, what happened.

The status of the request is a function of its lines' counters: it doesn't matter in which order facts arrive.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Record, Records, Timer, timer_id
from libs.contracts.message import Event, Message
from libs.contracts.requests import RequestCancelled, RequestFulfilled, RequestProgressed
from services.requests.purchase_request import PurchaseRequest, Status

DELIVER_WITHIN = timedelta(days=30)
DEADLINE = "fulfilment_deadline"


@dataclass(frozen=True, kw_only=True)
class FulfilmentProcess(Record):
    """One per approved request, under the request's id.

    `steps` counts what happened, `refusals` the commands that others refused and `overdue` the deadlines that
    passed: a person should look at those.
    """

    steps: int = 0
    refusals: int = 0
    overdue: int = 0
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class ProcessStep(Record):
    """One thing that happened to the process, as it happened; `message_id` is the message that told."""

    APPEND_ONLY: ClassVar[bool] = True

    request_id: UUID
    number: int
    message_type: str
    message_id: UUID
    at: datetime
    summary: str


class UnitStatus(StrEnum):
    """What became of a unit that arrived: kept as surplus, on its way to the person, or in their hands."""

    IN_STOCK = "in_stock"
    BEING_ASSIGNED = "being_assigned"
    ASSIGNED = "assigned"


@dataclass(frozen=True, kw_only=True)
class ProcessUnit(Record):
    """One unit that arrived for a request, under the asset's id.

    `line_id` is unknown while all we have heard is that it was assigned.
    """

    TRANSITIONS: ClassVar = {
        UnitStatus.IN_STOCK: frozenset({UnitStatus.ASSIGNED}),
        UnitStatus.BEING_ASSIGNED: frozenset({UnitStatus.ASSIGNED}),
        UnitStatus.ASSIGNED: frozenset(),
    }

    request_id: UUID
    line_id: UUID | None = None
    status: UnitStatus
    tag: str | None = None
    serial: str | None = None


@dataclass(frozen=True, kw_only=True)
class ProcessLine(Record):
    """How far one request line has come, under the request line's id; all counters only grow.

    `asked` is the largest number of units that were said to be cancelled, `claimed` how many of those that
    arrived were given, or are being given, to the person. Without `makes_assets` it is done on receipt.
    """

    request_id: UUID
    wanted: int
    ordered: int = 0
    asked: int = 0
    received: int = 0
    claimed: int = 0
    assigned: int = 0
    makes_assets: bool = True

    @property
    def arrived(self) -> int:
        """Units that are here: what was assigned was received, even if we have not heard of it yet."""
        return max(self.received, self.assigned)

    @property
    def cancelled(self) -> int:
        """Units that will not come: the dock wins, so whatever arrived was not cancelled."""
        return min(self.asked, max(0, self.wanted - self.arrived))

    @property
    def is_ordered(self) -> bool:
        """Whether everything of it that is still wanted is on a submitted order."""
        return max(self.ordered, self.arrived) + self.cancelled >= self.wanted

    @property
    def is_received(self) -> bool:
        """Whether nothing of it is still to come."""
        return self.arrived + self.cancelled >= self.wanted

    @property
    def is_done(self) -> bool:
        """Whether it is in the hands of whom it was for; cancelled units count as done."""
        return (self.assigned if self.makes_assets else self.arrived) + self.cancelled >= self.wanted


def status_of(lines: Iterable[ProcessLine]) -> Status:
    """The status of an approved request with these lines."""
    lines = tuple(lines)
    if all(line.cancelled == line.wanted for line in lines):
        return Status.CANCELLED
    if all(line.is_done for line in lines):
        return Status.FULFILLED
    if all(line.is_received for line in lines):
        return Status.RECEIVED
    if any(line.arrived for line in lines):
        return Status.PARTIALLY_RECEIVED
    if all(line.is_ordered for line in lines):
        return Status.ORDERED
    if any(line.ordered for line in lines):
        return Status.PARTIALLY_ORDERED
    return Status.APPROVED


# How a step is taken


class OrderNotSubmitted(Message):
    """The time in which an approved request should be ordered is over. Said by the service to itself."""

    type: ClassVar[str] = "requests.order_not_submitted.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID


class DeliveryOverdue(Message):
    """The day on which everything should have been here is over. Said by the service to itself."""

    type: ClassVar[str] = "requests.delivery_overdue.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID


Lines = dict[UUID | None, ProcessLine]
"""The lines of a process by their id; facts may name no line."""


def lines_of(request_id: UUID, held: Records) -> Lines:
    """All lines of a process, to be changed."""
    return {line.id: line for line in held.all(ProcessLine, request_id=request_id)}


def taken(
    told: Message,
    request_id: UUID,
    held: Records,
    cause: Cause,
    summary: str,
    lines: Lines | None = None,
    *,
    reason: str = "",
    save: Iterable[Record] = (),
    publish: Iterable[Message] = (),
    refused: bool = False,
    overdue: bool = False,
) -> Decision:
    """Record as a step what was told; if lines moved, save them and let the request's status follow."""
    process = held[FulfilmentProcess, request_id]
    process = replace(
        process,
        steps=process.steps + 1,
        refusals=process.refusals + refused,
        overdue=process.overdue + overdue,
    )
    step = ProcessStep(
        id=cause.id("process_step"),
        request_id=request_id,
        number=process.steps,
        message_type=told.type,
        message_id=cause.message_id,
        at=cause.at,
        summary=summary,
    )
    if lines is None:
        return Decision(save=[process, step, *save], publish=[*publish])
    moved = [line for line in lines.values() if line is not held.find(ProcessLine, line.id)]
    stage = _advance(held[PurchaseRequest, request_id], status_of(lines.values()), reason, cause)
    return replace(
        stage,
        save=[*stage.save, process, *moved, *save, step],
        publish=[*stage.publish, *publish],
    )


def _advance(request: PurchaseRequest, status: Status, reason: str, cause: Cause) -> Decision:
    """Bring the request to the status of its lines, and say so. Once fulfilled, it stays fulfilled."""
    before = request.status
    if status is before or before is Status.FULFILLED:
        return Decision()
    request = request.become(status, status_since=cause.at)
    if status is Status.FULFILLED:
        said: Event = RequestFulfilled(request_id=request.id, number=request.number)
    elif status is Status.CANCELLED:
        said = RequestCancelled(request_id=request.id, number=request.number, reason=reason)
    else:
        said = RequestProgressed(request_id=request.id, number=request.number, status=status)
    if status in (Status.RECEIVED, Status.FULFILLED, Status.CANCELLED):
        return Decision(save=[request], publish=[said], cancel=[timer_id(request.id, DEADLINE)])
    if status is not Status.PARTIALLY_ORDERED and before in (Status.APPROVED, Status.PARTIALLY_ORDERED):
        return Decision(save=[request], publish=[said], schedule=[_delivery_deadline(request, cause)])
    return Decision(save=[request], publish=[said])


def _delivery_deadline(request: PurchaseRequest, cause: Cause) -> Timer:
    """The end of the day (UTC) it is needed by, else thirty days from now; a day from now at the earliest."""
    due_at = cause.at + DELIVER_WITHIN
    if request.needed_by is not None:
        due_at = datetime.combine(request.needed_by, time(23, 59, 59), tzinfo=UTC)
    due_at = max(due_at, cause.at + timedelta(days=1))
    return Timer(of=request.id, name=DEADLINE, due_at=due_at, message=DeliveryOverdue(request_id=request.id))
