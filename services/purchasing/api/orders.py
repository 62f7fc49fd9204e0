"""Orders over HTTP: find them, see one with its lines, requests and invoiced figures, and how all of them stand."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Rejection
from libs.chassis.finding import COUNTED_MAX, PageWanted
from libs.chassis.http import Reading, needs
from libs.chassis.pages import Limit, Page, Plain, Wanted, fields_of
from libs.chassis.preconditions import etag
from libs.contracts.orders import Contract
from libs.contracts.permissions import Action
from libs.contracts.values import AssetCreation, Destination, Kind, Money, money
from services.purchasing.api import order_finding as finding
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.purchase_order import (
    OrderLine,
    OrderName,
    PurchaseOrder,
    Status,
    number_of,
    order_name_id,
)
from services.purchasing.tables import STORAGE, orders_against_lines

router = APIRouter()

_vendors = STORAGE.tables[Vendor]
_items = STORAGE.tables[CatalogItem]
_orders = STORAGE.tables[PurchaseOrder]
_lines = STORAGE.tables[OrderLine]
_names = STORAGE.tables[OrderName]


class OrderSeen(BaseModel):
    """An order in a list. A draft may have no vendor; `requests` are all that it serves.

    `total` is net, `expected_cost` what of it was not cancelled costs with freight and tax. `difference` is what its
    `invoices` bill beyond that, `differs` whether anything about them does; `asked_total` what approvers were asked to
    let it come to, and `awaits` whose approval is still missing: a request's, or the order's own.
    """

    order_id: UUID
    requisition_number: str
    purchase_order_number: str | None
    name: str | None
    status: Status
    status_since: datetime
    revision: int
    amendments: int
    request_id: UUID | None
    requests: list[UUID]
    request_number: str | None
    requester: str | None
    drafted_by: str
    submitted_by: str | None
    vendor_id: UUID | None
    vendor_number: str | None
    vendor_name: str | None
    deliver_to: str
    payment_terms: str | None
    total: Money
    freight: Money
    tax: Money
    expected_cost: Money
    rate: Plain | None
    base_currency: str | None
    asked_total: Money | None
    awaits: list[UUID]
    submitted_at: datetime | None
    expected_on: date | None
    overdue: bool
    closed_at: datetime | None
    invoices: int
    invoiced_net: Money
    invoiced_gross: Money
    difference: Money | None
    differs: bool


class LineSeen(BaseModel):
    """One line and its figures: `open` is still owed to us, `over` is more than was wanted.

    `kept` is what was accepted at the dock and not returned, confirmed as rendered, or entitled to by its submission.
    Each of its units is for the request line, if it names one.
    """

    order_line_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    position: int
    sku: str
    name: str
    kind: Kind
    bundle: str | None
    metric: str | None
    asset_creation: AssetCreation
    warranty_months: int
    catalog_version: int | None
    named_vendor: str | None
    destination: Destination | None
    starts_on: date | None
    ends_on: date | None
    expected_on: date | None
    contract: Contract | None
    approved_unit_price: Plain | None
    offered_price: Plain | None
    unit_price: Plain | None
    price_reason: str | None
    line_total: Money
    tax_percent: Plain
    tax: Money
    ordered: int
    units_made: int
    accepted: int
    rejected: int
    returned: int
    confirmed: int
    entitled: int
    kept: int
    cancelled: int
    open: int
    over: int
    invoiced: int


class OrderInDetail(OrderSeen):
    """An order with its lines, who took goods of it, and the numbers by which it is or was known."""

    lines: list[LineSeen]
    receivers: list[str]
    numbers: list[str]


class Summary(BaseModel):
    """Orders in figures, and the size of the catalog: at least, for those of which there may be `more`."""

    orders: dict[Status, int]
    more: list[Status]
    vendors: int
    catalog_items: int


class OrderDifference(BaseModel):
    """An order whose status or amounts are not what its lines say."""

    order_id: UUID
    status: Status
    derived_status: Status
    total: Plain
    derived_total: Plain
    expected_cost: Plain
    derived_expected_cost: Plain


class OrderVerification(BaseModel):
    """The orders against their lines; no differences is how it must be."""

    orders: int
    lines: int
    differences: list[OrderDifference]


async def _id_of(reference: str, read: AsyncConnection) -> UUID:
    try:
        known = select(_orders.c.id).where(_orders.c.id == UUID(reference))
    except ValueError:
        known = select(_names.c.order_id).where(_names.c.id == order_name_id(reference))
    if isinstance(id := (await read.execute(known)).scalar_one_or_none(), UUID):
        return id
    raise Rejection("order_unknown", message=f"There is no order {reference}.")


async def _order_named(reference: str, request: Request) -> UUID:
    """The connection is back before anything else."""
    async with request.app.state.engine.connect() as connection:
        return await _id_of(reference, connection)


OrderNamedHere = Annotated[UUID, Depends(_order_named)]
"""The id of the order that an address names by its id, requisition number or purchase-order number."""


@router.get("/orders", dependencies=[needs(Action.SEE_ORDERS)])
async def list_orders(
    read: Reading,
    status: Annotated[list[Status] | None, Query(max_length=len(Status))] = None,
    vendor_id: UUID | None = None,
    vendor: Wanted = None,
    request_id: UUID | None = None,
    number: Annotated[
        str | None, Query(max_length=64, pattern=r"^[^\x00]*$", description="Any number it ever had.")
    ] = None,
    currency: Annotated[str | None, Query(pattern=r"^[A-Z]{3}$")] = None,
    differs: bool | None = None,
    overdue: Annotated[bool, Query(description="Only what should have come before today.")] = False,
    submitted_from: date | None = None,
    submitted_to: Annotated[date | None, Query(le=date(9000, 1, 1))] = None,
    search: Annotated[
        str | None,
        Query(max_length=200, pattern=r"^[^\x00]*$", description='Words; "a phrase"; -not this one.'),
    ] = None,
    order: Literal["oldest", "newest"] = "oldest",
    limit: Limit = 100,
    after: Annotated[
        str | None, Query(pattern=r"^PR-[0-9]{6,18}$", description="`next` of the page before.")
    ] = None,
) -> Page[OrderSeen]:
    """Orders in the order in which they were drafted.

    A page can hold less than was asked for and still have a `next`: 10,000 orders are looked at for it.
    """
    if vendor is not None and vendor_id is None:
        found = await read.execute(select(_vendors.c.id).where(_vendors.c.number == vendor))
        vendor_id = found.scalar_one_or_none()
        if vendor_id is None:
            return Page(items=[])
    wish = finding.Wish(
        statuses=tuple(dict.fromkeys(status or ())),
        vendor_id=vendor_id,
        currency=currency,
        differs=differs,
        overdue=overdue,
        submitted_from=submitted_from,
        submitted_to=submitted_to,
        today=_today(),
        search=search,
    )
    last = int(after.removeprefix("PR-")) if after is not None else None
    page = PageWanted(limit, last, newest=order == "newest")
    if number is not None:
        rows, following = await finding.of_number(read, number, wish, page)
    elif request_id is not None:
        rows, following = await finding.of_request(read, request_id, wish, page)
    else:
        rows, following = await finding.find(read, wish, page)
    return Page(items=[_order_seen(row) for row in rows], next=number_of(following) if following else None)


@router.get("/orders/summary", dependencies=[needs(Action.SEE_ORDERS)])
async def summarise(read: Reading) -> Summary:
    """How many orders are in which status, and how many vendors and items there are."""
    counted = await finding.count(read)
    vendors, items = (await read.execute(select(_count(_vendors), _count(_items)))).one()
    return Summary(
        orders={status: min(number, COUNTED_MAX) for status, number in counted.items()},
        more=[status for status, number in counted.items() if number > COUNTED_MAX],
        vendors=vendors,
        catalog_items=items,
    )


@router.get("/orders/verification", dependencies=[needs(Action.SEE_ORDERS)])
async def verify_orders(read: Reading) -> OrderVerification:
    """Derive every order's status and amounts from its lines again."""
    differences = [OrderDifference(**row._mapping) for row in await read.execute(orders_against_lines())]
    orders, lines = (await read.execute(select(_count(_orders), _count(_lines)))).one()
    return OrderVerification(orders=orders, lines=lines, differences=differences)


@router.get("/orders/{reference}", dependencies=[needs(Action.SEE_ORDERS)])
async def show_order(reference: str, read: Reading, response: Response) -> OrderInDetail:
    """One order by its id or any of its numbers, with its lines and their figures. Its ETag is its revision, which is
    what changing it takes."""
    order_id = await _id_of(reference, read)
    order = (await read.execute(select(_orders).where(_orders.c.id == order_id))).one()
    response.headers["ETag"] = etag(order.revision)
    lines = select(_lines).where(_lines.c.order_id == order.id).order_by(_lines.c.position)
    numbers = [order.requisition_number, order.purchase_order_number]
    return OrderInDetail(
        **dict(_order_seen(order)),
        lines=[_line_seen(row, order.currency) for row in await read.execute(lines)],
        receivers=order.receivers,
        numbers=[number for number in numbers if number],
    )


def _order_seen(row: Row[Any]) -> OrderSeen:
    names = ("total", "freight", "tax", "expected_cost", "invoiced_net", "invoiced_gross")
    amounts: dict[str, Any] = {name: money(getattr(row, name), row.currency) for name in names}
    billed = row.invoiced_gross - row.expected_cost
    due = row.status in finding.DUE and row.expected_on is not None
    return OrderSeen(
        order_id=row.id,
        **amounts,
        asked_total=None if row.asked_total is None else money(row.asked_total, row.currency),
        invoices=len(row.invoices),
        difference=money(billed, row.currency) if row.invoices else None,
        overdue=due and row.expected_on < _today(),
        **fields_of(row, "id", "version", "invoices", "asked_total", "currency", *names),
    )


def _line_seen(row: Row[Any], currency: str) -> LineSeen:
    line = STORAGE.rows[OrderLine].decode(row)
    if not isinstance(line, OrderLine):
        raise RuntimeError("a row of another table")
    hidden = {"id", "version", "order_id", "item_id", "asked", "credited", "line_total", "tax", "term_months"}
    hidden |= {"destination_kind", "destination", "lead_time_days", "contract"}
    return LineSeen(
        order_line_id=line.id,
        destination=line.bought_for,
        contract=line.contract,
        line_total=money(line.line_total, currency),
        tax=money(line.tax, currency),
        kept=line.kept,
        cancelled=line.cancelled,
        open=line.open,
        over=line.over,
        **fields_of(row, *hidden),
    )


def _today() -> date:
    return datetime.now(UTC).date()


def _count(table: Any) -> Any:
    return select(func.count()).select_from(table).scalar_subquery()
