"""The fulfilment process: its stages, which message may lead from which to which, and what it remembers.

The stage of a process and the status of its request are functions of its lines' counters, so it doesn't matter in
which order facts arrive. `TABLE` says which steps that allows; a step that it lacks is a bug and raises.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Record, Records, Timer, timer_id
from libs.contracts import assets, orders, purchasing
from libs.contracts.message import Event, Message
from libs.contracts.receiving import GoodsReceived, GoodsReturned, ReceiptReversed
from libs.contracts.requests import (
    CancelRequest,
    RequestCancelled,
    RequestFulfilled,
    RequestProgressed,
    RetryFulfilment,
)
from libs.contracts.values import Kind
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import PurchaseRequest, Status

CREATE_ORDER = purchasing.CreateOrder.type
DELIVER_WITHIN = timedelta(days=30)
DEADLINE = "fulfilment_deadline"


class Stage(StrEnum):
    """What a process waits for."""

    ORDERING = "ordering"
    DELIVERING = "delivering"
    HANDING_OVER = "handing_over"
    CANCELLING = "cancelling"
    STUCK = "stuck"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


ENDED = frozenset({Stage.COMPLETED, Stage.CANCELLED})


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


Steps = Mapping[Stage, frozenset[Stage]]

_O, _D, _H = Stage.ORDERING, Stage.DELIVERING, Stage.HANDING_OVER
_C, _S, _DONE, _OFF = Stage.CANCELLING, Stage.STUCK, Stage.COMPLETED, Stage.CANCELLED


def _steps(further: Mapping[Stage, tuple[Stage, ...]]) -> Steps:
    """Every stage can stay what it is; these can become something else too."""
    return {stage: frozenset({stage, *further.get(stage, ())}) for stage in Stage}


STAYS = _steps({})
# An order can tell that nothing of it becomes an asset, so that what is here already is all there is to do; and that it
# was amended since to bring more than was thought, or that it never brought what was credited.
SUBMITTED = _steps(
    {
        _O: (_D, _H, _DONE),
        _H: (_O, _D, _DONE, _C),
        _C: (_H, _DONE),
        _S: (_DONE,),
        _DONE: (_O, _D, _H, _C),
        _OFF: (_O, _D, _H, _C, _DONE),
    }
)
ARRIVED = _steps(
    {_O: (_D, _H, _DONE), _D: (_H, _DONE), _C: (_H, _DONE), _S: (_DONE,), _DONE: (_H,), _OFF: (_H, _DONE)}
)
HANDED_OVER = _steps(
    {
        _O: (_D, _H, _DONE),
        _D: (_H, _DONE),
        _H: (_DONE,),
        _C: (_H, _DONE),
        _S: (_DONE,),
        _DONE: (_H,),
        _OFF: (_H, _DONE),
    }
)
# Units that were taken off an order may be put on it again, whatever has become of the rest; and units that are here
# may be taken back, to come again or not.
AMENDED = _steps(
    {
        _O: (_D, _H, _DONE, _OFF),
        _D: (_O, _H, _DONE, _OFF),
        _H: (_O, _D, _C, _DONE, _OFF),
        _C: (_H, _DONE, _OFF),
        _S: (_DONE, _OFF),
        _DONE: (_O, _D, _H, _C, _OFF),
        _OFF: (_O, _D, _H, _C, _DONE),
    }
)
# What had come to bring all of it may be cancelled while the rest waits as a draft.
NOT_COMING = _steps(
    {
        _O: (_D, _H, _DONE, _OFF),
        _D: (_O, _H, _DONE, _OFF),
        _H: (_DONE, _OFF),
        _C: (_H, _DONE, _OFF),
        _S: (_DONE, _OFF),
        _DONE: (_OFF,),
    }
)
ANSWERED = _steps(
    {
        _O: (_S, _H, _DONE, _OFF),
        _D: (_S, _H, _DONE, _OFF),
        _H: (_S,),
        _C: (_S, _H, _DONE, _OFF),
        _S: (_H, _DONE, _OFF),
    }
)

TABLE: Mapping[type[Message], Steps] = {
    purchasing.OrderDrafted: STAYS,
    purchasing.OrderSubmitted: SUBMITTED,
    purchasing.OrderAmended: AMENDED,
    orders.AmendmentAwaited: STAYS,
    orders.AmendmentRefused: STAYS,
    purchasing.OrderCancelled: NOT_COMING,
    purchasing.OrderReceived: STAYS,
    purchasing.ServiceConfirmed: ARRIVED,
    purchasing.CommandAnswered: ANSWERED,
    GoodsReceived: ARRIVED,
    ReceiptReversed: AMENDED,
    GoodsReturned: AMENDED,
    assets.TemplateAssetsCreated: STAYS,
    assets.AssetsReceived: HANDED_OVER,
    assets.AssetsAssigned: HANDED_OVER,
    assets.AssetsTakenBack: AMENDED,
    assets.LotReceived: HANDED_OVER,
    assets.LotTakenBack: AMENDED,
    assets.StockIssued: HANDED_OVER,
    assets.EntitlementCreated: ARRIVED,
    assets.EntitlementChanged: ARRIVED,
    assets.EntitlementAllocated: HANDED_OVER,
    assets.CommandAnswered: ANSWERED,
    OrderNotSubmitted: STAYS,
    DeliveryOverdue: STAYS,
    CancelRequest: _steps({_O: (_C,), _D: (_C,), _S: (_C, _H, _DONE)}),
    RetryFulfilment: _steps({_S: (_O, _D, _H, _C)}),
}
"""Every message of the workflow in every stage. Facts come in any order, so most may skip stages."""


@dataclass(frozen=True, kw_only=True)
class FulfilmentProcess(Record):
    """One per approved request, under the request's id.

    `steps` counts what happened, `refusals` the commands that others refused and `overdue` the deadlines that
    passed. `refused` is the type of the command whose refusal a person must deal with, `problem` what was said;
    `cancelling` that somebody wants it no longer.
    """

    stage: Stage = Stage.ORDERING
    stage_since: datetime
    steps: int = 0
    refusals: int = 0
    overdue: int = 0
    refused: str | None = None
    problem: str | None = None
    cancelling: bool = False
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
    """What became of something that arrived: not usable yet, kept in stock, on its way to whom it is for, there,
    or taken back at the dock."""

    PENDING = "pending"
    IN_STOCK = "in_stock"
    BEING_ASSIGNED = "being_assigned"
    ASSIGNED = "assigned"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, kw_only=True)
class ProcessUnit(Record):
    """Something that arrived for a request: an asset, under its id; so many of a consumable, under the id of their
    issue; an entitlement, under its id. `source_id` is the lot the consumable comes from, the order line of software.

    `line_id` is unknown while all we have heard is that an asset was assigned. An asset can come and be taken back
    several times, and news of that in any order: `balance` is how often it was told that it came less how often that
    it left, `came` whether its first arrival was told; `handovers` are those told, and not undone, `undone` those of
    which only that was told. `receipt_id` is what a consumable came with.
    """

    TRANSITIONS: ClassVar = {
        UnitStatus.PENDING: frozenset({UnitStatus.IN_STOCK, UnitStatus.BEING_ASSIGNED, UnitStatus.ASSIGNED}),
        UnitStatus.IN_STOCK: frozenset(
            {UnitStatus.BEING_ASSIGNED, UnitStatus.ASSIGNED, UnitStatus.TAKEN_BACK}
        ),
        UnitStatus.BEING_ASSIGNED: frozenset(
            {UnitStatus.IN_STOCK, UnitStatus.ASSIGNED, UnitStatus.TAKEN_BACK}
        ),
        UnitStatus.ASSIGNED: frozenset({UnitStatus.BEING_ASSIGNED, UnitStatus.TAKEN_BACK}),
        UnitStatus.TAKEN_BACK: frozenset(
            {UnitStatus.IN_STOCK, UnitStatus.BEING_ASSIGNED, UnitStatus.ASSIGNED}
        ),
    }

    request_id: UUID
    line_id: UUID | None = None
    kind: Kind = Kind.HARDWARE
    status: UnitStatus
    quantity: int = 1
    source_id: UUID | None = None
    tag: str | None = None
    serial: str | None = None
    balance: int = 0
    came: bool = False
    handovers: tuple[UUID, ...] = ()
    undone: tuple[UUID, ...] = ()
    receipt_id: UUID | None = None


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


def stage_of(process: FulfilmentProcess, lines: Iterable[ProcessLine]) -> Stage:
    """The stage of a process with these lines."""
    lines = tuple(lines)
    if all(line.cancelled == line.wanted for line in lines):
        return Stage.CANCELLED
    if all(line.is_done for line in lines):
        return Stage.COMPLETED
    if process.refused is not None and not (process.cancelling and process.refused == CREATE_ORDER):
        return Stage.STUCK
    if all(line.is_received for line in lines):
        return Stage.HANDING_OVER
    if process.cancelling:
        return Stage.CANCELLING
    return Stage.DELIVERING if all(line.is_ordered for line in lines) else Stage.ORDERING


# How a step is taken

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
    process: FulfilmentProcess | None = None,
    reason: str = "",
    save: Iterable[Record] = (),
    facts: Sequence[Event] = (),
    publish: Iterable[Message] = (),
) -> Decision:
    """Record as a step what was told; if lines or the `process` moved, let its stage and the request's status follow.

    What is told without the process' lines cannot move anything. `facts` are about the request.
    """
    before: FulfilmentProcess = held[FulfilmentProcess, request_id]
    process = replace(process or before, steps=before.steps + 1)
    step = ProcessStep(
        # One message can tell of several requests.
        id=cause.id(f"process_step of {request_id}"),
        request_id=request_id,
        number=process.steps,
        message_type=told.type,
        message_id=cause.message_id,
        at=cause.at,
        summary=summary,
    )
    if lines is None:
        return Decision(save=[process, step, *save], publish=[*publish])
    stage = stage_of(process, lines.values())
    if stage not in TABLE[type(told)][before.stage]:
        raise RuntimeError(f"{told.type} cannot lead from {before.stage} to {stage}")
    if stage is not before.stage:
        process = replace(process, stage=stage, stage_since=cause.at)
    if stage in ENDED:
        process = replace(process, refused=None, problem=None)
    moved = [line for line in lines.values() if line is not held.find(ProcessLine, line.id)]
    request: PurchaseRequest = held[PurchaseRequest, request_id]
    progress = _advance(request, status_of(lines.values()), reason, cause)
    told_of = progress.save or ([request] if facts else [])
    return replace(
        progress,
        save=[*told_of, process, *moved, *save, step],
        publish=[*facts, *progress.publish, *publish],
        schedule=_delivery_deadline(request, lines.values(), held, cause),
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
        request = replace(request, reason=reason or request.reason)
    else:
        said = RequestProgressed(request_id=request.id, number=request.number, status=status)
    if status in (Status.RECEIVED, Status.FULFILLED, Status.CANCELLED):
        return Decision(save=[request], publish=[said], cancel=[timer_id(request.id, DEADLINE)])
    return Decision(save=[request], publish=[said])


def _delivery_deadline(
    request: PurchaseRequest, lines: Iterable[ProcessLine], held: Records, cause: Cause
) -> list[Timer]:
    """From when the last of it is ordered until it is here: the end of the day (UTC) it is needed by, else thirty days
    from now; a day from now at the earliest. Until then it is the order that is awaited."""
    lines, before = tuple(lines), held.all(ProcessLine, request_id=request.id)
    waited = all(line.is_ordered for line in before) and not all(line.is_received for line in before)
    waits = all(line.is_ordered for line in lines) and not all(line.is_received for line in lines)
    if waited or not waits:
        return []
    due_at = cause.at + DELIVER_WITHIN
    if request.needed_by is not None:
        due_at = datetime.combine(request.needed_by, time(23, 59, 59), tzinfo=UTC)
    due_at = max(due_at, cause.at + timedelta(days=1))
    return [
        Timer(of=request.id, name=DEADLINE, due_at=due_at, message=DeliveryOverdue(request_id=request.id))
    ]


# Words

NAMES_SHOWN = 5


def units_of(quantity: int) -> str:
    """So many units, in words."""
    return "1 unit" if quantity == 1 else f"{quantity} units"


def names_of(names: Sequence[str]) -> str:
    """The first few names."""
    shown = ", ".join(names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more"
