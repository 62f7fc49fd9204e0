"""Receiving over HTTP: take deliveries; see what is expected, what was taken and where goods can be put."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, Wanted, fields_of, matching, named, page_of
from libs.contracts.permissions import Action
from libs.contracts.receiving import Condition, RecordReceipt, RenewCopies
from libs.contracts.values import UNITS_PER_FACT, Kind
from services.receiving.expectation import (
    RECEIVED_KINDS,
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    UnitStatus,
)
from services.receiving.place import Place
from services.receiving.receipt import Receipt, ReceiptLine, ReceiptUnit
from services.receiving.tables import STORAGE

router = APIRouter()

_places = STORAGE.tables[Place]
_orders = STORAGE.tables[ExpectedOrder]
_lines = STORAGE.tables[ExpectedLine]
_units = STORAGE.tables[ExpectedUnit]
_receipts = STORAGE.tables[Receipt]
_receipt_lines = STORAGE.tables[ReceiptLine]
_receipt_units = STORAGE.tables[ReceiptUnit]

_COMES = _lines.c.kind.in_(RECEIVED_KINDS)
_IS_OPEN = and_(_COMES, _lines.c.ordered > _lines.c.accepted + _lines.c.asked)


class ReceiptTaken(BaseModel):
    """A delivery was recorded."""

    receipt_id: UUID
    receipt_number: str = Field(examples=["RCV-000001"])
    order_id: UUID


class PlaceSeen(BaseModel):
    """A location and its storage spaces."""

    location_id: UUID
    code: str
    name: str
    storage_spaces: list[str]
    active: bool


class UnitOpen(BaseModel):
    """A unit still to come: the asset it will be and the tag it will bear."""

    asset_id: UUID
    unit_number: int
    tag: str | None


class LineExpected(BaseModel):
    """One order line and its figures: open = ordered - cancelled - accepted; rejected units stay open.

    Software and services don't come to the dock: nothing of them is open.
    """

    order_line_id: UUID
    request_line_id: UUID | None
    sku: str
    name: str
    kind: Kind
    ordered: int
    cancelled: int
    accepted: int
    rejected: int
    open: int


class LineInDetail(LineExpected):
    """One order line with its open units, lowest number first; as many as one receipt takes."""

    open_units: list[UnitOpen]


class OrderExpected(BaseModel):
    """An order whose goods are expected."""

    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    vendor_name: str
    deliver_to: str
    expected_since: datetime
    open: int
    lines: list[LineExpected]


class OrderInDetail(OrderExpected):
    """An order whose goods are expected, unit by unit."""

    lines: list[LineInDetail]  # type: ignore[assignment]  # the same lines, each with its units


class ReceiptSeen(BaseModel):
    """A delivery that was taken."""

    receipt_id: UUID
    receipt_number: str
    order_id: UUID
    request_id: UUID | None
    received_by: str
    received_at: datetime
    delivery_note: str | None
    accepted: int
    rejected: int


class UnitTaken(BaseModel):
    """One accepted unit."""

    asset_id: UUID
    unit_number: int
    serial: str
    tag: str | None
    condition: Condition
    location: str
    storage_space: str


class LineTaken(BaseModel):
    """What was accepted and rejected of one order line; a quantity has one place, units have their own."""

    receipt_line_id: UUID
    order_line_id: UUID
    sku: str
    accepted: int
    rejected: int
    rejection_reason: str | None
    location: str | None
    storage_space: str | None
    units: list[UnitTaken]


class ReceiptInDetail(ReceiptSeen):
    """A delivery that was taken, unit by unit."""

    lines: list[LineTaken]


class Summary(BaseModel):
    """The dock in figures."""

    orders: int
    orders_open: int
    units_ordered: int
    units_cancelled: int
    units_accepted: int
    units_rejected: int
    units_open: int
    receipts: int
    places: int


@router.post(
    "/receipts", status_code=201, response_model=ReceiptTaken, dependencies=[needs(Action.TAKE_DELIVERY)]
)
async def record_receipt(receipt: JsonBody[RecordReceipt], obey: Obeying) -> Response:
    """Take a delivery for an order. All of it is recorded, or nothing."""
    return await obey(receipt)


@router.get("/receipts", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_receipts(
    read: Reading,
    order_id: UUID | None = None,
    request_id: UUID | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[ReceiptSeen]:
    """Deliveries taken, in the order of their numbers."""
    query = matching(select(_receipts), {_receipts.c.order_id: order_id, _receipts.c.request_id: request_id})
    rows, following = await page_of(read, query, _receipts.c.number, limit, after)
    return Page(items=[_receipt_seen(row) for row in rows], next=following)


@router.get("/receipts/{reference}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_receipt(reference: str, read: Reading) -> ReceiptInDetail:
    """One delivery by its id or number, with what was accepted and rejected."""
    query = select(_receipts).where(named(reference, _receipts.c.id, _receipts.c.number))
    receipt = (await read.execute(query)).one_or_none()
    if receipt is None:
        raise Rejection("receipt_unknown", message=f"No receipt is called {reference}.")
    lines = await read.execute(select(_receipt_lines).where(_receipt_lines.c.receipt_id == receipt.id))
    lines_seen = {
        line.id: LineTaken(
            receipt_line_id=line.id,
            order_line_id=line.order_line_id,
            sku=line.sku,
            accepted=line.accepted,
            rejected=line.rejected,
            rejection_reason=line.rejection_reason,
            location=line.location,
            storage_space=line.storage_space,
            units=[],
        )
        for line in lines
    }
    units = select(_receipt_units).where(_receipt_units.c.receipt_line_id.in_(lines_seen))
    for unit in await read.execute(units.order_by(_receipt_units.c.unit_number)):
        lines_seen[unit.receipt_line_id].units.append(UnitTaken.model_validate(dict(unit._mapping)))
    return ReceiptInDetail(**_receipt_seen(receipt).model_dump(), lines=list(lines_seen.values()))


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
    wanted = {_orders.c.id: order_id, _orders.c.request_id: request_id, _orders.c.requisition_number: number}
    query = matching(select(_orders), wanted)
    if open_only:
        query = query.where(_orders.c.id.in_(select(_lines.c.order_id).where(_IS_OPEN)))
    rows, following = await page_of(read, query, _orders.c.requisition_number, limit, after)
    lines = defaultdict(list)
    for line in await read.execute(
        select(_lines).where(_lines.c.order_id.in_([row.id for row in rows])).order_by(_lines.c.sku)
    ):
        lines[line.order_id].append(_line_expected(line))
    return Page(items=[_order_expected(row, lines[row.id]) for row in rows], next=following)


@router.get("/expected-orders/{reference}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_expected_order(reference: str, read: Reading) -> OrderInDetail:
    """One order by its id or requisition number, with its open units and their tags."""
    query = select(_orders).where(named(reference, _orders.c.id, _orders.c.requisition_number))
    order = (await read.execute(query)).one_or_none()
    if order is None:
        raise Rejection("order_unknown", message=f"No submitted order is called {reference}.")
    result = await read.execute(
        select(_lines).where(_lines.c.order_id == order.id).order_by(_lines.c.sku, _lines.c.id)
    )
    lines = [_line_expected(line) for line in result]
    open_units = await _open_units(read, [line.order_line_id for line in lines])
    in_detail = [
        LineInDetail(**line.model_dump(), open_units=open_units[line.order_line_id]) for line in lines
    ]
    return OrderInDetail(**_order_expected(order, lines).model_dump(exclude={"lines"}), lines=in_detail)


@router.get("/places", dependencies=[needs(Action.SEE_LOCATIONS)])
async def list_places(read: Reading, limit: Limit = 100, after: After = None) -> Page[PlaceSeen]:
    """Where goods can be put, by code."""
    rows, following = await page_of(read, select(_places), _places.c.code, limit, after)
    places = [PlaceSeen(location_id=row.id, **fields_of(row, "id", "version", "sequence")) for row in rows]
    return Page(items=places, next=following)


@router.post(
    "/copies/renewal", status_code=202, response_model=None, dependencies=[needs(Action.RENEW_COPIES)]
)
async def renew_copies(obey: Obeying) -> Response:
    """Ask assets to say every location again, for instance after this database was restored."""
    return await obey(RenewCopies(), status=202)


@router.get("/summary", dependencies=[needs(Action.SEE_DELIVERIES)])
async def summarise(read: Reading) -> Summary:
    """How much is expected, how much was taken."""
    cancelled = func.least(_lines.c.asked, func.greatest(0, _lines.c.ordered - _lines.c.accepted))
    figures = select(
        func.coalesce(func.sum(_lines.c.ordered).filter(_COMES), 0).label("units_ordered"),
        func.coalesce(func.sum(cancelled).filter(_COMES), 0).label("units_cancelled"),
        func.coalesce(func.sum(_lines.c.accepted).filter(_COMES), 0).label("units_accepted"),
        func.coalesce(func.sum(_lines.c.rejected), 0).label("units_rejected"),
        func.count(_lines.c.order_id.distinct()).filter(_IS_OPEN).label("orders_open"),
        select(func.count()).select_from(_orders).scalar_subquery().label("orders"),
        select(func.count()).select_from(_receipts).scalar_subquery().label("receipts"),
        select(func.count()).select_from(_places).scalar_subquery().label("places"),
    )
    counted = {name: int(figure) for name, figure in (await read.execute(figures)).one()._mapping.items()}
    still_open = counted["units_ordered"] - counted["units_cancelled"] - counted["units_accepted"]
    return Summary(**counted, units_open=still_open)


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
        **fields_of(row, "id", "version"),
        open=sum(line.open for line in lines),
        lines=lines,
    )


def _line_expected(row: Row[Any]) -> LineExpected:
    line = ExpectedLine(**row._mapping)
    return LineExpected(
        order_line_id=line.id,
        cancelled=line.cancelled,
        open=line.open,
        **fields_of(row, "id", "version", "order_id", "asked", "asset_creation"),
    )


def _receipt_seen(row: Row[Any]) -> ReceiptSeen:
    return ReceiptSeen(
        receipt_id=row.id, receipt_number=row.number, **fields_of(row, "id", "version", "number")
    )
