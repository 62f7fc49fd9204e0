"""Purchasing over HTTP: complete, submit and cancel orders, confirm services, and see how far all of it is."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, func, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, fields_of, matching, named, page_of
from libs.contracts.message import Value
from libs.contracts.orders import CancelOneOrder, CompletedLine, CompleteOrder, ConfirmService, SubmitOrder
from libs.contracts.permissions import Action
from libs.contracts.purchasing import CancelOrder
from libs.contracts.values import (
    AssetCreation,
    Code,
    Currency,
    Destination,
    Kind,
    LongText,
    Money,
    Quantity,
    money,
)
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status
from services.purchasing.tables import STORAGE, orders_against_lines

router = APIRouter()

_vendors = STORAGE.tables[Vendor]
_items = STORAGE.tables[CatalogItem]
_orders = STORAGE.tables[PurchaseOrder]
_lines = STORAGE.tables[OrderLine]


class Reason(Value):
    """Why something is taken back."""

    reason: Annotated[LongText, Field(min_length=1)]


class Completion(Value):
    """Vendor and prices of a draft; what is not named stays as it is."""

    vendor_number: Code | None = None
    currency: Currency
    lines: Annotated[tuple[CompletedLine, ...], Field(max_length=100)] = ()


class Confirmation(Value):
    """How many units of a service were rendered; all that are open if it is not said."""

    quantity: Quantity | None = None


class OrderNamed(BaseModel):
    """An order by its id and its number."""

    order_id: UUID
    requisition_number: str


class OrdersCancelled(BaseModel):
    """The orders of which everything open was cancelled; none if it came before them, or when all had arrived."""

    request_id: UUID
    orders: list[OrderNamed]


class OrderAdvanced(OrderNamed):
    """Where an order stands now, at which revision."""

    status: Status
    revision: int


class ServiceDone(BaseModel):
    """How much of a service was rendered so far, and how much is open."""

    order_id: UUID
    order_line_id: UUID
    confirmed: int
    open: int


class OrderSeen(OrderNamed):
    """An order in a list. A draft may have no vendor; `asked_total` is what approvers were asked to let it come to."""

    status: Status
    status_since: datetime
    revision: int
    request_id: UUID | None
    request_number: str | None
    requester: str | None
    vendor_id: UUID | None
    vendor_number: str | None
    vendor_name: str | None
    deliver_to: str
    total: Money
    asked_total: Money | None
    submitted_at: datetime | None


class LineSeen(BaseModel):
    """One line and its figures: `open` is still owed to us, `over` is more than was wanted.

    `kept` is what was accepted at the dock, confirmed as rendered, or entitled to by its submission.
    """

    order_line_id: UUID
    request_line_id: UUID | None
    position: int
    sku: str
    name: str
    kind: Kind
    asset_creation: AssetCreation
    warranty_months: int
    catalog_version: int | None
    named_vendor: str | None
    destination: Destination | None
    starts_on: date | None
    ends_on: date | None
    approved_unit_price: Decimal | None
    unit_price: Decimal | None
    line_total: Money
    ordered: int
    accepted: int
    rejected: int
    confirmed: int
    entitled: int
    kept: int
    cancelled: int
    open: int
    over: int


class OrderInDetail(OrderSeen):
    """An order with its lines."""

    lines: list[LineSeen]


class Summary(BaseModel):
    """Orders in figures, and the size of the catalog."""

    orders: dict[Status, int]
    vendors: int
    catalog_items: int


class OrderDifference(BaseModel):
    """An order whose status or amounts are not what its lines say."""

    order_id: UUID
    status: Status
    derived_status: Status
    total: Decimal
    derived_total: Decimal
    expected_cost: Decimal
    derived_expected_cost: Decimal


class OrderVerification(BaseModel):
    """The orders against their lines; no differences is how it must be."""

    orders: int
    lines: int
    differences: list[OrderDifference]


async def _order_named(reference: str, request: Request) -> UUID:
    """By its id or requisition number; the connection is back before anything else."""
    found = select(_orders.c.id).where(named(reference, _orders.c.id, _orders.c.requisition_number))
    async with request.app.state.engine.connect() as connection:
        id = (await connection.execute(found)).scalar_one_or_none()
    if isinstance(id, UUID):
        return id
    raise Rejection("order_unknown", message=f"There is no order {reference}.")


OrderNamedHere = Annotated[UUID, Depends(_order_named)]
"""The id of the order that an address names by its id or requisition number."""


@router.get("/orders", dependencies=[needs(Action.SEE_ORDERS)])
async def list_orders(
    read: Reading,
    request_id: UUID | None = None,
    status: Status | None = None,
    vendor_id: UUID | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[OrderSeen]:
    """Orders by requisition number."""
    wanted = {
        _orders.c.request_id: request_id,
        _orders.c.status: status,
        _orders.c.vendor_id: vendor_id,
    }
    query = matching(select(_orders), wanted)
    rows, following = await page_of(read, query, _orders.c.requisition_number, limit, after)
    return Page(items=[_order_seen(row) for row in rows], next=following)


@router.get("/orders/summary", dependencies=[needs(Action.SEE_ORDERS)])
async def summarise(read: Reading) -> Summary:
    """How many orders are in which status, and how many vendors and items there are."""
    rows = await read.execute(select(_orders.c.status, func.count()).group_by(_orders.c.status))
    counted = {Status(status): count for status, count in rows}
    vendors, items = (await read.execute(select(_count(_vendors), _count(_items)))).one()
    return Summary(
        orders={status: counted.get(status, 0) for status in Status}, vendors=vendors, catalog_items=items
    )


@router.get("/orders/verification", dependencies=[needs(Action.SEE_ORDERS)])
async def verify_orders(read: Reading) -> OrderVerification:
    """Derive every order's status and total from its lines again."""
    differences = [OrderDifference(**row._mapping) for row in await read.execute(orders_against_lines())]
    orders, lines = (await read.execute(select(_count(_orders), _count(_lines)))).one()
    return OrderVerification(orders=orders, lines=lines, differences=differences)


@router.put(
    "/orders/{reference}/lines", response_model=OrderAdvanced, dependencies=[needs(Action.MANAGE_ORDERS)]
)
async def complete_order(
    order_id: OrderNamedHere, completion: JsonBody[Completion], obey: Obeying
) -> Response:
    """Set vendor and prices of an order that was not submitted yet."""
    return await obey(CompleteOrder(order_id=order_id, **dict(completion)), status=200)


@router.post(
    "/orders/{reference}/submission",
    status_code=200,
    response_model=OrderAdvanced,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def submit_order(order_id: OrderNamedHere, obey: Obeying) -> Response:
    """Place a draft that is complete. If it costs more than was approved it waits until that is."""
    return await obey(SubmitOrder(order_id=order_id), status=200)


@router.post(
    "/orders/{reference}/cancellation",
    status_code=200,
    response_model=OrderNamed,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def cancel_one_order(order_id: OrderNamedHere, why: JsonBody[Reason], obey: Obeying) -> Response:
    """Cancel what is open of one order; the request's other orders stay."""
    return await obey(CancelOneOrder(order_id=order_id, reason=why.reason), status=200)


@router.post(
    "/orders/{reference}/lines/{order_line_id}/confirmations",
    status_code=201,
    response_model=ServiceDone,
    dependencies=[needs(Action.CONFIRM_SERVICES)],
)
async def confirm_service(
    order_id: OrderNamedHere, order_line_id: UUID, done: JsonBody[Confirmation], obey: Obeying
) -> Response:
    """Say that a service was rendered."""
    return await obey(ConfirmService(order_id=order_id, order_line_id=order_line_id, quantity=done.quantity))


@router.get("/orders/{reference}", dependencies=[needs(Action.SEE_ORDERS)])
async def show_order(reference: str, read: Reading) -> OrderInDetail:
    """One order by its id or requisition number, with its lines and their figures."""
    query = select(_orders).where(named(reference, _orders.c.id, _orders.c.requisition_number))
    order = (await read.execute(query)).one_or_none()
    if order is None:
        raise Rejection("order_unknown", message=f"There is no order {reference}.")
    lines = select(_lines).where(_lines.c.order_id == order.id).order_by(_lines.c.position)
    return OrderInDetail(
        **dict(_order_seen(order)),
        lines=[_line_seen(row, order.currency) for row in await read.execute(lines)],
    )


@router.post(
    "/orders/{request_id}/cancel",
    status_code=200,
    response_model=OrdersCancelled,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def cancel_orders(request_id: UUID, why: JsonBody[Reason], obey: Obeying) -> Response:
    """Cancel what is open of all orders of a request, also of those that are still to be made."""
    return await obey(CancelOrder(request_id=request_id, reason=why.reason), status=200)


def _order_seen(row: Row[Any]) -> OrderSeen:
    return OrderSeen(
        order_id=row.id,
        total=money(row.total, row.currency),
        asked_total=None if row.asked_total is None else money(row.asked_total, row.currency),
        **fields_of(row, "id", "version", "total", "asked_total", "currency"),
    )


def _line_seen(row: Row[Any], currency: str) -> LineSeen:
    line = OrderLine(**row._mapping)
    hidden = {"id", "version", "order_id", "request_id", "item_id", "asked", "line_total"}
    hidden |= {"destination_kind", "destination"}
    return LineSeen(
        order_line_id=line.id,
        destination=line.bought_for,
        line_total=money(line.line_total, currency),
        kept=line.kept,
        cancelled=line.cancelled,
        open=line.open,
        over=line.over,
        **fields_of(row, *hidden),
    )


def _count(table: Any) -> Any:
    return select(func.count()).select_from(table).scalar_subquery()
