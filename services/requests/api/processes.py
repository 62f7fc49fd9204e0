"""The fulfilment workflow over HTTP: where a process stands, what it waits for until when, and going on with it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy import func, select, tuple_, union_all

from libs.chassis import schema
from libs.chassis.decision import Rejection, timer_id
from libs.chassis.finding import COUNTED_MAX
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import Limit, Page, fields_of
from libs.contracts.message import Value
from libs.contracts.permissions import Action
from libs.contracts.requests import RetryFulfilment
from libs.contracts.values import DestinationKind, Kind, LongText
from services.requests.api.naming import RequestNamed, line_of
from services.requests.process import (
    DEADLINE,
    FulfilmentProcess,
    ProcessStep,
    ProcessUnit,
    Stage,
    UnitStatus,
)
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import PurchaseRequest, Status
from services.requests.tables import STORAGE

router = APIRouter()

_requests = STORAGE.tables[PurchaseRequest]
_processes = STORAGE.tables[FulfilmentProcess]
_lines = STORAGE.tables[ProcessLine]
_units = STORAGE.tables[ProcessUnit]
_steps = STORAGE.tables[ProcessStep]

UNITS_SHOWN = 1_000
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


class ProcessSeen(BaseModel):
    """A process in a list; `problem` is what was said when the command `refused` was."""

    request_id: UUID
    number: str
    status: Status
    stage: Stage
    stage_since: datetime
    started_at: datetime
    cancelling: bool
    refused: str | None
    problem: str | None
    refusals: int
    overdue: int


class ProcessLineSeen(BaseModel):
    """How many units of a line have come how far."""

    request_line_id: UUID
    kind: Kind
    destination_kind: DestinationKind
    destination_name: str | None
    wanted: int
    ordered: int
    cancelled: int
    received: int
    claimed: int
    assigned: int
    done: bool


class UnitSeen(BaseModel):
    """Something that arrived: an asset, so many of a consumable, an entitlement."""

    unit_id: UUID
    request_line_id: UUID | None
    kind: Kind
    quantity: int
    status: UnitStatus
    tag: str | None
    serial: str | None


class StepSeen(BaseModel):
    """One thing that happened, and the message that told."""

    number: int
    at: datetime
    message_type: str
    message_id: UUID
    summary: str


class TimerSeen(BaseModel):
    """What the process says to itself, and when."""

    message_type: str
    due_at: datetime


class ProcessInDetail(ProcessSeen):
    """A process with all it remembers; of the units the first thousand."""

    lines: list[ProcessLineSeen]
    units: list[UnitSeen]
    steps: list[StepSeen]
    timers: list[TimerSeen]
    next_deadline: datetime | None


class Retry(Value):
    """Why it should work now."""

    reason: LongText = ""


class RetriedSeen(BaseModel):
    """How many commands were given once more."""

    request_id: UUID
    number: str
    commands: int


class ProcessSummary(BaseModel):
    """How many processes are in which stage: at least, for those of which there are `more` than were counted."""

    processes: dict[Stage, int]
    more: list[Stage]


@router.get("/processes", dependencies=[needs(Action.SEE_ALL_REQUESTS)])
async def list_processes(
    read: Reading,
    stage: Stage | None = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
) -> Page[ProcessSeen]:
    """Processes, by the ids of their requests; of one stage, for instance the ones that are stuck."""
    query = select(_processes, _requests.c.number, _requests.c.status).join(
        _requests, _requests.c.id == _processes.c.id
    )
    if stage is not None:
        query = query.where(_processes.c.stage == stage)
    if after is not None:
        query = query.where(_processes.c.id > after)
    rows = (await read.execute(query.order_by(_processes.c.id).limit(limit + 1))).all()
    items = [ProcessSeen(request_id=row.id, **fields_of(row, "id")) for row in rows[:limit]]
    return Page(items=items, next=str(rows[limit - 1].id) if len(rows) > limit else None)


@router.get("/processes/summary", dependencies=[needs(Action.SEE_ALL_REQUESTS)])
async def summarise_processes(read: Reading) -> ProcessSummary:
    """How many processes are in which stage."""
    key, some = (_processes.c.stage, _processes.c.id), []
    for stage in Stage:
        # A bound on the whole key of the index, because no other one is in this order.
        of_stage = select(*key).where(tuple_(*key) >= (stage, _FIRST), tuple_(*key) <= (stage, _LAST))
        some.append(select(of_stage.order_by(*key).limit(COUNTED_MAX + 1).subquery()))
    together = union_all(*some).subquery()
    query = select(together.c.stage, func.count()).group_by(together.c.stage)
    counted = {Stage(stage): count for stage, count in await read.execute(query)}
    return ProcessSummary(
        processes={stage: min(counted.get(stage, 0), COUNTED_MAX) for stage in Stage},
        more=[stage for stage, number in counted.items() if number > COUNTED_MAX],
    )


@router.get("/requests/{reference}/process", dependencies=[needs(Action.SEE_ALL_REQUESTS)])
async def show_process(request_id: RequestNamed, read: Reading) -> ProcessInDetail:
    """What happened to an approved request, what it waits for, and until when."""
    query = select(_processes, _requests.c.number, _requests.c.status).join(
        _requests, _requests.c.id == _processes.c.id
    )
    process = (await read.execute(query.where(_processes.c.id == request_id))).one_or_none()
    if process is None:
        raise Rejection("process_unknown", message="The request was not approved, or there is none.")
    lines = await read.execute(select(_lines).where(_lines.c.request_id == request_id).order_by(_lines.c.id))
    units = await read.execute(
        select(_units).where(_units.c.request_id == request_id).order_by(_units.c.id).limit(UNITS_SHOWN)
    )
    steps = await read.execute(
        select(_steps).where(_steps.c.request_id == request_id).order_by(_steps.c.number)
    )
    set_timers = select(schema.timers).where(schema.timers.c.id == timer_id(request_id, DEADLINE))
    timers = [TimerSeen(message_type=row.type, due_at=row.due_at) for row in await read.execute(set_timers)]
    return ProcessInDetail(
        **fields_of(process, "id", "steps"),
        request_id=process.id,
        lines=[
            ProcessLineSeen(
                request_line_id=line.id,
                cancelled=line.cancelled,
                done=line.is_done,
                **{
                    name: getattr(line, name)
                    for name in ProcessLineSeen.model_fields
                    if name not in ("request_line_id", "cancelled", "done")
                },
            )
            for line in map(line_of, lines)
        ],
        units=[
            UnitSeen(unit_id=row.id, request_line_id=row.line_id, **fields_of(row, "id")) for row in units
        ],
        steps=[StepSeen(**fields_of(row)) for row in steps],
        timers=timers,
        next_deadline=min((timer.due_at for timer in timers), default=None),
    )


@router.post(
    "/requests/{reference}/process/retry",
    response_model=RetriedSeen,
    dependencies=[needs(Action.MANAGE_PROCESSES)],
)
async def retry_process(request_id: RequestNamed, again: JsonBody[Retry], obey: Obeying) -> Response:
    """Give the commands once more whose refusal the process is stuck with."""
    return await obey(RetryFulfilment(request_id=request_id, reason=again.reason), status=200)
