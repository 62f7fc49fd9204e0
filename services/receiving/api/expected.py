"""What the dock expects, over HTTP, and the dock in figures."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Rejection
from libs.chassis.http import Reading, needs
from libs.chassis.pages import After, Limit, Page, Wanted, fields_of, matching, named, page_of
from libs.contracts.permissions import Action
from libs.contracts.values import UNITS_PER_FACT, Kind
from services.receiving.expectation import (
    RECEIVED_KINDS,
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    OrderName,
    UnitStatus,
    order_name_id,
)
from services.receiving.place import Place
from services.receiving.receipt import Receipt
from services.receiving.tables import STORAGE

router = APIRouter()

_places = STORAGE.tables[Place]
_orders = STORAGE.tables[ExpectedOrder]
_lines = STORAGE.tables[ExpectedLine]
_units = STORAGE.tables[ExpectedUnit]
_names = STORAGE.tables[OrderName]
_receipts = STORAGE.tables[Receipt]

_COMES = _lines.c.kind.in_(RECEIVED_KINDS)
_KEPT = _lines.c.accepted - _lines.c.returned
# Written as its index is.
_IS_OPEN = and_(
    _COMES, _lines.c.ordered + _lines.c.returned > _lines.c.accepted + _lines.c.asked + _lines.c.credited
)


class UnitOpen(BaseModel):
    """A unit still to come: the asset it will be and the tag it will bear."""

    asset_id: UUID
    unit_number: int
    tag: str | None


class LineExpected(BaseModel):
    """One order line and its figures: open = ordered - cancelled - kept, where kept = accepted - returned.

    Rejected units stay open. `over` is how many are here that nobody wants.

    Each line of an order of several requests says which one it is for. Software and services don't come to the
    dock: nothing of them is open.
    """

    order_line_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    sku: str
    name: str
    kind: Kind
    expected_on: date | None
    ordered: int
    cancelled: int
    accepted: int
    rejected: int
    returned: int
    open: int
    over: int


class LineInDetail(LineExpected):
    """One order line with its open units, lowest number first; as many as one receipt takes."""

    open_units: list[UnitOpen]


class OrderExpected(BaseModel):
    """An order whose goods are expected."""

    order_id: UUID
    requisition_number: str
    purchase_order_number: str | None
    request_id: UUID | None
    vendor_name: str
    deliver_to: str
    expected_since: datetime
    open: int
    lines: list[LineExpected]


class OrderInDetail(OrderExpected):
    """An order whose goods are expected, unit by unit."""

    lines: list[LineInDetail]  # type: ignore[assignment]  # the same lines, each with its units


class Summary(BaseModel):
    """The dock in figures."""

    orders: int
    orders_open: int
    units_ordered: int
    units_cancelled: int
    units_accepted: int
    units_rejected: int
    units_returned: int
    units_open: int
    receipts: int
    places: int


@router.get("/expected-orders", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_expected_orders(
    read: Reading,
    order_id: UUID | None = None,
    request_id: UUID | None = None,
    number: Wanted = None,
    open_only: Annotated[bool, Query(description="Only orders with units still to come.")] = False,
    limit: Limit = 100,
    after: After = None,
) -> Page[OrderExpected]:
    """Orders whose goods are or were expected, in the order of their requisition numbers."""
    wanted = {_orders.c.id: order_id, _orders.c.requisition_number: number}
    query = matching(select(_orders), wanted)
    if request_id is not None:
        among_others = select(_lines.c.order_id).where(_lines.c.request_id == request_id)
        query = query.where(or_(_orders.c.request_id == request_id, _orders.c.id.in_(among_others)))
    if open_only:
        query = query.where(_orders.c.id.in_(select(_lines.c.order_id).where(_IS_OPEN)))
    rows, following = await page_of(read, query, _orders.c.requisition_number, limit, after)
    lines: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for line in await read.execute(
        select(_lines).where(_lines.c.order_id.in_([row.id for row in rows])).order_by(_lines.c.sku)
    ):
        lines[line.order_id].append(line)
    return Page(
        items=[
            _order_expected(row, [_line_expected(line, row.request_id) for line in lines[row.id]])
            for row in rows
        ],
        next=following,
    )


@router.get("/expected-orders/{reference}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_expected_order(reference: str, read: Reading) -> OrderInDetail:
    """One order by its id, requisition number or purchase-order number, with its open units and their tags."""
    called = select(_names.c.order_id).where(_names.c.id == order_name_id(reference)).scalar_subquery()
    query = select(_orders).where(
        or_(named(reference, _orders.c.id, _orders.c.requisition_number), _orders.c.id == called)
    )
    order = (await read.execute(query)).one_or_none()
    if order is None:
        raise Rejection("order_unknown", message=f"No submitted order is called {reference}.")
    result = await read.execute(
        select(_lines).where(_lines.c.order_id == order.id).order_by(_lines.c.sku, _lines.c.id)
    )
    lines = [_line_expected(line, order.request_id) for line in result]
    open_units = await _open_units(read, [line.order_line_id for line in lines])
    in_detail = [
        LineInDetail(**line.model_dump(), open_units=open_units[line.order_line_id]) for line in lines
    ]
    return OrderInDetail(**_order_expected(order, lines).model_dump(exclude={"lines"}), lines=in_detail)


@router.get("/summary", dependencies=[needs(Action.SEE_DELIVERIES)])
async def summarise(read: Reading) -> Summary:
    """How much is expected, how much was taken."""
    unwanted = _lines.c.asked + _lines.c.credited
    cancelled = func.least(unwanted, func.greatest(0, _lines.c.ordered - _KEPT))
    still_open = func.greatest(0, _lines.c.ordered - _KEPT - unwanted)
    figures = select(
        func.coalesce(func.sum(_lines.c.ordered).filter(_COMES), 0).label("units_ordered"),
        func.coalesce(func.sum(cancelled).filter(_COMES), 0).label("units_cancelled"),
        func.coalesce(func.sum(_lines.c.accepted).filter(_COMES), 0).label("units_accepted"),
        func.coalesce(func.sum(_lines.c.returned).filter(_COMES), 0).label("units_returned"),
        func.coalesce(func.sum(still_open).filter(_COMES), 0).label("units_open"),
        func.coalesce(func.sum(_lines.c.rejected), 0).label("units_rejected"),
        func.count(_lines.c.order_id.distinct()).filter(_IS_OPEN).label("orders_open"),
        select(func.count()).select_from(_orders).scalar_subquery().label("orders"),
        select(func.count()).select_from(_receipts).scalar_subquery().label("receipts"),
        select(func.count()).select_from(_places).scalar_subquery().label("places"),
    )
    counted = {name: int(figure) for name, figure in (await read.execute(figures)).one()._mapping.items()}
    return Summary(**counted)


async def _open_units(read: AsyncConnection, line_ids: Sequence[UUID]) -> dict[UUID, list[UnitOpen]]:
    """The lowest open units of each line, as many as one receipt takes."""
    position = func.row_number().over(partition_by=_units.c.order_line_id, order_by=_units.c.unit_number)
    numbered = (
        select(_units, position.label("position"))
        .where(_units.c.order_line_id.in_(line_ids), _units.c.status == UnitStatus.OPEN.value)
        .subquery()
    )
    first = select(numbered).where(numbered.c.position <= UNITS_PER_FACT).order_by(numbered.c.unit_number)
    units: dict[UUID, list[UnitOpen]] = defaultdict(list)
    for unit in await read.execute(first):
        units[unit.order_line_id].append(
            UnitOpen(asset_id=unit.id, unit_number=unit.unit_number, tag=unit.tag)
        )
    return units


def _order_expected(row: Row[Any], lines: list[LineExpected]) -> OrderExpected:
    return OrderExpected(
        order_id=row.id,
        **fields_of(row, "id", "version", "sequence"),
        open=sum(line.open for line in lines),
        lines=lines,
    )


def _line_expected(row: Row[Any], request_id: UUID | None) -> LineExpected:
    line = ExpectedLine(**row._mapping)
    shown = (
        "request_line_id",
        "sku",
        "name",
        "kind",
        "expected_on",
        "ordered",
        "accepted",
        "rejected",
        "returned",
    )
    return LineExpected(
        order_line_id=line.id,
        request_id=line.request_id or request_id,
        cancelled=line.cancelled,
        open=line.open,
        over=line.over,
        **{name: getattr(line, name) for name in shown},
    )
