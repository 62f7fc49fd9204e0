"""Requests over HTTP: ask, find, change, take back, stop, and see the whole trail."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Actor, Rejection
from libs.chassis.finding import COUNTED_MAX, PageWanted
from libs.chassis.http import JsonBody, Obeying, Person, Reading, needs
from libs.chassis.pages import Limit, Page, Plain, Wanted, fields_of, page_of
from libs.chassis.preconditions import IfMatch, etag, expected_version
from libs.contracts.message import Value
from libs.contracts.permissions import Action
from libs.contracts.requests import CancelRequest, EditRequest, SubmitRequest, Wish, WithdrawRequest
from libs.contracts.values import Destination, DestinationKind, Kind, LongText, Money, PersonId, Text, money
from services.requests.api import finding
from services.requests.api.approvals import ApprovalSeen
from services.requests.api.inbox import may_see
from services.requests.api.naming import RequestNamed, ShareSeen, is_named, line_of, shares_of
from services.requests.api.processes import UNITS_SHOWN, StepSeen, UnitSeen
from services.requests.approval_round import Approval
from services.requests.editing import wish_of
from services.requests.process import FulfilmentProcess, ProcessStep, ProcessUnit, Stage
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import (
    PurchaseRequest,
    RequestLine,
    RequestRevision,
    Status,
    number_of,
    reference_id_of,
)
from services.requests.tables import STORAGE

router = APIRouter()

_requests = STORAGE.tables[PurchaseRequest]
_lines = STORAGE.tables[RequestLine]
_revisions = STORAGE.tables[RequestRevision]
_approvals = STORAGE.tables[Approval]
_processes = STORAGE.tables[FulfilmentProcess]
_progress = STORAGE.tables[ProcessLine]
_units = STORAGE.tables[ProcessUnit]
_steps = STORAGE.tables[ProcessStep]


class NewRequest(Wish):
    """What somebody asks for. The requester is the person who acts; others are named in `on_behalf_of`."""

    external_reference: Text | None = None
    requester: PersonId | None = None
    on_behalf_of: PersonId | None = None


class TakenBack(Value):
    """Why it is not wanted any longer."""

    reason: LongText = ""


class Stopped(Value):
    """Why it is not wanted any longer; whoever has worked on it wants to know."""

    reason: Annotated[LongText, Field(min_length=1)]


class RequestSubmittedSeen(BaseModel):
    """The request exists; it may be approved already."""

    request_id: UUID
    number: str


class RequestEditedSeen(RequestSubmittedSeen):
    """The request is at this revision now."""

    revision: int


class RequestSeen(BaseModel):
    """A request in a list. `version` counts everything that happened to it and is its ETag."""

    request_id: UUID
    number: str
    version: int
    status: Status
    status_since: datetime
    source: str
    external_reference: str | None
    requester: str
    on_behalf_of: str | None
    submitted_by: str
    edited_by: str | None
    cost_centre: str | None
    justification: str
    needed_by: date | None
    deliver_to: str | None
    total: Money
    approved_total: Money | None
    submitted_at: datetime
    revision: int
    reason: str
    message_id: UUID


class LineSeen(BaseModel):
    """One line and how many of its units have come how far; the figures are empty until it is approved.

    A part of a bundle says of which, and how many of that were asked for.
    """

    request_line_id: UUID
    position: int
    sku: str | None
    name: str
    kind: Kind
    catalog_version: int | None
    quantity: int
    unit_price: Plain
    line_total: Money
    vendor: str | None
    vendor_named: bool
    destination: Destination
    bundle: str | None
    bundle_quantity: int | None
    ordered: int | None = None
    cancelled: int | None = None
    received: int | None = None
    assigned: int | None = None
    done: bool | None = None
    order_lines: list[ShareSeen] = []


class RequestInDetail(RequestSeen):
    """A request with its whole trail: of the units that arrived the first thousand.

    `stage` is what its fulfilment waits for; `problem`, `refusals` and `overdue` are what a person should look at.
    """

    lines: list[LineSeen]
    approvals: list[ApprovalSeen]
    stage: Stage | None
    problem: str | None
    refusals: int
    overdue: int
    steps: list[StepSeen]
    units: list[UnitSeen]


class RevisionSeen(BaseModel):
    """What was wanted in one revision, from who changed it; the first one is what was sent."""

    number: int
    content: UUID
    wish: Wish
    total: Money
    edited_by: str
    at: datetime


class Summary(BaseModel):
    """How many requests are in which status: at least, for those of which there may be `more` than were counted."""

    requests: dict[Status, int]
    more: list[Status]


@router.post(
    "/requests",
    status_code=201,
    response_model=RequestSubmittedSeen,
    dependencies=[needs(Action.SUBMIT_REQUESTS)],
)
async def submit_request(request: JsonBody[NewRequest], obey: Obeying) -> Response:
    """Ask for something: from the catalog, or whatever no catalog lists."""
    return await obey(SubmitRequest(**{**dict(request), "requester": request.requester or obey.person}))


@router.get("/requests", dependencies=[needs(Action.SEE_OWN_REQUESTS)])
async def list_requests(
    read: Reading,
    actor: Person,
    status: Annotated[list[Status] | None, Query(max_length=len(Status))] = None,
    requester: Wanted = None,
    on_behalf_of: Wanted = None,
    cost_centre: Wanted = None,
    source: Wanted = None,
    external_reference: Wanted = None,
    needed_until: Annotated[date | None, Query(description="Needed by this day or before.")] = None,
    search: Annotated[
        str | None,
        Query(max_length=200, pattern=r"^[^\x00]*$", description='Words; "a phrase"; -not this one.'),
    ] = None,
    order: Literal["oldest", "newest"] = "oldest",
    limit: Limit = 100,
    after: Annotated[
        str | None, Query(pattern=r"^REQ-[0-9]{6,18}$", description="`next` of the page before.")
    ] = None,
) -> Page[RequestSeen]:
    """Requests in the order in which they came: one's own, or all for who may see them.

    A page can hold less than was asked for and still have a `next`: 10,000 requests are looked at for it.
    """
    equal = {
        "requester": requester,
        "on_behalf_of": on_behalf_of,
        "cost_centre": cost_centre,
        "source": source,
    }
    wish = finding.Wish(
        {name: value for name, value in equal.items() if value is not None},
        statuses=status or (),
        filters=() if needed_until is None else (lambda columns: columns.needed_by <= needed_until,),
        search=search,
    )
    last = int(after.removeprefix("REQ-")) if after is not None else None
    page = PageWanted(limit, last, newest=order == "newest")
    if external_reference is not None:
        found = finding.of_reference(read, actor, reference_id_of(external_reference), wish, page)
    else:
        found = finding.find(read, actor, wish, page)
    rows, following = await found
    return Page(items=[_request_seen(row) for row in rows], next=number_of(following) if following else None)


@router.get("/summary", dependencies=[needs(Action.SEE_OWN_REQUESTS)])
async def summarise(read: Reading, actor: Person) -> Summary:
    """How many requests are in which status, of one's own or of all."""
    counted = await finding.count(read, actor)
    some = sum(counted.values()) if not actor.may(Action.SEE_ALL_REQUESTS) else 0
    return Summary(
        requests={status: min(number, COUNTED_MAX) for status, number in counted.items()},
        more=[status for status, number in counted.items() if max(number, some) > COUNTED_MAX],
    )


@router.get("/requests/{reference}", dependencies=[needs(Action.SEE_OWN_REQUESTS)])
async def show_request(reference: str, read: Reading, actor: Person, response: Response) -> RequestInDetail:
    """One request by its id or number, with everything that happened to it; its ETag is what changing it takes.

    One that is not one's own, and that one need not decide on, is as unknown as one that does not exist.
    """
    request = await _shown(reference, read, actor)
    response.headers["ETag"] = etag(request.version)
    lines = (await read.execute(_of(request, _lines, "position").where(~_lines.c.withdrawn))).all()
    progress = {row.id: line_of(row) for row in await read.execute(_of(request, _progress, "id"))}
    process = (await read.execute(select(_processes).where(_processes.c.id == request.id))).one_or_none()
    units = await read.execute(_of(request, _units, "id").limit(UNITS_SHOWN))
    return RequestInDetail(
        **dict(_request_seen(request)),
        lines=[_line_seen(line, progress.get(line.id), request.currency) for line in lines],
        approvals=[
            ApprovalSeen(**fields_of(row)) for row in await read.execute(_of(request, _approvals, "at"))
        ],
        stage=process.stage if process else None,
        problem=process.problem if process else None,
        refusals=process.refusals if process else 0,
        overdue=process.overdue if process else 0,
        steps=[StepSeen(**fields_of(row)) for row in await read.execute(_of(request, _steps, "number"))],
        units=[_unit_seen(row) for row in units],
    )


@router.get("/requests/{reference}/units", dependencies=[needs(Action.SEE_OWN_REQUESTS)])
async def list_units(
    reference: str, read: Reading, actor: Person, limit: Limit = 100, after: UUID | None = None
) -> Page[UnitSeen]:
    """Everything that arrived for a request, by its id."""
    request = await _shown(reference, read, actor)
    mine = select(_units).where(_units.c.request_id == request.id)
    rows, following = await page_of(read, mine, _units.c.id, limit, after)
    return Page(items=[_unit_seen(row) for row in rows], next=following)


@router.get("/requests/{reference}/revisions", dependencies=[needs(Action.SEE_OWN_REQUESTS)])
async def list_revisions(reference: str, read: Reading, actor: Person) -> list[RevisionSeen]:
    """What was wanted in every revision, the first one first."""
    request = await _shown(reference, read, actor)
    rows = (await read.execute(_of(request, _revisions, "number"))).all()
    if not rows and request.content is not None:
        return [await _only_revision(request, read)]
    return [
        RevisionSeen(
            wish=Wish.model_validate(row.wish, strict=False),
            total=money(row.total, row.currency),
            **fields_of(row, "wish", "total"),
        )
        for row in rows
    ]


@router.put(
    "/requests/{reference}",
    response_model=RequestEditedSeen,
    dependencies=[needs(Action.EDIT_OWN_REQUESTS, Action.EDIT_ALL_REQUESTS)],
)
async def edit_request(
    request_id: RequestNamed, wish: JsonBody[Wish], obey: Obeying, if_match: IfMatch = None
) -> Response:
    """Replace what is wanted, as long as it is not approved and is still what was seen."""
    return await obey(
        EditRequest(request_id=request_id, expected_version=expected_version(if_match), **dict(wish)),
        status=200,
    )


@router.post(
    "/requests/{reference}/withdrawal",
    response_model=RequestSubmittedSeen,
    dependencies=[needs(Action.EDIT_OWN_REQUESTS, Action.EDIT_ALL_REQUESTS)],
)
async def withdraw_request(request_id: RequestNamed, why: JsonBody[TakenBack], obey: Obeying) -> Response:
    """Take a request back before it is approved."""
    return await obey(WithdrawRequest(request_id=request_id, reason=why.reason), status=200)


@router.post(
    "/requests/{reference}/cancellation",
    response_model=RequestSubmittedSeen,
    dependencies=[needs(Action.CANCEL_REQUESTS)],
)
async def cancel_request(request_id: RequestNamed, why: JsonBody[Stopped], obey: Obeying) -> Response:
    """Stop a request wherever it is: what is open is cancelled, what has arrived stays."""
    return await obey(CancelRequest(request_id=request_id, reason=why.reason), status=200)


async def _only_revision(row: Row[Any], read: AsyncConnection) -> RevisionSeen:
    lines = await read.execute(_of(row, _lines, "position"))
    return RevisionSeen(
        number=row.revision,
        content=row.content,
        wish=wish_of(
            PurchaseRequest(**row._mapping),
            [RequestLine(**{**line._mapping, **_as_decided(line)}) for line in lines],
        ),
        total=money(row.total, row.currency),
        edited_by=row.submitted_by,
        at=row.submitted_at,
    )


def _as_decided(line: Row[Any]) -> dict[str, object]:
    return {"kind": Kind(line.kind), "destination_kind": DestinationKind(line.destination_kind)}


async def _shown(reference: str, read: Reading, actor: Actor) -> Row[Any]:
    query = select(_requests).where(is_named(reference))
    request = (await read.execute(query)).one_or_none()
    if request is None or not await may_see(read, actor, request):
        raise Rejection("request_unknown", message=f"There is no request {reference}.")
    return request


def _of(request: Row[Any], table: Any, order_by: str) -> Any:
    return select(table).where(table.c.request_id == request.id).order_by(table.c[order_by])


def _request_seen(row: Row[Any]) -> RequestSeen:
    approved = money(row.approved_total, row.currency) if row.approved_total is not None else None
    return RequestSeen(
        request_id=row.id,
        total=money(row.total, row.currency),
        approved_total=approved,
        **fields_of(row, "total", "approved_total"),
    )


def _unit_seen(row: Row[Any]) -> UnitSeen:
    return UnitSeen(unit_id=row.id, request_line_id=row.line_id, **fields_of(row, "id"))


def _line_seen(row: Row[Any], progress: ProcessLine | None, currency: str) -> LineSeen:
    seen = LineSeen(
        request_line_id=row.id,
        line_total=money(row.line_total, currency),
        destination=Destination(kind=DestinationKind(row.destination_kind), name=row.destination_name),
        **fields_of(row, "line_total"),
    )
    if progress is None:
        return seen
    figures = {name: getattr(progress, name) for name in ("ordered", "cancelled", "received", "assigned")}
    return seen.model_copy(update={**figures, "done": progress.is_done, "order_lines": shares_of(progress)})
