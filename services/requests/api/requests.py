"""Requests over HTTP: submit, decide, and see the whole trail of a request."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Row, func, or_, select, true

from libs.chassis.decision import Actor, Rejection
from libs.chassis.http import JsonBody, Obeying, Person, Reading, needs
from libs.chassis.pages import After, Limit, Page, Wanted, fields_of, matching, named, page_of
from libs.contracts.message import Value
from libs.contracts.permissions import Action
from libs.contracts.requests import RenewCopies, RequestedLine, SubmitRequest
from libs.contracts.values import (
    Code,
    Currency,
    Destination,
    DestinationKind,
    Kind,
    LongText,
    Money,
    PersonId,
    Text,
    money,
)
from services.requests.api.approvals import ApprovalSeen
from services.requests.api.inbox import may_see
from services.requests.approval_round import Approval
from services.requests.copies import CatalogEntry
from services.requests.process import FulfilmentProcess, ProcessLine, ProcessStep, ProcessUnit, UnitStatus
from services.requests.purchase_request import PurchaseRequest, RequestLine, Status
from services.requests.tables import STORAGE

router = APIRouter()

_requests = STORAGE.tables[PurchaseRequest]
_lines = STORAGE.tables[RequestLine]
_approvals = STORAGE.tables[Approval]
_processes = STORAGE.tables[FulfilmentProcess]
_progress = STORAGE.tables[ProcessLine]
_units = STORAGE.tables[ProcessUnit]
_steps = STORAGE.tables[ProcessStep]
_entries = STORAGE.tables[CatalogEntry]


class NewRequest(Value):
    """What somebody asks for. The requester is the person who acts; others are named in `on_behalf_of`."""

    external_reference: Text | None = None
    requester: PersonId | None = None
    on_behalf_of: PersonId | None = None
    cost_centre: Code | None = None
    justification: LongText = ""
    needed_by: date | None = None
    deliver_to: Code
    currency: Currency
    lines: Annotated[tuple[RequestedLine, ...], Field(min_length=1, max_length=100)]


class RequestSubmittedSeen(BaseModel):
    """The request exists; it may be approved already."""

    request_id: UUID
    number: str
    revision: int
    status: Status


class RequestSeen(BaseModel):
    """A request in a list."""

    request_id: UUID
    number: str
    status: Status
    status_since: datetime
    source: str
    external_reference: str | None
    requester: str
    on_behalf_of: str | None
    cost_centre: str | None
    justification: str
    needed_by: date | None
    deliver_to: str | None
    total: Money
    submitted_at: datetime
    submitted_by: str
    revision: int
    reason: str
    message_id: UUID


class LineSeen(BaseModel):
    """One line and how many of its units have come how far; the figures are empty until it is approved."""

    request_line_id: UUID
    position: int
    sku: str | None
    name: str
    kind: Kind
    catalog_version: int | None
    quantity: int
    unit_price: Decimal
    line_total: Money
    vendor: str | None
    destination: Destination
    ordered: int | None = None
    cancelled: int | None = None
    received: int | None = None
    assigned: int | None = None
    done: bool | None = None


class UnitSeen(BaseModel):
    """One unit that arrived for the request."""

    asset_id: UUID
    request_line_id: UUID | None
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


class RequestInDetail(RequestSeen):
    """A request with its whole trail. `refusals` and `overdue` count what a person should look at."""

    lines: list[LineSeen]
    approvals: list[ApprovalSeen]
    refusals: int
    overdue: int
    steps: list[StepSeen]
    units: list[UnitSeen]


class EntrySeen(BaseModel):
    """A catalog item as this service knows it; `version` is purchasing's."""

    item_id: UUID
    version: int
    sku: str
    name: str
    kind: Kind
    unit_price: Decimal
    currency: str
    active: bool


class Summary(BaseModel):
    """How many requests are in which status."""

    requests: dict[Status, int]


@router.post(
    "/requests",
    status_code=201,
    response_model=RequestSubmittedSeen,
    dependencies=[needs(Action.SUBMIT_REQUESTS)],
)
async def submit_request(request: JsonBody[NewRequest], obey: Obeying) -> Response:
    """Ask for something from the catalog."""
    if request.requester not in (None, obey.person):
        raise Rejection("not_entitled", field="requester", message="Ask for others by naming on_behalf_of.")
    return await obey(SubmitRequest(**{**dict(request), "requester": obey.person}))


@router.get("/requests", dependencies=[needs(Action.SEE_OWN_REQUESTS)])
async def list_requests(
    read: Reading,
    actor: Person,
    status: Status | None = None,
    requester: Wanted = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[RequestSeen]:
    """Requests by number: one's own, or all for who may see them."""
    query = matching(
        select(_requests).where(_seen_by(actor)),
        {_requests.c.status: status, _requests.c.requester: requester},
    )
    rows, following = await page_of(read, query, _requests.c.number, limit, after)
    return Page(items=[_request_seen(row) for row in rows], next=following)


@router.get("/requests/summary", dependencies=[needs(Action.SEE_OWN_REQUESTS)])
async def summarise(read: Reading, actor: Person) -> Summary:
    """How many requests are in which status, of one's own or of all."""
    statuses = select(_requests.c.status, func.count()).where(_seen_by(actor))
    rows = await read.execute(statuses.group_by(_requests.c.status))
    counted = {Status(status): count for status, count in rows}
    return Summary(requests={status: counted.get(status, 0) for status in Status})


@router.get("/requests/{reference}", dependencies=[needs(Action.SEE_OWN_REQUESTS)])
async def show_request(reference: str, read: Reading, actor: Person) -> RequestInDetail:
    """One request by its id or number, with everything that happened to it.

    One that is not one's own, and that one need not decide on, is as unknown as one that does not exist.
    """
    query = select(_requests).where(named(reference, _requests.c.id, _requests.c.number))
    request = (await read.execute(query)).one_or_none()
    if request is None or not await may_see(read, actor, request):
        raise Rejection("request_unknown", message=f"There is no request {reference}.")
    lines = (await read.execute(_of(request, _lines, "position"))).all()
    progress = {
        row.id: ProcessLine(**row._mapping) for row in await read.execute(_of(request, _progress, "id"))
    }
    process = (await read.execute(select(_processes).where(_processes.c.id == request.id))).one_or_none()
    hidden = ("id", "version", "request_id")
    return RequestInDetail(
        **dict(_request_seen(request)),
        lines=[_line_seen(line, progress.get(line.id), request.currency) for line in lines],
        approvals=[
            ApprovalSeen(**fields_of(row, *hidden))
            for row in await read.execute(_of(request, _approvals, "at"))
        ],
        refusals=process.refusals if process else 0,
        overdue=process.overdue if process else 0,
        steps=[
            StepSeen(**fields_of(row, *hidden)) for row in await read.execute(_of(request, _steps, "number"))
        ],
        units=[
            UnitSeen(asset_id=row.id, request_line_id=row.line_id, **fields_of(row, *hidden, "line_id"))
            for row in await read.execute(_of(request, _units, "tag"))
        ],
    )


@router.get("/catalog-entries", dependencies=[needs(Action.SEE_CATALOG)])
async def list_catalog_entries(read: Reading, limit: Limit = 100, after: After = None) -> Page[EntrySeen]:
    """What this service knows of the catalog, by SKU."""
    rows, following = await page_of(read, select(_entries), _entries.c.sku, limit, after)
    items = [
        EntrySeen(version=row.sequence, **fields_of(row, "id", "version", "sequence", "vendor_id"))
        for row in rows
    ]
    return Page(items=items, next=following)


@router.post(
    "/copies/renewal", status_code=202, response_model=None, dependencies=[needs(Action.RENEW_COPIES)]
)
async def renew_copies(obey: Obeying) -> Response:
    """Ask purchasing to say every catalog item again, for instance after this database was restored."""
    return await obey(RenewCopies(), status=202)


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """One's own requests, unless all may be seen."""
    if actor.may(Action.SEE_ALL_REQUESTS):
        return true()
    columns = _requests.c
    own = (columns.requester, columns.on_behalf_of, columns.submitted_by, columns.source)
    return or_(*(column == actor.id for column in own))


def _of(request: Row[Any], table: Any, order_by: str) -> Any:
    return select(table).where(table.c.request_id == request.id).order_by(table.c[order_by])


def _request_seen(row: Row[Any]) -> RequestSeen:
    seen = fields_of(row, "id", "total")
    return RequestSeen(request_id=row.id, total=money(row.total, row.currency), **seen)


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
    return seen.model_copy(update={**figures, "done": progress.is_done})
